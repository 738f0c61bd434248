"""What the model calls three in a hundred is three in a hundred, however it was made to see frauds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from model.data.dataset import Dataset, dataset_from_frame, read_dataset
from model.learning.choosing import SearchPlan
from model.learning.training import TrainedModel, TrainingPlan, train
from model.learning.windows import WindowPlan, labels_of
from model.profile import Profile, TimeColumn
from model.report.document import metrics_json, parse_metrics

PROFILE = Profile(
    name="truth", label="fraud", time=TimeColumn(column="at"), inputs=("signal", "noise"), amount="amount", calendar=()
)
ROWS = 20_000
TEST = slice(ROWS * 4 // 5, ROWS)


def frame() -> pd.DataFrame:
    """Frauds, one in fifty, of which the logistic model is the truth."""
    source = np.random.default_rng(17)
    signal = source.normal(size=ROWS)
    return pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=ROWS, freq="min", tz="UTC"),
            "signal": signal,
            "noise": source.normal(size=ROWS),
            "amount": np.round(source.gamma(2, 20, ROWS), 2),
            "fraud": (source.random(ROWS) < expit(2 * signal - 5.2)).astype(np.int64),
        }
    )


@pytest.fixture(scope="module")
def whole() -> Dataset:
    return dataset_from_frame(frame(), PROFILE, need_labels=True, source="table")


def trained(dataset: Dataset, resampling: str) -> TrainedModel:
    """The judged model: nothing of the test window is in it."""
    plan = TrainingPlan(
        windows=WindowPlan(folds=3), search=SearchPlan(trees=12, budget_s=0, resampling=resampling), refit=False
    )
    return train(dataset, PROFILE, plan=plan, progress=lambda _, __: None)


def inflation(probabilities: np.ndarray, dataset: Dataset) -> float:
    """By how much a mean probability of the test window is above the share of frauds."""
    return float(probabilities.mean() / labels_of(dataset)[TEST].mean())


@pytest.mark.parametrize("resampling", ["none", "weights", "smote:0.5"])
def test_probabilities_are_true_whatever_the_resampling_was(resampling: str, whole: Dataset) -> None:
    model = trained(whole, resampling)

    inputs, times = whole.inputs[TEST], whole.times[TEST]
    raw, calibrated = model.serving.raw_scores(inputs, times), model.serving.probabilities(inputs, times)
    assert labels_of(whole).mean() == pytest.approx(0.02, abs=0.01)
    assert inflation(calibrated, whole) == pytest.approx(1, abs=0.25)
    calibration = model.assessment.calibration
    assert calibration.error_after < 0.01
    if resampling == "none":
        assert inflation(raw, whole) == pytest.approx(1, abs=0.25)
    else:
        assert inflation(raw, whole) > 4
        assert calibration.error_before > 5 * calibration.error_after
        assert calibration.brier_before > calibration.brier_after


def test_a_sample_of_a_large_file_gives_probabilities_of_the_whole(whole: Dataset, tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "large.parquet")
    sampled = read_dataset(tmp_path / "large.parquet", PROFILE, need_labels=True, most_rows=4_000, seed=1)
    assert len(sampled) == 4_000
    assert labels_of(sampled).mean() > 4 * labels_of(whole).mean()

    model = trained(sampled, "none")

    probabilities = model.serving.probabilities(whole.inputs[TEST], whole.times[TEST])
    assert inflation(probabilities, whole) == pytest.approx(1, abs=0.25)
    assert inflation(model.serving.raw_scores(whole.inputs[TEST], whole.times[TEST]), whole) > 3


def test_what_a_threshold_means_is_counted_for_the_whole_file(whole: Dataset, tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "large.parquet")
    sampled = read_dataset(tmp_path / "large.parquet", PROFILE, need_labels=True, most_rows=8_000, seed=1)

    model = trained(sampled, "none")

    said = parse_metrics(metrics_json(model.assessment))
    legitimate = labels_of(whole) == 0
    assert said.data.rows == ROWS
    assert said.data.sampling is not None
    assert said.data.sampling.rows_in_file == ROWS
    assert said.data.sampling.legitimate_kept == pytest.approx((8_000 - (~legitimate).sum()) / legitimate.sum())
    # The rows of the file in the window of time in which the sample was judged.
    test = whole.take(np.flatnonzero(whole.times >= said.windows[-1].first.timestamp() * 1000))
    probabilities, frauds = model.serving.probabilities(test.inputs, test.times), labels_of(test) == 1
    for decision in said.decisions:
        alarms = probabilities >= decision.threshold
        assert decision.test.frauds_caught == (alarms & frauds).sum()
        assert decision.test.false_alarms == pytest.approx((alarms & ~frauds).sum(), rel=0.35, abs=5)
        assert decision.test.alerts_a_day == pytest.approx(alarms.sum() / (len(test) / 1440), rel=0.25, abs=2)
