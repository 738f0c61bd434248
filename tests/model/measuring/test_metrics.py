"""Metrics at a threshold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from model.measuring.card_precision import CardDays
from model.measuring.metrics import Counts, measure

SOURCE = np.random.default_rng(6)
LABELS = (SOURCE.random(2_000) < 0.1).astype(np.int8)
PROBABILITIES: NDArray[np.float64] = np.clip(SOURCE.normal(0.3 + 0.3 * LABELS, 0.15), 0, 1).round(2)
WEIGHTS: NDArray[np.float64] = np.where(LABELS == 1, 1.0, SOURCE.integers(1, 5, 2_000))


def test_measures_are_those_of_scikit_learn() -> None:
    found = measure(LABELS, PROBABILITIES, 0.5)

    alarms = PROBABILITIES >= 0.5
    assert found.accuracy == pytest.approx(accuracy_score(LABELS, alarms))
    assert found.precision == pytest.approx(precision_score(LABELS, alarms))
    assert found.recall == pytest.approx(recall_score(LABELS, alarms))
    assert found.f1 == pytest.approx(f1_score(LABELS, alarms))
    assert found.average_precision == pytest.approx(average_precision_score(LABELS, PROBABILITIES))
    assert found.roc_auc == pytest.approx(roc_auc_score(LABELS, PROBABILITIES))
    assert found.brier_score == pytest.approx(brier_score_loss(LABELS, PROBABILITIES))


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    times = WEIGHTS.astype(int)
    weighted = measure(LABELS, PROBABILITIES, 0.5, weights=WEIGHTS)
    repeated = measure(np.repeat(LABELS, times), np.repeat(PROBABILITIES, times), 0.5)

    assert weighted.counts == repeated.counts
    assert weighted.precision_at == pytest.approx(repeated.precision_at)
    assert weighted.measures() == pytest.approx(repeated.measures())


def test_a_row_at_the_threshold_is_an_alarm() -> None:
    found = measure(np.array([1, 0, 1, 0], dtype=np.int8), np.array([0.5, 0.5, 0.4, 0.1]), 0.5)

    assert found.counts == Counts(true_positives=1, false_positives=1, false_negatives=1, true_negatives=1)
    assert set(found.measures()) == {
        "accuracy",
        "precision",
        "recall",
        "f1",
        "average_precision",
        "roc_auc",
        "brier_score",
        "calibration_error",
    }
    assert found.average_precision == pytest.approx(0.5 * 0.5 + 0.5 * 2 / 3)
    assert found.roc_auc == pytest.approx(0.625)


def test_what_the_rows_do_not_define_is_none() -> None:
    no_fraud = measure(np.zeros(3, dtype=np.int8), np.array([0.1, 0.2, 0.3]), 0.5)
    no_alarm = measure(np.array([1, 0], dtype=np.int8), np.array([0.1, 0.2]), 0.5)
    no_row = measure(np.zeros(0, dtype=np.int8), np.zeros(0), 0.5)

    assert no_fraud.accuracy == 1.0
    assert {name for name, value in no_fraud.measures().items() if value is None} == {
        "precision",
        "recall",
        "f1",
        "average_precision",
        "roc_auc",
    }
    assert (no_alarm.precision, no_alarm.recall, no_alarm.f1) == (None, 0.0, 0.0)
    assert set(no_row.measures().values()) == {None}


def test_precision_among_the_first_needs_that_many_rows() -> None:
    found = measure(LABELS[:600], PROBABILITIES[:600], 0.5)

    first = np.argsort(-PROBABILITIES[:600], kind="stable")
    scores = PROBABILITIES[:600][first]
    above, equal = scores > scores[99], scores == scores[99]
    frauds = LABELS[:600][first]
    expected = (frauds[above].sum() + frauds[equal].mean() * (100 - above.sum())) / 100
    assert found.precision_at["100"] == pytest.approx(expected)
    assert found.precision_at["1000"] is None
    assert "precision_at_500" in found.measures()
    assert "precision_at_1000" not in found.measures()


def test_cards_are_measured_where_all_rows_are_there() -> None:
    cards = CardDays(accounts=np.arange(2_000) % 300, days=np.arange(2_000) // 500)

    whole = measure(LABELS, PROBABILITIES, 0.5, cards=cards)
    sample = measure(LABELS, PROBABILITIES, 0.5, cards=cards, weights=WEIGHTS)

    assert whole.card_precision_at_100 is not None
    assert whole.measures()["card_precision_at_100"] == whole.card_precision_at_100
    assert sample.card_precision_at_100 is None
