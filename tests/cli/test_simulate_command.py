from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from cli.simulate import simulate
from model.simulation_plan import ImpossiblePlan


@pytest.fixture
def fraud_simulate() -> typer.Typer:
    app = typer.Typer()
    app.command()(simulate)
    return app


def run(app: typer.Typer, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_simulation_of_the_size_asked_for_is_written(fraud_simulate: typer.Typer, tmp_path: Path) -> None:
    out = tmp_path / "simulated.parquet"
    size = ("--customers", 30, "--terminals", 20, "--days", 5, "--start", "2025-06-01")
    result = run(fraud_simulate, "--out", out, *size)
    assert result.exit_code == 0
    written = pd.read_parquet(out)
    assert 150 < len(written) < 450
    assert written["event_time"].min().date().isoformat() == "2025-06-01"
    assert written["event_time"].max().date().isoformat() == "2025-06-05"


def test_the_seed_decides_every_byte(fraud_simulate: typer.Typer, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.csv.gz", "again.csv.gz", "other.csv.gz")]
    for file, seed in zip(files, (3, 3, 4), strict=True):
        assert run(fraud_simulate, "--out", file, "--days", 2, "--seed", seed).exit_code == 0
    one, again, other = (file.read_bytes() for file in files)
    assert one == again != other


def test_all_mistakes_are_named_at_once_and_nothing_is_written(fraud_simulate: typer.Typer, tmp_path: Path) -> None:
    result = run(fraud_simulate, "--out", tmp_path / "a.tsv", "--days", 0, "--customers", -1)
    assert isinstance(result.exception, ImpossiblePlan)
    assert all(named in str(result.exception) for named in ("'a.tsv'", "days=0", "customers=-1"))
    assert list(tmp_path.iterdir()) == []


def test_a_date_that_is_none_is_refused(fraud_simulate: typer.Typer, tmp_path: Path) -> None:
    assert run(fraud_simulate, "--out", tmp_path / "a.csv", "--start", "2026-13-01").exit_code == 2
