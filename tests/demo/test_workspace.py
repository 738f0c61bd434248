"""What the demo leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

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
