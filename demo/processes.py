"""Child processes: a group of their own, their output in a file, and an end that always comes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from demo.signals import deferred_signals
from model.errors import Mendable

_LOOK_EVERY_S: Final = 0.05
_KILL_TIMEOUT_S: Final = 10.0
_QUOTED_LINES: Final = 15


class ChildFailed(Mendable):
    """A child ended, or kept everybody waiting, against expectation; quotes the end of its log.

    Attributes:
        status: Its exit status, None where it was still running.
    """

    def __init__(self, problem: str, *, remedy: str, status: int | None) -> None:
        super().__init__(problem, remedy=remedy)
        self.status: Final = status


class Child:
    """One process, started at construction, whose output goes to a file.

    It leads a process group: a Ctrl-C at the terminal reaches only the parent, which then decides in which
    order to end what it started, grandchildren included.

    Args:
        name: What people call it.
        command: The program and its arguments.
        environment: All of its environment; None hands on the parent's.
        directory: Where it works; None is the parent's.
        log: The file for its standard output and error, appended to.

    Attributes:
        name: As given.
        log: As given.
        pid: Its process id and the id of its group.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.name: Final = name
        self.log: Final = log
        process: subprocess.Popen[bytes] | None = None
        try:
            with log.open("ab") as output, deferred_signals():
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=directory,
                    start_new_session=True,
                )
        except BaseException:
            # A signal that waited for the start: nobody will know this child.
            if process is not None:
                process.kill()
                process.wait(_KILL_TIMEOUT_S)
            raise
        self._process: Final = process
        self.pid: Final = process.pid

    @property
    def status(self) -> int | None:
        """Its exit status (negative: the signal that ended it), or None while it runs."""
        # An exception from a signal's handler, raised between the two halves of `poll`, would leave its lock
        # taken, and the child never seen to end.
        with deferred_signals():
            return self._process.poll()

    def require_running(self, doing: str) -> None:
        """Makes sure that it runs.

        Args:
            doing: What it should be doing, as in "while starting".

        Raises:
            ChildFailed: It ended, whatever its status.
        """
        if self.status is not None:
            raise self._failed(f"ended with status {self.status} {doing}")

    def wait_until(self, ready: Callable[[], bool], *, doing: str, within_s: float) -> None:
        """Waits for something that the child brings about.

        Raises:
            ChildFailed: It ended before, or the time passed.
        """
        until = time.monotonic() + within_s
        while not ready():
            self.require_running(doing)
            if time.monotonic() >= until:
                raise self._failed(f"took more than {within_s:.0f} s {doing}")
            time.sleep(_LOOK_EVERY_S)

    def finish(self, *, doing: str, within_s: float) -> None:
        """Waits for its success.

        Raises:
            ChildFailed: Its exit status is not 0, or the time passed.
        """
        status = self._await_end(within_s)
        if status is None:
            raise self._failed(f"took more than {within_s:.0f} s {doing}")
        if status != 0:
            raise self._failed(f"ended with status {status} {doing}")

    def leave(self, *, within_s: float) -> None:
        """Asks it to end (SIGTERM) and waits until it has.

        Raises:
            ChildFailed: It took too long, or its exit status is not 0.
        """
        self._ask_to_end()
        self.finish(doing="when asked to end", within_s=within_s)

    def stop(self, grace_s: float) -> int:
        """Asks it to end (SIGTERM) and, once `grace_s` have passed, ends it and its group (SIGKILL).

        Returns:
            Its exit status.
        """
        self._ask_to_end()
        self._await_end(grace_s)
        return self.kill()

    def kill(self) -> int:
        """Ends it and what is left of its group at once.

        Returns:
            Its exit status.

        Raises:
            ChildFailed: The system does not let it end.
        """
        # All of the group may be gone; macOS says so with EPERM while the leader is not yet waited for.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = self._await_end(_KILL_TIMEOUT_S)
        if status is None:
            raise self._failed("does not end, although it was killed")
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _ask_to_end(self) -> None:
        with deferred_signals():  # As in `status`: `terminate` polls first.
            self._process.terminate()

    def _await_end(self, within_s: float) -> int | None:
        until = time.monotonic() + within_s
        while (status := self.status) is None and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
        return status

    def _failed(self, what: str) -> ChildFailed:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_QUOTED_LINES:]
        quoted = "\n".join(f"    {line}" for line in lines or ["(nothing)"])
        return ChildFailed(f"{self.name} {what}", remedy=f"see what its log ends with\n{quoted}", status=self.status)
