"""What the demo leaves behind, and what its children get to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.fraud import child_environment
from demo.workspace import workspace


def test_nothing_is_left_after_a_good_end(tmp_path: Path) -> None:
    with workspace(tmp_path / ".demo") as work:
        (work.data / "model").mkdir()
        (work.logs / "score.log").write_text("scored")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_after_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), workspace(tmp_path / ".demo"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_logs_are_left_after_a_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with workspace(tmp_path / ".demo") as work:
            (work.data / "transactions").write_text("many")
            (work.logs / "score.log").write_text("scored")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["score.log"]
    assert [path.name for path in tmp_path.rglob("data")] == []


def test_nothing_is_left_after_a_refusal_without_logs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no data"), workspace(tmp_path / ".demo"):
        raise ValueError("no data")
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_meet(tmp_path: Path) -> None:
    with workspace(tmp_path / ".demo") as first, workspace(tmp_path / ".demo") as second:
        assert first.data != second.data
    assert list(tmp_path.iterdir()) == []


def test_children_inherit_no_setting_of_the_real_system() -> None:
    shell = {
        "PATH": "/bin",
        "FRAUD_ALERTS__SMS__BASE_URL": "https://api.twilio.com",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_SNS": "https://sns.example",
        "TWILIO_REGION": "ie1",
        "HTTP_PROXY": "http://proxy.example:3128",
    }
    settings = {"FRAUD_HTTP__PORT": "0", "AWS_ACCESS_KEY_ID": "loopback"}
    told = child_environment(shell, temporary=Path("/work"), settings=settings)
    assert {name for name in told if name.startswith(("FRAUD_", "TWILIO_"))} == {
        "FRAUD_HTTP__PORT",
        "FRAUD_LOG__FORMAT",
    }
    assert "AWS_PROFILE" not in told
    assert "AWS_ENDPOINT_URL_SNS" not in told
    assert told["AWS_CONFIG_FILE"] == "/dev/null"
    assert told["AWS_ACCESS_KEY_ID"] == "loopback"
    assert told["PATH"] == "/bin"
    assert told["NO_PROXY"] == "127.0.0.1"
    assert told["TMPDIR"] == "/work"
