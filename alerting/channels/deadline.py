"""One end for all of an attempt: whichever client speaks, over whichever connection, its every wait ends then.

A time-out for each read would let a server that sends a byte now and then hold a thread for ever. The end belongs to
the thread that makes the attempt, so that it holds for connections that clients keep and hand out by themselves.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

# No answer is larger; what a server sends beyond it, nobody has to keep.
MOST_RECEIVED: Final = 256 * 1024

_of_thread = threading.local()


class TooMuch(OSError):
    """The other side sent more than any answer holds."""


class Deadline:
    """The end of one attempt.

    Args:
        within_s: From now.
        most: Bytes that may be received.

    Attributes:
        has_left: Whether anything was sent, TLS's own greetings aside.
    """

    def __init__(self, within_s: float, most: int = MOST_RECEIVED) -> None:
        self._ends = time.monotonic() + within_s
        self._most = most
        self.has_left = False

    def left(self) -> float:
        """Seconds until then.

        Raises:
            TimeoutError: There are none.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the attempt's time is over")
        return left

    def received(self, count: int) -> None:
        """Counts bytes.

        Raises:
            TooMuch: They are too many.
        """
        self._most -= count
        if self._most < 0:
            raise TooMuch("the answer is too large")


@contextmanager
def attempt(within_s: float, most: int = MOST_RECEIVED) -> Iterator[Deadline]:
    """Gives an end to all that this thread waits for on `EndingSocket`s.

    Args:
        within_s: From now.
        most: Bytes that may be received.
    """
    before: Deadline | None = getattr(_of_thread, "deadline", None)
    _of_thread.deadline = deadline = Deadline(within_s, most)
    try:
        yield deadline
    finally:
        _of_thread.deadline = before


def current(otherwise_s: float) -> Deadline:
    """The end of this thread's attempt.

    Args:
        otherwise_s: From now, where it makes none.
    """
    return getattr(_of_thread, "deadline", None) or Deadline(otherwise_s)


class EndingSocket(socket.socket):
    """A socket whose waits end with the attempt."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As a socket's."""
        deadline = self._awaited()
        count = super().recv_into(*args, **kwargs)
        if deadline is not None:
            deadline.received(count)
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """As a socket's."""
        deadline = self._awaited()
        data = super().recv(*args, **kwargs)
        if deadline is not None:
            deadline.received(len(data))
        return data

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As a socket's."""
        self._leaving()
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """As a socket's."""
        self._leaving()
        return super().sendall(*args, **kwargs)

    def _awaited(self) -> Deadline | None:
        deadline: Deadline | None = getattr(_of_thread, "deadline", None)
        if deadline is not None:
            self.settimeout(deadline.left())
        return deadline

    def _leaving(self) -> None:
        deadline = self._awaited()
        if deadline is not None:
            deadline.has_left = True


class EndingTlsSocket(EndingSocket, ssl.SSLSocket):
    """The same with TLS."""

    def do_handshake(self, *args: Any, **kwargs: Any) -> None:
        """As a TLS socket's."""
        self._awaited()
        super().do_handshake(*args, **kwargs)


def ending(tls: ssl.SSLContext) -> ssl.SSLContext:
    """The context, whose sockets from now on end with the attempt."""
    tls.sslsocket_class = EndingTlsSocket
    return tls


def dialled(addresses: Sequence[str], port: int, deadline: Deadline) -> EndingSocket:
    """A connection to the first address that takes one.

    Each has its share of the time, so that one that is silent costs no more.

    Args:
        addresses: As the resolver gave them.
        port: Of all of them.
        deadline: Of the attempt.

    Raises:
        OSError: None takes one.
    """
    failure: OSError = OSError("no address")
    for tried, address in enumerate(addresses):
        try:
            return _dialled(address, port, deadline, deadline.left() / (len(addresses) - tried))
        except OSError as refused:
            failure = refused
    raise failure


def _dialled(address: str, port: int, deadline: Deadline, within_s: float) -> EndingSocket:
    connection = EndingSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(within_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((address, port))
        connection.settimeout(deadline.left())
    except BaseException:
        connection.close()
        raise
    return connection
