"""The compiled walk through a forest, `kernel.c`: loaded where it was compiled, and the reason where it was not.

`NAME` says which walk scores and explains in this process. Both give the same bits; numpy takes four to twenty-five
times as long.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

_SOURCE: Final = "kernel.c"
# None of Python's suffixes for a module of this name: `kernel.so` would be imported in place of this file.
_LIBRARY: Final = "libkernel.so"
_DIGESTS: Final = "libkernel.sha256"

_ARRAY, _COUNT = ctypes.c_void_p, ctypes.c_int64
_FOREST: Final = (_ARRAY, _ARRAY, _ARRAY, _ARRAY, _COUNT)
_ROWS: Final = (_ARRAY, _COUNT, _COUNT)


@dataclass(frozen=True)
class Kernel:
    """What walks rows through trees.

    Attributes:
        scores: `forest_scores` of kernel.c, which runs without the interpreter's lock; None where numpy walks.
        credits: `forest_credits`, likewise.
        reason: Why numpy walks; None where it does not.
    """

    scores: Callable[..., Any] | None = None
    credits: Callable[..., Any] | None = None
    reason: str | None = None

    @property
    def name(self) -> Literal["c", "numpy"]:
        """Which walk it is."""
        return "c" if self.scores else "numpy"


def load(folder: Path) -> Kernel:
    """The kernel that was compiled into a folder.

    A library is only opened where both it and its source are as they were when it was compiled: one that is stale or
    cut short is told apart before it can do any harm.
    """
    try:
        written = (folder / _DIGESTS).read_text()
        found = "".join(f"{_sha256(folder / name)}  {name}\n" for name in (_SOURCE, _LIBRARY))
    except FileNotFoundError as absent:
        return Kernel(reason=f"{Path(absent.filename).name} is missing: there was no C compiler at the installation")
    except (OSError, UnicodeDecodeError) as refusal:
        return Kernel(reason=f"the compiled kernel cannot be read ({refusal})")
    if written != found:
        return Kernel(reason=f"{_LIBRARY} was not compiled from this {_SOURCE}, or is damaged: install again")
    try:
        # CDLL, unlike PyDLL, lets go of the interpreter's lock during a call.
        library = ctypes.CDLL(str(folder / _LIBRARY))
        scores, credited = library.forest_scores, library.forest_credits
    except (OSError, AttributeError) as refusal:
        return Kernel(reason=f"{_LIBRARY} does not load ({refusal})")
    scores.argtypes, scores.restype = (*_FOREST, *_ROWS, _COUNT, _ARRAY, _ARRAY), None
    credited.argtypes, credited.restype = (*_FOREST, *_ROWS, _ARRAY, _ARRAY, _ARRAY), None
    return Kernel(scores, credited)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


KERNEL: Final = load(Path(__file__).parent)
NAME: Final = KERNEL.name
