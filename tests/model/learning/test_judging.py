from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from model.data.dataset import Dataset, dataset_from_frame
from model.learning.judging import (
    cards_of,
    folds_of,
    intervals_of,
    metrics_of,
    scored,
    spread_of,
    window,
    windows_of,
)
from model.learning.windows import DAY_MS, Step, WindowPlan, labels_of, plan_steps
from model.measuring.card_precision import card_precision_at
from tests.harness.labelled import PROFILE, labelled_frame

ROWS = 1500
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """A minute a row, each with a weight of its own."""
    read = dataset_from_frame(labelled_frame(ROWS), PROFILE, need_labels=True, source="table")
    return replace(read, weights=np.random.default_rng(1).uniform(1, 20, ROWS))


@pytest.fixture(scope="module")
def steps(dataset: Dataset) -> tuple[Step, ...]:
    return plan_steps(dataset, WindowPlan(folds=3))


def scores_of(dataset: Dataset, step: Step) -> np.ndarray:
    """Better than chance, and many equal."""
    source = np.random.default_rng(len(step.training))
    return np.round((source.random(len(step.judged)) + 0.5 * labels_of(dataset)[step.judged]) / 1.5, 2)


def test_judged_rows_of_windows_stand_one_after_the_other(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    scores = np.concatenate([scores_of(dataset, step) for step in steps])

    rows = scored(dataset, steps, scores)

    assert rows.rows.tolist() == [row for step in steps for row in step.judged.tolist()]
    assert rows.labels.tolist() == labels_of(dataset)[rows.rows].tolist()
    assert rows.weights.tolist() == dataset.weights[rows.rows].tolist()
    assert rows.amounts is not None
    assert dataset.amounts is not None
    assert rows.amounts.tolist() == dataset.amounts[rows.rows].tolist()
    assert rows.probabilities is scores
    spans = [dataset.times[step.judged].max() - dataset.times[step.judged].min() for step in steps]
    assert rows.days == pytest.approx(sum(spans) / DAY_MS)


def test_without_amounts_there_are_none(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    assert scored(replace(dataset, amounts=None), steps[-1:], np.zeros(len(steps[-1].judged))).amounts is None


def test_a_window_is_told_with_its_moments(dataset: Dataset) -> None:
    rows = np.array([40, 7, 90])

    told = window(dataset, "some", rows, known_compromised=3)

    assert (told.name, told.rows, told.known_compromised) == ("some", 3, 3)
    assert told.frauds == labels_of(dataset)[rows].sum()
    assert (told.first, told.last) == (FIRST + timedelta(minutes=7), FIRST + timedelta(minutes=90))


def test_windows_are_the_last_training_and_all_that_is_judged(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    windows = windows_of(dataset, steps)

    assert [one.name for one in windows] == ["training", "calibration 1", "calibration 2", "test"]
    assert windows[0].rows == len(steps[-1].training)
    for one, step in zip(windows[1:], steps, strict=True):
        assert (one.rows, one.known_compromised) == (len(step.judged), step.known_compromised)


def test_folds_measure_each_window_by_itself_as_scikit_learn_does(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    scores = [scores_of(dataset, step) for step in steps]

    folds = folds_of(dataset, steps, scores)

    for fold, step, said in zip(folds, steps, scores, strict=True):
        labels, weights = labels_of(dataset)[step.judged], dataset.weights[step.judged]
        assert fold.average_precision == pytest.approx(average_precision_score(labels, said, sample_weight=weights))
        assert fold.roc_auc == pytest.approx(roc_auc_score(labels, said, sample_weight=weights))
        assert (fold.training.rows, fold.test.rows) == (len(step.training), len(step.judged))
        assert fold.training.last < fold.test.first


def test_the_spread_is_mean_and_deviation_of_a_sample(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    whole = replace(dataset, weights=np.ones(ROWS))
    folds = folds_of(whole, steps, [scores_of(dataset, step) for step in steps])

    spread = spread_of(folds)

    assert spread.keys() == {"average_precision", "roc_auc", "card_precision_at_100"}
    precisions = [fold.average_precision for fold in folds]
    assert spread["average_precision"].mean == pytest.approx(np.mean(precisions))
    assert spread["average_precision"].deviation == pytest.approx(np.std(precisions, ddof=1))
    assert spread_of(folds[:1])["roc_auc"].deviation == 0


def test_cards_are_measured_only_where_all_rows_are_there_and_name_accounts(
    dataset: Dataset, steps: tuple[Step, ...]
) -> None:
    step = steps[-1]
    whole = replace(dataset, weights=np.ones(ROWS))
    test = scored(whole, [step], scores_of(dataset, step))

    found = metrics_of(whole, test, 0.5).card_precision_at_100

    assert dataset.accounts is not None
    days = dataset.times[step.judged] // DAY_MS
    accounts = dataset.accounts[step.judged].astype(np.int64)
    assert found == card_precision_at(test.labels, test.probabilities, accounts, days)
    nobody = replace(whole, accounts=None)
    assert cards_of(nobody, step.judged) is None
    assert metrics_of(nobody, test, 0.5).card_precision_at_100 is None
    assert metrics_of(dataset, scored(dataset, [step], test.probabilities), 0.5).card_precision_at_100 is None
    assert "card_precision_at_100" not in spread_of(folds_of(nobody, [step], [test.probabilities]))


def test_measures_honour_weights_and_threshold(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    test = scored(dataset, steps[-1:], scores_of(dataset, steps[-1]))

    found = metrics_of(dataset, test, 0.5)

    alarms = test.probabilities >= 0.5
    assert found.precision == pytest.approx(
        test.weights[alarms & (test.labels == 1)].sum() / test.weights[alarms].sum()
    )
    assert found.brier_score == pytest.approx(
        brier_score_loss(test.labels, test.probabilities, sample_weight=test.weights)
    )


def test_intervals_hold_their_values_and_repeat(dataset: Dataset, steps: tuple[Step, ...]) -> None:
    test = scored(dataset, steps[-1:], scores_of(dataset, steps[-1]))

    intervals = intervals_of(test, seed=3)

    found = metrics_of(dataset, test, 0.5)
    assert intervals.keys() == {"average_precision", "roc_auc", "brier_score"}
    for name, interval in intervals.items():
        assert interval.value == pytest.approx(getattr(found, name))
        assert interval.low <= interval.value <= interval.high
        assert interval.low < interval.high
    assert intervals_of(test, seed=3) == intervals != intervals_of(test, seed=4)
