"""Metrics and the threshold that they are measured at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from model.metrics import Counts, measure
from model.thresholds import threshold_of_best_f1

SOURCE = np.random.default_rng(6)
LABELS = (SOURCE.random(2_000) < 0.1).astype(np.int8)
PROBABILITIES: NDArray[np.float64] = np.clip(SOURCE.normal(0.3 + 0.3 * LABELS, 0.15), 0, 1).round(2)


def test_measures_are_those_of_scikit_learn() -> None:
    found = measure(LABELS, PROBABILITIES, 0.5)

    alarms = PROBABILITIES >= 0.5
    assert found.accuracy == pytest.approx(accuracy_score(LABELS, alarms))
    assert found.precision == pytest.approx(precision_score(LABELS, alarms))
    assert found.recall == pytest.approx(recall_score(LABELS, alarms))
    assert found.f1 == pytest.approx(f1_score(LABELS, alarms))


def test_a_row_at_the_threshold_is_an_alarm() -> None:
    found = measure(np.array([1, 0, 1, 0], dtype=np.int8), np.array([0.5, 0.5, 0.4, 0.1]), 0.5)

    assert found.counts == Counts(true_positives=1, false_positives=1, false_negatives=1, true_negatives=1)
    assert set(found.measures()) == {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc"}
    assert found.average_precision == pytest.approx(0.5 * 0.5 + 0.5 * 2 / 3)
    assert found.roc_auc == pytest.approx(0.625)


def test_what_the_rows_do_not_define_is_none() -> None:
    no_fraud = measure(np.zeros(3, dtype=np.int8), np.array([0.1, 0.2, 0.3]), 0.5)
    no_alarm = measure(np.array([1, 0], dtype=np.int8), np.array([0.1, 0.2]), 0.5)

    assert no_fraud.accuracy == 1.0
    assert {name for name, value in no_fraud.measures().items() if value is None} == {
        "precision",
        "recall",
        "f1",
        "average_precision",
        "roc_auc",
    }
    assert (no_alarm.precision, no_alarm.recall, no_alarm.f1) == (None, 0.0, 0.0)


def test_no_threshold_has_a_better_f1() -> None:
    threshold = threshold_of_best_f1(LABELS, PROBABILITIES)

    by_threshold = {float(one): f1_score(LABELS, one <= PROBABILITIES) for one in np.unique(PROBABILITIES)}
    best = max(by_threshold.values())
    assert threshold == max(one for one, f1 in by_threshold.items() if f1 == best)


def test_of_equally_good_thresholds_the_highest_is_taken() -> None:
    labels = np.array([1, 0, 0, 1], dtype=np.int8)

    # Both 0.9 (one alarm, right) and 0.3 (four alarms, two right) have an F1 of 2/3.
    assert threshold_of_best_f1(labels, np.array([0.9, 0.5, 0.4, 0.3])) == 0.9


def test_a_perfect_and_a_useless_model_have_thresholds_too() -> None:
    labels = np.array([0, 1, 1], dtype=np.int8)

    assert threshold_of_best_f1(labels, np.array([0.1, 0.8, 0.9])) == 0.8
    assert threshold_of_best_f1(labels, np.full(3, 0.2)) == 0.2
