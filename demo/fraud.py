"""The command `fraud` as a user types it, each time in a process of its own."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from demo.ports import LOOPBACK
from demo.processes import Child
from demo.signals import deferred_signals
from demo.workspace import Workspace

_GRACE_S: Final = 10.0
_PROBE_TIMEOUT_S: Final = 2.0


class Fraud:
    """Runs commands until the block ends, and ends those that still run then.

    Children work in the demo's folder, where no `fraud.toml` of the user's is found.

    Args:
        environ: What the children inherit, `demo.isolation.isolate`d.
        work: Where the children work and log.
        cleanup: Ends what was started.
    """

    def __init__(self, environ: Mapping[str, str], work: Workspace, cleanup: ExitStack) -> None:
        self._environ = environ
        self._work = work
        self._cleanup = cleanup

    def run(self, *arguments: str, settings: Mapping[str, str], doing: str, within_s: float) -> None:
        """Runs a command that must succeed.

        Raises:
            ChildFailed: It did not, or not in time.
        """
        with self._child(arguments, settings) as child:
            child.finish(doing=doing, within_s=within_s)

    def start(self, *arguments: str, settings: Mapping[str, str]) -> Child:
        """Starts a command that goes on."""
        with deferred_signals():  # Until somebody will end it, nothing may end this.
            child = self._cleanup.enter_context(self._child(arguments, settings))
            self._cleanup.callback(child.stop, _GRACE_S)
        return child

    def _child(self, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Child:
        command = arguments[0]
        return Child(
            f"fraud {command}",
            [sys.executable, "-m", "cli.main", *arguments],
            log=self._work.logs / f"{command}.log",
            environment={
                **self._environ,
                "TMPDIR": str(self._work.data),
                # The end of a log may be quoted.
                "FRAUD_LOG__FORMAT": "console",
                "NO_COLOR": "1",
                **settings,
            },
            directory=self._work.data,
        )


def is_ready(port: int) -> bool:
    """Whether the worker that listens there says at /readyz that it takes part."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
