"""A loop that stands still ends its process: a supervisor starts another, and nothing uncommitted was kept."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import structlog

log = structlog.get_logger()

_TICK_S: Final = 0.5
_STATUS: Final = 1


class Pulse(Protocol):
    """What tells that a loop turns."""

    @property
    def beats(self) -> int:
        """How often it has turned."""


@contextmanager
def watched(pulse: Pulse, stuck_s: float, *, end: Callable[[], None] | None = None) -> Iterator[None]:
    """Ends the process where this thread's loop does not turn for `stuck_s` seconds while the block runs.

    Waking time is counted, not the clock's: a process that was frozen is not stuck when it goes on.

    Args:
        pulse: Of the loop.
        stuck_s: Longer than any turn of a healthy loop.
        end: What to do about a loop that is stuck; None ends the process with status 1, at once and whatever
            its threads are in.
    """
    done, loop = threading.Event(), threading.get_ident()

    def watch() -> None:
        beats, still_s = pulse.beats, 0.0
        while not done.wait(_TICK_S):
            still_s = still_s + _TICK_S if pulse.beats == beats else 0.0
            beats = pulse.beats
            if still_s >= stuck_s:
                log.critical("the loop stands still: ending the process", seconds=still_s, at=_place(loop))
                (end or _end)()
                return

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _place(thread: int) -> str:
    """Where a thread stands: files and lines, never values."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 (documented, and the only way to ask)
    last = traceback.extract_stack(frame)[-4:] if frame else []
    return " < ".join(f"{Path(at.filename).name}:{at.lineno} {at.name}" for at in reversed(last))


def _end() -> None:
    sys.stderr.flush()
    os._exit(_STATUS)
