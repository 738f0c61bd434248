"""`fraud explain` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.explain import TransactionMissing, explain
from model.data.dataset import dataset_from_frame
from model.versions.loading import load_scorer
from tests.harness.labelled import PROFILE, labelled_frame
from tests.harness.small_model import small_model

app = typer.Typer()
app.command()(explain)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "small"
    small_model(dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")).save(out)
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "small.parquet"
    frame = labelled_frame()
    frame.loc[5, "risk"] = None
    frame.drop(columns="fraud").to_parquet(file)
    return file


def test_contributions_sum_to_the_probability_minus_the_base(model: Path, data: Path) -> None:
    result = CliRunner().invoke(app, [str(model), str(data), "--id", "t9", "--id", "t5", "--json"])

    assert result.exception is None, result.exception
    first, second = json.loads(result.stdout)
    scorer = load_scorer(model)
    dataset = dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")
    assert (first["id"], second["id"]) == ("t9", "t5")
    assert first["fraud_probability"] == scorer.score(dataset.inputs[9:10], dataset.times[9:10])[0]
    for one in (first, second):
        parts = [part["contribution"] for part in one["contributions"]]
        assert sum(parts) == pytest.approx(one["fraud_probability"] - one["base"], abs=1e-12)
        assert [abs(part) for part in parts] == sorted((abs(part) for part in parts), reverse=True)
        assert {part["feature"] for part in one["contributions"]} == set(scorer.features)
    assert next(part["value"] for part in second["contributions"] if part["feature"] == "risk") is None


def test_people_get_a_table(model: Path, data: Path) -> None:
    said = CliRunner().invoke(app, [str(model), str(data), "--id", "t5"]).stdout

    assert "t5: probability" in said
    assert all(word in said for word in ("(base)", "risk", "missing", "noise"))


def test_ids_that_are_not_there_are_all_named(model: Path, data: Path) -> None:
    result = CliRunner().invoke(app, [str(model), str(data), "--id", "t1", "--id", "x", "--id", "y"])

    assert isinstance(result.exception, TransactionMissing)
    assert "'x', 'y'" in str(result.exception)
    assert result.stdout == ""
