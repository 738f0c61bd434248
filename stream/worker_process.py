"""A worker's process, as its supervisor sees it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from stream.lifeline import Listening, Ousted, Refused, understood

_CHUNK: Final = 65_536


class WorkerProcess:
    """A process that was started. Used by one thread, but for `port`.

    It has the supervisor's stderr and working directory, and stays in its group of processes: Ctrl-C reaches all.

    Args:
        command: The program and its arguments, which everybody may read: no secrets.
        env: All of its environment.

    Attributes:
        port: Where it answers over HTTP, on loopback; None until it has said so.
        refused: What somebody must mend; None where it has not ended for that.
        ousted: Who has its slot, in words; None where it has not ended for that.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        # The command is this program's own, with its user's options.
        self._process = subprocess.Popen(  # noqa: S603
            command, env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._said = self._process.stdout.fileno()
        os.set_blocking(self._said, False)
        self._rest = b""
        self.port: int | None = None
        self.refused: Refused | None = None
        self.ousted: Ousted | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def status(self) -> int | None:
        """None while it runs; then its exit status, negative where a signal ended it. Takes in what it has said."""
        status = self._process.poll()
        self._listen()
        return status

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; it is gone when this returns."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Closes the pipes, the lifeline among them."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _listen(self) -> None:
        while True:
            try:
                heard = os.read(self._said, _CHUNK)
            except BlockingIOError:
                return
            if not heard:
                return
            *lines, self._rest = (self._rest + heard).split(b"\n")
            for line in lines:
                self._heed(line)

    def _heed(self, line: bytes) -> None:
        saying = understood(line)
        if isinstance(saying, Listening):
            self.port = saying.port
        elif isinstance(saying, Refused):
            self.refused = saying
        elif isinstance(saying, Ousted):
            self.ousted = saying
