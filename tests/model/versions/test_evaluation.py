from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from model.data.dataset import Dataset
from model.measuring.metrics import measure
from model.versions.evaluation import InputsDiffer, evaluate, profile_for, scores_table
from model.versions.loading import load_scorer
from model.versions.manifest import read_manifest
from tests.harness.labelled import PROFILE


def test_every_row_is_scored_in_its_place(saved: Path, dataset: Dataset) -> None:
    scorer = load_scorer(saved)
    told: list[float] = []

    evaluation = evaluate(scorer, dataset, progress=told.append)

    assert dataset.labels is not None
    assert evaluation.probabilities.tobytes() == scorer.score(dataset.inputs, dataset.times).tobytes()
    assert evaluation.metrics == measure(dataset.labels, evaluation.probabilities, scorer.threshold)
    assert told[-1] == 1


def test_the_test_part_is_measured_as_in_training(saved: Path, dataset: Dataset) -> None:
    latest = dataset.take(np.arange(480, 600))
    scorer = load_scorer(saved)

    evaluation = evaluate(scorer, latest, progress=lambda _: None)

    assert evaluation.metrics == read_manifest(saved).metrics["random_forest"]


def test_scores_have_a_row_for_each_row(saved: Path, dataset: Dataset) -> None:
    scorer = load_scorer(saved)
    evaluation = evaluate(scorer, dataset, progress=lambda _: None)

    table = scores_table(dataset, evaluation)

    assert list(table.columns) == ["id", "label", "fraud_probability", "verdict"]
    assert table["id"].tolist() == dataset.ids
    assert str(table["label"].dtype) == "int64"
    assert table["fraud_probability"].to_numpy().tobytes() == evaluation.probabilities.tobytes()
    assert set(table["verdict"]) == {"fraud", "legitimate"}
    assert ((table["verdict"] == "fraud") == (table["fraud_probability"] >= scorer.threshold)).all()


def test_another_profile_takes_the_order_of_the_model() -> None:
    other = msgspec.structs.replace(PROFILE, name="other", label="y", inputs=("noise", "amount", "risk"))

    fitting = profile_for(PROFILE.inputs, other)

    assert (fitting.inputs, fitting.label) == (PROFILE.inputs, "y")


def test_a_profile_of_other_inputs_is_refused_by_name() -> None:
    other = msgspec.structs.replace(PROFILE, inputs=("amount", "risk", "more"))

    with pytest.raises(InputsDiffer, match="lacks 'noise' and has 'more'"):
        profile_for(PROFILE.inputs, other)
