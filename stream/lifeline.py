"""What ties a worker's process to its supervisor: two pipes.

The worker's stdin stays open as long as its supervisor lives, however that ends. On its stdout, where a scorer prints
nothing, the worker says what its supervisor must know, a JSON object a line.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec
import structlog

from stream.errors import Mendable, SlotTaken
from stream.restarts import STATUS_MENDABLE

log = structlog.get_logger()

_STDIN: Final = 0


class Listening(msgspec.Struct, frozen=True, tag=True):
    """The worker answers over HTTP.

    Attributes:
        port: Where, on loopback.
    """

    port: int


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The worker ends for what somebody must mend.

    Attributes:
        problem: As in `Mendable`.
        remedy: As in `Mendable`.
    """

    problem: str
    remedy: str


class Ousted(msgspec.Struct, frozen=True, tag=True):
    """The worker ends because another has its slot.

    Attributes:
        detail: In words.
    """

    detail: str


Saying = Listening | Refused | Ousted

_encode: Final = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], Saying]] = msgspec.json.Decoder(Saying).decode


def understood(line: bytes) -> Saying | None:
    """What a line on a worker's stdout says; None where it is none of these."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def end_with_supervisor(stop: threading.Event) -> None:
    """Sets `stop` once this process's supervisor is gone."""

    def watch() -> None:
        with suppress(OSError):
            while os.read(_STDIN, 1024):
                pass
        if not stop.is_set():
            stop.set()  # first: the log's reader may be gone as well
            log.warning("the supervisor is gone: ending")

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def say_listening(port: int) -> None:
    """Tells the supervisor where this worker answers."""
    _say(Listening(port))


@contextmanager
def endings_told() -> Iterator[None]:
    """Tells the supervisor of an error that ends the block, where it decides whether to start another worker.

    What somebody must mend ends the process with status 2 and without a line of its own: each worker would print the
    same, and the supervisor prints it once.
    """
    try:
        yield
    except SlotTaken as taken:
        _say(Ousted(str(taken)))
        raise
    except Mendable as mendable:
        _say(Refused(mendable.problem, mendable.remedy))
        raise SystemExit(STATUS_MENDABLE) from None


def _say(saying: Saying) -> None:
    # Nobody to hear it: the other pipe says so too.
    with suppress(OSError):
        sys.stdout.write(_encode(saying).decode() + "\n")
        sys.stdout.flush()
