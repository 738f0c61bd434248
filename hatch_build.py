"""Compiles the scoring kernel into the package; without a C compiler numpy scores, slower and with the same bits."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER: Final = Path("model", "scoring")
_SOURCE: Final = "kernel.c"
_LIBRARY: Final = "libkernel.so"
_DIGESTS: Final = "libkernel.sha256"
# The walk is twice as fast with its eight paths unrolled, which -O2 leaves; nothing may change the bits of a sum.
_FLAGS: Final = ("-std=c99", "-O3", "-ffp-contract=off", "-fno-fast-math", "-fPIC", "-shared")


class KernelHook(BuildHookInterface[Any]):
    """Puts the library and its digests beside kernel.c: into the wheel, or the tree of an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Compiles, or says in one line why not.

        Args:
            version: "standard" or "editable".
            build_data: What hatchling makes the wheel of.
        """
        folder = Path(self.root, _FOLDER)
        try:
            _compile(folder)
        except (OSError, subprocess.SubprocessError) as refusal:
            said = (getattr(refusal, "stderr", None) or str(refusal)).strip().splitlines()[:1]
            self.app.display_warning(f"The scoring kernel was not compiled, numpy will score: {''.join(said)}")
            return
        build_data["artifacts"] += [(_FOLDER / name).as_posix() for name in (_LIBRARY, _DIGESTS)]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def _compile(folder: Path) -> None:
    """Makes the library anew; what was there before is gone even where that fails.

    Raises:
        OSError: There is no compiler, or the folder cannot be written to.
        subprocess.SubprocessError: The compiler refuses, or does not end.
    """
    for name in (_LIBRARY, _DIGESTS):
        (folder / name).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="libkernel.", dir=folder) as beside:
        made = Path(beside, _LIBRARY)
        command = [*_compiler(), *_FLAGS, "-o", str(made), str(folder / _SOURCE)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)  # noqa: S603
        digests = "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in (folder / _SOURCE, made)
        )
        # A process that runs keeps the library that it has opened.
        made.replace(folder / _LIBRARY)
    (folder / _DIGESTS).write_text(digests)


def _compiler() -> list[str]:
    """The command of `CC`, or else the compiler of this Python, or what is called like one."""
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    for command in (sysconfig.get_config_var("CC") or "", "cc", "gcc", "clang"):
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words
    raise FileNotFoundError("there is no C compiler")
