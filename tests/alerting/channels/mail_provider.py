"""A mail server in a provider's place, which obeys a script of faults: each is of one mail."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import BinaryIO, Final

from demo.receivers.script import Script


class MailProvider:
    """Takes mail without TLS from whoever comes.

    Attributes:
        script: Faults still to come.
        url: Where it listens.
    """

    def __init__(self) -> None:
        self.script: Final = Script()
        self._lock = threading.Lock()
        self._taken = 0
        self._released = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url: Final = f"smtp://127.0.0.1:{self._server.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def taken(self) -> int:
        """How many mails were."""
        with self._lock:
            return self._taken

    def close(self) -> None:
        """Hangs up."""
        self._released.set()
        for one in (self._server, *self._connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for line in lines:
                connection.sendall(b"354 go on\r\n" if line.upper() == b"DATA\r\n" else b"250 fine\r\n")
                if line.upper() == b"DATA\r\n" and not self._takes(connection, lines):
                    return

    def _takes(self, connection: socket.socket, lines: BinaryIO) -> bool:
        while lines.readline() not in (b".\r\n", b""):
            pass
        fault = self.script.next()
        if fault is not None:
            self._released.wait(fault.hold_s)
        if fault is None or fault.taken:
            with self._lock:
                self._taken += 1
        if fault is None or not fault.drop:
            connection.sendall(b"250 taken\r\n" if fault is None else f"{fault.status} no\r\n".encode())
        return fault is None or not fault.drop
