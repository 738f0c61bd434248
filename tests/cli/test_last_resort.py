"""What an error becomes on a terminal: a line for each problem, never a traceback with somebody's values."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli import main
from stream.errors import Mendable
from tests.harness.fraud import FRAUD


def said_of(failure: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit status and stderr of a command that fails so."""

    def failing() -> None:
        raise failure

    monkeypatch.setattr(main, "app", failing)
    with pytest.raises(SystemExit) as ended:
        main.run()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_several_problems_stand_in_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Mendable("a; b", remedy="mend them", problems=["a", "b"])

    assert said_of(refusal, monkeypatch, capsys) == (2, "error: a\nerror: b\nerror: mend them\n")
    assert said_of(Mendable("a", remedy="mend it"), monkeypatch, capsys) == (2, "error: a: mend it\n")


def test_a_defect_is_told_without_the_value_that_showed_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = said_of(ValueError("DE89370400440532013000"), monkeypatch, capsys)

    assert status == 1
    assert "a defect of this program, ValueError (" in said
    assert "test_last_resort.py:" in said
    assert "DE89" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize("command", ["alerts render --json", "alerts route --routes examples/alerts.yml"])
def test_output_that_cannot_be_written_is_said(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*FRAUD, *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("error: the system refused: No space left on device")
    assert ended.stderr.count("\n") == 1
