"""The command `fraud` as a user types it, each time in a process of its own."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from demo.ports import LOOPBACK
from demo.processes import Child
from demo.workspace import Workspace

# What the user's shell may hold for the real system is no business of the demo's children: they must reach
# nobody but the receivers on this machine.
_NOT_INHERITED: Final = ("FRAUD_", "AWS_", "TWILIO_")

_GRACE_S: Final = 10.0
_PROBE_TIMEOUT_S: Final = 2.0


def child_environment(environ: Mapping[str, str], *, temporary: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a child (pure).

    Args:
        environ: The demo's own.
        temporary: Where the child writes what it thinks of as temporary.
        settings: What it is to be told.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(_NOT_INHERITED)}
    return {
        **inherited,
        "TMPDIR": str(temporary),
        # Nothing goes through a proxy, and no file in the home directory gives AWS another address.
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "FRAUD_LOG__FORMAT": "console",
        "NO_COLOR": "1",
        **settings,
    }


class Fraud:
    """Runs commands until the block ends, and ends those that still run then.

    Children work in the demo's folder, where no `fraud.toml` of the user's is found.

    Args:
        environ: The demo's own environment.
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
        child = self._cleanup.enter_context(self._child(arguments, settings))
        self._cleanup.callback(child.stop, _GRACE_S)
        return child

    def _child(self, arguments: tuple[str, ...], settings: Mapping[str, str]) -> Child:
        command = arguments[0]
        return Child(
            f"fraud {command}",
            [sys.executable, "-m", "cli.main", *arguments],
            log=self._work.logs / f"{command}.log",
            environment=child_environment(self._environ, temporary=self._work.data, settings=settings),
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
