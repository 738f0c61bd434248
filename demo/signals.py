"""Ctrl-C and its relatives: an exception that ends the demo in order, and never in the middle of a start."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_INSIST_EVERY_S: Final = 1.0


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
    """The first of the signals raises `Interrupted` in the block, and again each second until the block is left.

    Once is not enough: an exception that a handler raises while a finalizer or a callback of a library runs is
    printed or dropped there, and the block goes on as if nobody had asked.

    Raises:
        Interrupted: A signal arrived.
    """
    arrived: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        if not arrived:
            arrived.append(number)
            signal.setitimer(signal.ITIMER_REAL, _INSIST_EVERY_S, _INSIST_EVERY_S)
            raise Interrupted(number)

    def insist(_: int, __: FrameType | None) -> None:
        raise Interrupted(arrived[0])

    handlers = {**dict.fromkeys(_ENDING, interrupt), signal.SIGALRM: insist}
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _restore(former)


@contextmanager
def undisturbed() -> Iterator[None]:
    """The signals do nothing in the block, but for an `interruptible` part of it: it cleans up, as they ask for."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        _restore(former)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """A signal that arrives in the block takes effect right after it.

    For the moment between the start of a process, a thread or a server and somebody's knowing it: whoever ends
    there leaves it behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Handlers run on the main thread only.
        return
    arrived: list[int] = []
    former = {number: signal.getsignal(number) for number in (*_ENDING, signal.SIGALRM)}
    # What is ignored stays so: a child inherits it, as under nohup.
    held = {number: handler for number, handler in former.items() if handler not in {signal.SIG_IGN, None}}
    for number in held:
        signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        _restore(held)
        for late in arrived:
            signal.raise_signal(late)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
