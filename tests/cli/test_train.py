"""`fraud train` and `fraud evaluate` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cli.evaluate import evaluate
from cli.train import train
from model.errors import Mendable
from model.report.document import parse_metrics
from model.versions.loading import load_scorer
from model.versions.manifest import read_manifest
from tests.harness.fraud import attempt, fraud
from tests.harness.labelled import labelled_frame

MEASURES = {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc", "brier_score", "calibration_error"}
# Small and quick: no search.
QUICK = ("--trees", "12", "--budget", "0", "--known-fraud", "keep", "--folds", "2")
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
    run("train", data, "--profile", profile, "--out", out, *QUICK)
    return out


def test_training_reports_to_people(data: Path, profile: Path, tmp_path: Path) -> None:
    said = run("train", data, "--profile", profile, "--out", tmp_path / "model", *QUICK)

    assert "rows: 601, left out: 1 duplicates" in said
    assert "1 risk" in said
    assert all(word in said for word in ("random forest", "logistic regression", "average precision", "roc auc"))
    assert f"written to {tmp_path / 'model'}" in said
    assert read_manifest(tmp_path / "model").version in said


def test_training_reports_to_programs(data: Path, profile: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"

    said = json.loads(run("train", data, "--profile", profile, "--out", out, *QUICK, "--json"))

    manifest = read_manifest(out)
    assert said["model"] == {"name": "small", "version": manifest.version, "path": str(out)}
    assert said["threshold"] == manifest.threshold
    (other,) = said["comparison"].values()
    assert set(said["metrics"]) & set(other) >= MEASURES
    assert said["counts"]["rows"] == 601
    assert said["counts"]["left_out"] == {"duplicates": 1}
    assert said["counts"]["test"]["rows"] == 120
    assert said["thresholds"].keys() == {"f1", "precision:0.9", "alerts:100", "cost:5"}
    assert len([one for one in said["candidates"] if one["stage"] == "table"]) == 10
    assert [one["policy"] for one in said["decisions"] if one["shipped"]] == ["f1"]
    assert said["calibration"]["method"] in {"sigmoid", "isotonic"}
    assert {one["kind"] for one in said["warnings"]} >= {"few_frauds", "duplicates"}
    assert (
        parse_metrics((out / "metrics.json").read_bytes()).metrics[said["recipe"]["kind"]].f1 == said["metrics"]["f1"]
    )
    assert manifest.training.options == {
        "trees": "12",
        "budget": "0.0",
        "folds": "2",
        "known-fraud": "keep",
    }


def test_the_same_data_and_seed_give_the_same_model_on_one_core_as_on_many(
    data: Path, profile: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ("train", data, "--profile", profile, *QUICK, "--out")

    fraud(
        *arguments,
        tmp_path / "one-core",
        env={"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "1"},
    )
    run(*arguments, tmp_path / "other", "--seed", "8")

    first, again, other = (read_manifest(one) for one in (model, tmp_path / "one-core", tmp_path / "other"))
    assert again.version == first.version != other.version
    same = {"serving.npz", "golden.npz", "model.joblib", "metrics.json", "model-card.md"}
    assert {name: again.files[name] for name in same} == {name: first.files[name] for name in same}


def test_an_evaluation_needs_no_profile_and_repeats_the_metrics(
    data: Path, profile: Path, model: Path, tmp_path: Path
) -> None:
    labelled_frame().iloc[480:].to_parquet(tmp_path / "latest.parquet")
    run("train", data, "--profile", profile, "--out", tmp_path / "judged", *QUICK, "--no-refit")

    said = json.loads(run("evaluate", tmp_path / "judged", tmp_path / "latest.parquet", "--json"))

    manifest = read_manifest(tmp_path / "judged")
    shown = manifest.metrics[manifest.recipe.kind].measures()
    assert {name: said["metrics"][name] for name in MEASURES} == pytest.approx({name: shown[name] for name in MEASURES})
    assert said["threshold"] == manifest.threshold
    assert said["model"]["version"] == manifest.version
    assert said["counts"]["rows"] == 120
    assert said["learnt_from_rows"] == 0


def test_an_evaluation_by_what_was_learnt_from_says_so(model: Path, data: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(model), str(data), "--json"])

    assert "601 of 601 rows are not later than what the model learnt from" in result.stderr
    assert json.loads(result.stdout)["learnt_from_rows"] == 601


def test_scores_have_a_row_for_each_row_of_the_file(model: Path, data: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.parquet"

    said = run("evaluate", model, data, "--scores", scores)

    rows, table, scorer = pd.read_csv(data), pd.read_parquet(scores), load_scorer(model)
    assert list(table.columns) == ["id", "label", "fraud_probability", "verdict"]
    assert table["id"].tolist() == rows["id"].tolist()
    assert table["label"].tolist() == rows["fraud"].tolist()
    inputs = rows[list(scorer.inputs)].to_numpy(dtype="float64")
    times = np.asarray(pd.to_datetime(rows["at"], utc=True).dt.as_unit("ms").astype("int64"), dtype=np.int64)
    assert scorer.features[-3:] == ("hour", "night", "weekend")
    assert table["fraud_probability"].to_numpy().tobytes() == scorer.score(inputs, times).tobytes()
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
    assert "--out" in refusal_of("train", data, "--profile", profile)
    assert "'often'" in refusal_of("train", data, "--profile", profile, *out, "--resampling", "often")
    assert "'seldom'" in refusal_of("train", data, "--profile", profile, *out, "--threshold", "seldom")
    assert "1000 days delay" in refusal_of("train", data, "--profile", profile, *out, "--delay-days", "1000")
    assert not (tmp_path / "model").exists()


def test_a_leak_is_refused_unless_told_otherwise(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame()
    frame["noise"] = frame["fraud"] * 2.0
    frame.to_parquet(tmp_path / "leak.parquet")
    arguments = ("train", tmp_path / "leak.parquet", "--profile", profile, "--out", tmp_path / "model", *QUICK)

    assert "'noise'" in refusal_of(*arguments)
    assert "'noise'" in next(line for line in run(*arguments, "--allow-leaks").splitlines() if "warning" in line)
    assert read_manifest(tmp_path / "model").training.options["allow-leaks"] == ""


def test_windows_are_as_long_as_asked_for(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame(4000, fraud_share=0.1).assign(
        at=pd.date_range("2026-01-01", periods=4000, freq="15min", tz="UTC"),
        account=[row % 1500 for row in range(4000)],
    )
    frame.to_parquet(tmp_path / "long.parquet")
    lengths = ("--train-days", "9", "--delay-days", "3", "--test-days", "7", "--folds", "3")

    run(
        "train",
        tmp_path / "long.parquet",
        "--profile",
        profile,
        "--out",
        tmp_path / "m",
        "--budget",
        "0",
        "--trees",
        "9",
        *lengths,
    )

    windows = {one.name: one for one in read_manifest(tmp_path / "m").training.windows}
    test, training = windows["test"], windows["training"]
    assert (test.last - test.first).days == 6
    assert 3 <= (test.first - training.last).days <= 3
    assert (training.last - training.first).days == 8
    said = parse_metrics((tmp_path / "m" / "metrics.json").read_bytes())
    assert (said.delay_days, said.known_fraud) == (3, "remove")
    assert test.known_compromised > 0


def test_a_registered_model_is_found_by_its_name(data: Path, profile: Path, tmp_path: Path) -> None:
    registry = ("--set", f"model.registry={tmp_path / 'registry'}")

    said = run("train", data, "--profile", profile, "--register", *registry, *QUICK)

    (version,) = (tmp_path / "registry" / "small" / "versions").iterdir()
    assert version.name in said
    assert "added to the registry" in said
    evaluated = json.loads(run("evaluate", f"small@{version.name}", data, "--json", *registry))
    assert evaluated["model"]["version"] == version.name


def test_a_refusal_is_one_line_and_exit_status_2(profile: Path, tmp_path: Path) -> None:
    done = attempt("train", tmp_path / "nowhere.csv", "--profile", profile, "--out", tmp_path / "model")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere.csv" in done.stderr
