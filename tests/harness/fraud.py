"""The command `fraud` as a user runs it: one-off, or as a process that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.harness.waiting import wait_until

FRAUD = (sys.executable, "-m", "cli.main")


def fraud(*arguments: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 120) -> str:
    """Runs a command that must succeed and returns what it printed to stdout."""
    done = attempt(*arguments, env=env, timeout_s=timeout_s)
    assert done.returncode == 0, f"fraud {arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def attempt(
    *arguments: str | Path, env: Mapping[str, str] | None = None, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a command that may fail."""
    return subprocess.run(
        [*FRAUD, *map(str, arguments)],
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def clean_environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment without settings of ours, and with `env`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    return {**kept, **(env or {})}


class FraudProcess:
    """A command that runs on, with its logs in a file; killed at the end of the block if it still runs.

    Args:
        arguments: Of the command.
        env: The settings, and nothing else of ours.
        log: Where stdout and stderr go, appended.
        program: What is run with these arguments.
    """

    def __init__(
        self, *arguments: str | Path, env: Mapping[str, str], log: Path, program: Sequence[str] = FRAUD
    ) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*program, *map(str, arguments)],
                env=clean_environment({"FRAUD_HTTP__PORT": "0", "FRAUD_LOG__FORMAT": "json", **env}),
                stdout=file,
                stderr=file,
            )

    def wait_until_ready(self, within_s: float = 120) -> Self:
        """Waits for /readyz to say yes."""
        wait_until(self.is_ready, within_s=within_s, what=f"not ready; its log:\n{self.log.read_text()}")
        return self

    def is_ready(self) -> bool:
        """Whether /readyz says yes; fails where the process has ended."""
        assert self.process.poll() is None, f"ended with {self.process.returncode}; its log:\n{self.log.read_text()}"
        try:
            return self.get("/readyz") == (200, "ready\n")
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of the process's pages."""
        port = next((line["port"] for line in self.log_lines() if "port" in line), None)
        if port is None:
            raise ConnectionError("it does not listen yet")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def log_lines(self) -> list[dict[str, object]]:
        """What this process logged, parsed."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def ended(self, within_s: float = 120) -> int:
        """Waits for the process to end by itself; the exit status, negative where a signal ended it."""
        try:
            return self.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"runs on after {within_s:.0f} s; its log:\n{self.log.read_text()}") from None

    def is_frozen(self) -> bool:
        """Whether a SIGSTOP has reached it; fails where it has ended."""
        assert self.process.poll() is None, f"ended with {self.process.returncode}; its log:\n{self.log.read_text()}"
        asked = ["ps", "-o", "state=", "-p", str(self.process.pid)]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.startswith("T")

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and gone when it returns."""
        self.process.kill()
        self.process.wait(timeout=30)

    def terminate(self, within_s: float = 60) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within_s)

    def end_cleanly(self) -> None:
        """SIGTERM; fails with the log where the process had ended before, or ends in another way."""
        status = self.terminate()
        assert status == 0, f"exit {status}; its log:\n{self.log.read_text()[-4000:]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
