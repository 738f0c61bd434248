"""Children end on every way out, and say why they failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from demo.processes import Child, ChildFailed
from demo.signals import Interrupted, deferred_signals, interruptible, undisturbed
from tests.harness.waiting import wait_until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
WITH_GRANDCHILD = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"


def python(code: str, log: Path) -> Child:
    return Child("the child", [sys.executable, "-c", code], log=log)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that only waits for its new parent to look at it has ended.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_failure_names_the_status_and_quotes_the_log(tmp_path: Path) -> None:
    child = python("print('the reason'); raise SystemExit(2)", tmp_path / "log")
    with pytest.raises(ChildFailed, match=r"the child ended with status 2 while trying.*\n.*the reason") as failure:
        child.finish(doing="while trying", within_s=60)
    assert failure.value.status == 2


def test_a_child_that_takes_too_long_is_said_to(tmp_path: Path) -> None:
    with (
        python("import time; time.sleep(600)", tmp_path / "log") as child,
        pytest.raises(ChildFailed, match="took more than 0 s while trying") as failure,
    ):
        child.wait_until(lambda: False, doing="while trying", within_s=0.2)
    assert failure.value.status is None
    assert child.status == -signal.SIGKILL


def test_a_child_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    child = python("pass", tmp_path / "log")
    with pytest.raises(ChildFailed, match="ended with status 0 while getting ready"):
        child.wait_until(lambda: False, doing="while getting ready", within_s=60)


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = python(STUBBORN, log)
    wait_until(lambda: "deaf" in log.read_text(), within_s=60, what="the child does not start")
    assert child.stop(0.1) == -signal.SIGKILL


def test_grandchildren_end_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with python(WITH_GRANDCHILD, log):
        wait_until(lambda: log.read_text().endswith("\n"), within_s=60, what="the grandchild does not start")
        grandchild = int(log.read_text())
        assert is_alive(grandchild)
    wait_until(lambda: not is_alive(grandchild), within_s=10, what="the grandchild lives on")


def test_a_child_leaves_cleanly_when_asked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    polite = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); print('up', flush=True); signal.pause()"
    child = python(polite, log)
    wait_until(lambda: "up" in log.read_text(), within_s=60, what="the child does not start")
    child.leave(within_s=60)
    assert child.status == 0


def test_the_first_signal_interrupts_and_the_next_does_not_disturb_the_clean_up() -> None:
    before = signal.getsignal(signal.SIGINT)
    steps: list[str] = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            steps.append("cleaned up")

    with pytest.raises(Interrupted) as end, interruptible():
        work()
    assert end.value.number == signal.SIGTERM
    assert steps == ["cleaned up"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_a_library_swallows_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    swallowed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: swallowed.append(lost.exc_type))

    class Swallowing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    def work() -> None:
        Swallowing()  # What its finalizer raises goes nowhere.
        threading.Event().wait(60)
        pytest.fail("nobody ended it")

    with pytest.raises(Interrupted) as end, interruptible():
        work()
    assert end.value.number == signal.SIGTERM
    assert swallowed == [Interrupted]


def test_a_clean_up_is_not_disturbed() -> None:
    before = signal.getsignal(signal.SIGINT)
    with undisturbed():
        with pytest.raises(Interrupted), interruptible():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_waits_until_a_start_is_over() -> None:
    steps: list[str] = []

    def start() -> None:
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
            steps.append("started")
        steps.append("never reached")

    with pytest.raises(Interrupted), interruptible():
        start()
    assert steps == ["started"]


def test_a_signal_during_the_start_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupting(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Interrupting)
    with pytest.raises(Interrupted), interruptible():
        python("import time; time.sleep(600)", tmp_path / "log")
    assert [process.returncode for process in started] == [-signal.SIGKILL]
