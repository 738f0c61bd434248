"""`fraud evaluate` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.versions.loading import load_scorer
from model.versions.manifest import read_manifest
from tests.harness.commands import PROFILE, QUICK, invoked, refusal_of, run
from tests.harness.labelled import labelled_frame

MEASURES = {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc", "brier_score", "calibration_error"}


def test_it_needs_no_profile_and_repeats_the_metrics(data: Path, profile: Path, tmp_path: Path) -> None:
    labelled_frame().iloc[480:].to_parquet(tmp_path / "latest.parquet")
    run("train", data, "--profile", profile, "--out", tmp_path / "judged", *QUICK, "--no-refit")

    said = json.loads(run("evaluate", tmp_path / "judged", tmp_path / "latest.parquet", "--json"))

    manifest = read_manifest(tmp_path / "judged")
    shown = manifest.metrics[manifest.recipe.kind].measures()
    assert {name: said["metrics"][name] for name in MEASURES} == pytest.approx({name: shown[name] for name in MEASURES})
    assert said["threshold"] == manifest.threshold
    assert said["model"] == {"name": "small", "version": manifest.version, "path": str(tmp_path / "judged")}
    assert said["counts"]["rows"] == 120
    assert said["learnt_from_rows"] == 0


def test_rows_that_were_learnt_from_are_warned_of(model: Path, data: Path, tmp_path: Path) -> None:
    later = labelled_frame(700).iloc[590:]
    later.to_parquet(tmp_path / "later.parquet")

    all_known = invoked("evaluate", model, data, "--json")
    ten_known = invoked("evaluate", model, tmp_path / "later.parquet", "--json")

    assert "warning: 601 of 601 rows are not later than what the model learnt from" in all_known.stderr
    assert json.loads(all_known.stdout)["learnt_from_rows"] == 601
    assert "warning: 10 of 110 rows" in ten_known.stderr
    assert json.loads(ten_known.stdout)["learnt_from_rows"] == 10


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
    assert ((table["verdict"] == "fraud") == (table["fraud_probability"] >= scorer.threshold)).all()
    assert "average precision" in said
    assert str(scores) in said


def test_labels_of_one_class_can_be_evaluated(model: Path, tmp_path: Path) -> None:
    labelled_frame().assign(fraud=0).to_parquet(tmp_path / "honest.parquet")

    said = json.loads(run("evaluate", model, tmp_path / "honest.parquet", "--json"))

    assert said["metrics"]["roc_auc"] is None
    assert said["counts"]["frauds"] == 0
    assert "-" in run("evaluate", model, tmp_path / "honest.parquet")


def test_another_profile_may_name_other_columns(model: Path, tmp_path: Path) -> None:
    labelled_frame().rename(columns={"fraud": "chargeback"}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "other.toml").write_text(PROFILE.replace('"fraud"', '"chargeback"'))

    assert "'fraud'" in refusal_of("evaluate", model, tmp_path / "other.parquet")
    run("evaluate", model, tmp_path / "other.parquet", "--profile", tmp_path / "other.toml")


def test_an_evaluation_leaves_no_row_out(model: Path, tmp_path: Path) -> None:
    frame = labelled_frame().astype({"fraud": "object"})
    frame.loc[4, "fraud"] = None
    frame.to_parquet(tmp_path / "gap.parquet")

    assert "the first of them 4" in refusal_of("evaluate", model, tmp_path / "gap.parquet")


def test_what_the_user_can_mend_is_named(model: Path, data: Path, tmp_path: Path) -> None:
    assert ".parquet" in refusal_of("evaluate", model, data, "--scores", tmp_path / "scores.csv")
    assert "no directory" in refusal_of("evaluate", model, data, "--scores", tmp_path / "nowhere" / "scores.parquet")
    assert "nowhere" in refusal_of("evaluate", tmp_path / "nowhere", data)
    assert "nowhere.csv" in refusal_of("evaluate", model, tmp_path / "nowhere.csv")
    assert list(tmp_path.iterdir()) == []
