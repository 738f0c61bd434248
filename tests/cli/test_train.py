"""`fraud train` and `fraud evaluate` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cli.evaluate import evaluate
from cli.train import train
from model.errors import Mendable
from model.versions.artifact import load_scorer
from model.versions.manifest import read_manifest
from tests.harness.fraud import attempt, fraud
from tests.harness.labelled import labelled_frame

MEASURES = {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc"}
PROFILE = """
name = "small"
id = "id"
label = "fraud"
amount = "amount"
account = "account"
inputs = ["amount", "risk", "noise"]
[time]
column = "at"
"""


app = typer.Typer()
app.command()(train)
app.command()(evaluate)


def run(*arguments: str | Path) -> str:
    """What a command that must succeed prints to stdout."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None, result.exception
    return result.stdout


def refusal_of(*arguments: str | Path) -> str:
    """What a command says that the user must mend; it prints nothing to stdout."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, Mendable), result.exception
    assert result.stdout == ""
    return str(result.exception)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("profile") / "small.toml"
    file.write_text(PROFILE)
    return file


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "small.csv.gz"
    frame = labelled_frame()
    frame.loc[3, "risk"] = None
    pd.concat([frame, frame.iloc[[7]]]).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def model(data: Path, profile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "small"
    run("train", data, "--profile", profile, "--out", out, "--trees", "12")
    return out


def test_training_reports_to_people(data: Path, profile: Path, tmp_path: Path) -> None:
    said = run("train", data, "--profile", profile, "--out", tmp_path / "model", "--trees", "12")

    assert "rows: 601, left out: 1 duplicates" in said
    assert "1 risk" in said
    assert all(word in said for word in ("random forest", "logistic regression", "average precision", "roc auc"))
    assert f"written to {tmp_path / 'model'}" in said
    assert read_manifest(tmp_path / "model").version in said


def test_training_reports_to_programs(data: Path, profile: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"

    said = json.loads(run("train", data, "--profile", profile, "--out", out, "--trees", "12", "--json"))

    manifest = read_manifest(out)
    assert said["model"] == {"name": "small", "version": manifest.version, "path": str(out)}
    assert said["threshold"] == manifest.threshold
    assert set(said["metrics"]) == set(said["comparison"]["logistic_regression"]) == MEASURES
    assert said["counts"]["rows"] == 601
    assert said["counts"]["left_out"] == {"duplicates": 1}
    assert said["counts"]["test"]["rows"] == 120


def test_the_same_data_and_seed_give_the_same_model_on_one_core_as_on_many(
    data: Path, profile: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ("train", data, "--profile", profile, "--trees", "12", "--out")

    fraud(*arguments, tmp_path / "one-core", env={"LOKY_MAX_CPU_COUNT": "1", "PYTHONHASHSEED": "1"})
    run(*arguments, tmp_path / "other", "--seed", "8")

    first, again, other = (read_manifest(one) for one in (model, tmp_path / "one-core", tmp_path / "other"))
    assert again.version == first.version != other.version
    assert again.files == first.files


def test_an_evaluation_needs_no_profile_and_repeats_the_metrics(model: Path, tmp_path: Path) -> None:
    labelled_frame().iloc[480:].to_parquet(tmp_path / "latest.parquet")

    said = json.loads(run("evaluate", model, tmp_path / "latest.parquet", "--json"))

    manifest = read_manifest(model)
    assert said["metrics"] == manifest.metrics["random_forest"].measures()
    assert said["threshold"] == manifest.threshold
    assert said["model"]["version"] == manifest.version
    assert said["counts"]["rows"] == 120


def test_scores_have_a_row_for_each_row_of_the_file(model: Path, data: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.parquet"

    said = run("evaluate", model, data, "--scores", scores)

    rows, table, scorer = pd.read_csv(data), pd.read_parquet(scores), load_scorer(model)
    assert list(table.columns) == ["id", "label", "fraud_probability", "verdict"]
    assert table["id"].tolist() == rows["id"].tolist()
    assert table["label"].tolist() == rows["fraud"].tolist()
    inputs = rows[list(scorer.inputs)].to_numpy(dtype="float64")
    assert table["fraud_probability"].to_numpy().tobytes() == scorer.score(inputs).tobytes()
    assert "average precision" in said
    assert str(scores) in said


def test_labels_of_one_class_can_be_evaluated(model: Path, tmp_path: Path) -> None:
    labelled_frame().assign(fraud=0).to_parquet(tmp_path / "honest.parquet")

    said = json.loads(run("evaluate", model, tmp_path / "honest.parquet", "--json"))

    assert said["metrics"]["roc_auc"] is None
    assert said["counts"]["frauds"] == 0
    assert "-" in run("evaluate", model, tmp_path / "honest.parquet")


def test_another_profile_may_name_other_columns(model: Path, profile: Path, tmp_path: Path) -> None:
    labelled_frame().rename(columns={"fraud": "chargeback"}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "other.toml").write_text(PROFILE.replace('"fraud"', '"chargeback"'))

    assert "'fraud'" in refusal_of("evaluate", model, tmp_path / "other.parquet")
    run("evaluate", model, tmp_path / "other.parquet", "--profile", tmp_path / "other.toml")


def test_an_evaluation_leaves_no_row_out(model: Path, tmp_path: Path) -> None:
    frame = labelled_frame().astype({"fraud": "object"})
    frame.loc[4, "fraud"] = None
    frame.to_parquet(tmp_path / "gap.parquet")

    assert "the first of them 4" in refusal_of("evaluate", model, tmp_path / "gap.parquet")


def test_what_cannot_be_written_is_refused_before_the_work(
    data: Path, profile: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").touch()

    assert str(tmp_path) in refusal_of("train", data, "--profile", profile, "--out", tmp_path)
    assert ".parquet" in refusal_of("evaluate", model, data, "--scores", tmp_path / "scores.csv")
    assert "no directory" in refusal_of("evaluate", model, data, "--scores", tmp_path / "nowhere" / "scores.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_what_the_user_can_mend_is_named(data: Path, profile: Path, model: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "model")
    pd.read_csv(data).assign(fraud=0).to_csv(tmp_path / "honest.csv", index=False)
    pd.read_csv(data).assign(at=range(601)).to_csv(tmp_path / "seconds.csv", index=False)
    (tmp_path / "empty.csv").touch()

    assert "nowhere.csv" in refusal_of("train", tmp_path / "nowhere.csv", "--profile", profile, *out)
    assert "empty.csv" in refusal_of("train", tmp_path / "empty.csv", "--profile", profile, *out)
    assert "one class" in refusal_of("train", tmp_path / "honest.csv", "--profile", profile, *out)
    assert "'at' holds numbers" in refusal_of("train", tmp_path / "seconds.csv", "--profile", profile, *out)
    assert "'Class'" in refusal_of("train", data, "--profile", "ulb", *out)
    assert "'nosuch'" in refusal_of("train", data, "--profile", "nosuch", *out)
    assert "nowhere" in refusal_of("evaluate", tmp_path / "nowhere", data)
    assert not (tmp_path / "model").exists()


def test_a_refusal_is_one_line_and_exit_status_2(profile: Path, tmp_path: Path) -> None:
    done = attempt("train", tmp_path / "nowhere.csv", "--profile", profile, "--out", tmp_path / "model")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere.csv" in done.stderr
