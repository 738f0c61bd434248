"""What an assessment says, against what the judged model says of the test window."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score

from model.data.dataset import Dataset, dataset_from_frame
from model.learning.choosing import SearchPlan
from model.learning.training import TrainedModel, TrainingPlan, train
from model.learning.windows import WindowPlan, labels_of
from model.report.document import metrics_json, parse_metrics
from tests.harness.labelled import PROFILE, labelled_frame

SEGMENTED = msgspec.structs.replace(PROFILE, segment="country")
TEST = np.arange(960, 1200)


def frame() -> pd.DataFrame:
    return labelled_frame(1200, fraud_share=0.1).assign(country=np.resize(np.array(["NO", "SE", None]), 1200))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return dataset_from_frame(frame(), SEGMENTED, need_labels=True, source="table")


@pytest.fixture(scope="module")
def model(dataset: Dataset) -> TrainedModel:
    """Not fitted again: what is in it is what was judged."""
    plan = TrainingPlan(
        windows=WindowPlan(folds=3, delay_days=0.1, known_fraud="keep"),
        search=SearchPlan(trees=12, budget_s=0, resampling="weights", seed=5),
        policy="cost:3",
        refit=False,
    )
    return train(dataset, SEGMENTED, plan=plan, progress=lambda _, __: None)


@pytest.fixture(scope="module")
def labels(dataset: Dataset) -> NDArray[np.int8]:
    return labels_of(dataset)[TEST]


@pytest.fixture(scope="module")
def raw(model: TrainedModel, dataset: Dataset) -> NDArray[np.float64]:
    return model.serving.raw_scores(dataset.inputs[TEST], dataset.times[TEST])


@pytest.fixture(scope="module")
def probabilities(model: TrainedModel, dataset: Dataset) -> NDArray[np.float64]:
    return model.serving.probabilities(dataset.inputs[TEST], dataset.times[TEST])


def test_it_says_what_was_asked_for(model: TrainedModel) -> None:
    said = model.assessment

    assert (said.name, said.profile, said.currency) == ("small", "small", "EUR")
    assert (said.seed, said.resampling, said.known_fraud) == (5, "weights", "keep")
    assert (said.delay_days, said.refitted) == (0.1, False)
    assert said.threshold == model.threshold == model.thresholds["cost:3"]
    assert parse_metrics(metrics_json(said)) == said


def test_measures_are_those_of_the_test_window(
    model: TrainedModel, labels: NDArray[np.int8], probabilities: NDArray[np.float64]
) -> None:
    own, other = model.assessment.metrics.values()

    assert next(iter(model.assessment.metrics)) == model.assessment.recipe.kind
    assert own.average_precision == pytest.approx(average_precision_score(labels, probabilities))
    assert own.f1 == pytest.approx(f1_score(labels, probabilities >= model.threshold))
    assert own.brier_score == pytest.approx(brier_score_loss(labels, probabilities))
    assert other.average_precision != own.average_precision
    interval = model.assessment.intervals["average_precision"]
    assert interval.value == pytest.approx(own.average_precision)
    assert model.assessment.folds[-1].average_precision == pytest.approx(own.average_precision)


def test_the_calibration_is_judged_by_what_it_was_not_fitted_to(
    model: TrainedModel, labels: NDArray[np.int8], raw: NDArray[np.float64], probabilities: NDArray[np.float64]
) -> None:
    report, windows = model.assessment.calibration, {one.name: one for one in model.assessment.windows}

    assert report.brier_before == pytest.approx(brier_score_loss(labels, raw))
    assert report.brier_after == pytest.approx(brier_score_loss(labels, probabilities))
    assert report.rows == windows["calibration 1"].rows + windows["calibration 2"].rows
    assert report.frauds == windows["calibration 1"].frauds + windows["calibration 2"].frauds
    for bins in (report.bins_before, report.bins_after):
        assert sum(one.rows for one in bins) == len(TEST)


def test_labels_that_it_was_chosen_by_are_known_when_the_test_window_begins(model: TrainedModel) -> None:
    *earlier, test = model.assessment.windows

    for window in earlier:
        assert test.first - window.last >= timedelta(days=model.assessment.delay_days)


def test_decisions_say_what_each_threshold_does_on_the_test_window(
    model: TrainedModel, dataset: Dataset, labels: NDArray[np.int8], probabilities: NDArray[np.float64]
) -> None:
    decisions = {one.policy: one for one in model.assessment.decisions}
    assert dataset.amounts is not None
    amounts, days = dataset.amounts[TEST], (len(TEST) - 1) / 1440

    assert list(decisions) == ["cost:3", "f1", "precision:0.9", "alerts:100", "cost:5"]
    assert [one.policy for one in decisions.values() if one.shipped] == ["cost:3"]
    for policy, decision in decisions.items():
        assert decision.threshold == model.thresholds[policy]
        alarms, frauds = probabilities >= decision.threshold, labels == 1
        test = decision.test
        assert test.frauds_caught == (alarms & frauds).sum()
        assert test.false_alarms == (alarms & ~frauds).sum()
        assert test.alerts_a_day == pytest.approx(alarms.sum() / days)
        assert test.money_caught == pytest.approx(amounts[alarms & frauds].sum())
        assert test.money_lost == pytest.approx(amounts[~alarms & frauds].sum())
    for price in (3, 5):
        test = decisions[f"cost:{price}"].test
        assert test.cost == pytest.approx((test.money_lost or 0) + price * test.false_alarms)
    assert decisions["f1"].test.cost is None


def test_the_curve_of_costs_has_the_price_of_the_policy(model: TrainedModel) -> None:
    for point in model.assessment.curves.thresholds:
        assert point.outcome.cost == pytest.approx((point.outcome.money_lost or 0) + 3 * point.outcome.false_alarms)


def test_segments_are_parts_of_the_test_window(
    model: TrainedModel, labels: NDArray[np.int8], probabilities: NDArray[np.float64]
) -> None:
    segments = {one.value: one for one in model.assessment.segments}

    assert segments.keys() == {"NO", "SE", "(none)"}
    for value, here in zip(("NO", "SE", "(none)"), np.arange(3)[:, np.newaxis] == TEST % 3, strict=True):
        assert segments[value].rows == here.sum()
        assert segments[value].frauds == labels[here].sum()
        assert segments[value].alerts == (probabilities[here] >= model.threshold).sum()


def test_features_have_an_importance_and_what_tells_most_is_first(model: TrainedModel) -> None:
    importances = model.assessment.importances

    assert {one.feature for one in importances} == set(model.serving.features)
    assert importances[0].feature in {"risk", "amount"}
    assert next(one.mean for one in importances if one.feature == "noise") < importances[0].mean / 2


def test_limits_and_medians_are_those_of_the_training_window(model: TrainedModel, dataset: Dataset) -> None:
    data = model.assessment.data
    training = dataset.inputs[: model.assessment.windows[0].rows]

    for at, name in enumerate(SEGMENTED.inputs):
        assert data.medians[name] == np.median(training[:, at])
        assert data.limits[name] == (model.serving.low[at], model.serving.high[at])
        low, high = data.limits[name]
        assert data.clipped.get(name, 0) == ((training[:, at] < low) | (training[:, at] > high)).sum()
    assert {one.feature for one in data.drift} == set(SEGMENTED.inputs)


def test_without_amounts_and_segments_nothing_is_said_of_them(dataset: Dataset) -> None:
    bare = msgspec.structs.replace(PROFILE, amount=None, account=None, currency=None)
    read = dataset_from_frame(frame(), bare, need_labels=True, source="table")
    plan = TrainingPlan(windows=WindowPlan(folds=2), search=SearchPlan(trees=9, budget_s=0, resampling="none"))

    said = train(read, bare, plan=plan, progress=lambda _, __: None).assessment

    assert said.segments == ()
    assert said.currency is None
    assert {one.policy for one in said.decisions} == {"f1", "precision:0.9", "alerts:100"}
    assert all(one.test.money_caught is one.test.money_lost is one.test.cost is None for one in said.decisions)
    assert all(one.card_precision_at_100 is None for one in said.metrics.values())
