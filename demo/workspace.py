"""The demo's folder: everything it writes is in there, and goes with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(".demo")


@dataclass(frozen=True)
class Workspace:
    """Where one run writes. Paths are absolute, whatever directory a child works in.

    Attributes:
        data: Transactions, model, broker's data: gone at the end.
        logs: One file for each child: kept where the run failed.
    """

    data: Path
    logs: Path


@contextmanager
def workspace(folder: Path = FOLDER) -> Iterator[Workspace]:
    """A directory for this run below `folder`, so that two runs do not meet.

    Nothing is left of it where the block ends well or is interrupted; its logs, where it raises an error.
    """
    folder.mkdir(exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=folder)).absolute()
    work = Workspace(data=run / "data", logs=run / "logs")
    work.data.mkdir()
    work.logs.mkdir()
    try:
        yield work
    except Exception:
        shutil.rmtree(work.data if any(work.logs.iterdir()) else run)
        raise
    except BaseException:
        shutil.rmtree(run)
        raise
    else:
        shutil.rmtree(run)
    finally:
        with suppress(OSError):
            folder.rmdir()  # Refused while another run, or its logs, are in it.
