"""Servers that never fall silent and never finish: a time-out for each read would wait for them for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_EVERY_S: Final = 0.05
_PATIENCE_S: Final = 20.0


class Dripping:
    """One connection's side of the server.

    Args:
        connection: To the client.
        stop: Ends the dripping.
    """

    def __init__(self, connection: socket.socket, stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop
        self.lines: Final = connection.makefile("rb")

    def say(self, text: bytes) -> None:
        """At once."""
        self._connection.sendall(text)

    def drip(self, text: bytes) -> None:
        """Again and again, a byte at a time, until the test ends or the client has gone."""
        while True:
            for byte in text:
                if self._stop.wait(_EVERY_S):
                    return
                self._connection.sendall(bytes([byte]))


@contextmanager
def dripping(serve: Callable[[Dripping], None]) -> Iterator[int]:
    """A server on loopback, by its port.

    Args:
        serve: What is done with each connection.
    """
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            serve(Dripping(connection, stop))

    def accept() -> None:
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(server.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(_PATIENCE_S)


def ended(act: Callable[[], object]) -> None:
    """Does it on another thread, and fails the test where it does not end at all."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    assert not thread.is_alive(), "the attempt goes on and on"


def http(head: bytes, drop: bytes) -> Callable[[Dripping], None]:
    """Answers whatever is asked with a beginning, and drips what follows."""

    def serve(client: Dripping) -> None:
        while client.lines.readline() not in (b"\r\n", b""):
            pass
        client.say(head)
        client.drip(drop)

    return serve


def greeting_of_tls(client: Dripping) -> None:
    """Begins a record of 16 KiB (RFC 8446, 5.1), and never gets to its end."""
    client.say(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")
    client.drip(b"\x00")
