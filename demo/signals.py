"""Ctrl-C and its relatives: an exception that ends the demo in order, and never in the middle of a start."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked for the end; no `except Exception` may hold it up.

    Attributes:
        number: The signal's.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number: Final = number


@contextmanager
def interruptible() -> Iterator[None]:
    """The first of the signals raises `Interrupted` in the block; later ones do not disturb the clean-up.

    Raises:
        Interrupted: A signal arrived.
    """

    def interrupt(number: int, _: FrameType | None) -> None:
        for other in _ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    former = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """A signal that arrives in the block takes effect right after it.

    For the moment between a process's start and somebody's knowing it: whoever ends there leaves it behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Handlers run on the main thread only.
        return
    arrived: list[int] = []
    former = {number: signal.getsignal(number) for number in _ENDING}
    # What is ignored stays so: a child inherits it, as under nohup.
    held = {number: handler for number, handler in former.items() if handler not in {signal.SIG_IGN, None}}
    for number in held:
        signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for late in arrived:
            signal.raise_signal(late)
