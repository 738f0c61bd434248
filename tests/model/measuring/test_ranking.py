"""Measures of ranking, against scikit-learn's, with ties and weights."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from model.measuring.ranking import average_precision, precision_among_first, roc_auc


@pytest.mark.parametrize("decimals", [1, 2, 12])
@pytest.mark.parametrize("rate", [0.002, 0.3, 0.98])
def test_measures_are_those_of_scikit_learn(decimals: int, rate: float) -> None:
    source = np.random.default_rng(decimals)
    labels = (source.random(3_000) < rate).astype(np.int8)
    scores = np.clip(source.normal(0.3 + 0.2 * labels, 0.2), 0, 1).round(decimals)
    weights = source.uniform(0.5, 20, 3_000)

    expected = average_precision_score(labels, scores, sample_weight=weights)
    assert average_precision(labels, scores, weights) == pytest.approx(expected, rel=1e-12)
    expected = roc_auc_score(labels, scores, sample_weight=weights)
    assert roc_auc(labels, scores, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_ranking(label: int) -> None:
    labels, scores, weights = np.full(3, label, dtype=np.int8), np.array([0.1, 0.2, 0.3]), np.ones(3)

    assert average_precision(labels, scores, weights) is None
    assert roc_auc(labels, scores, weights) is None


def test_ties_at_the_border_count_in_part() -> None:
    labels = np.array([1, 1, 0, 0, 1], dtype=np.int8)
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.1])

    # The first, and one of three of which one is a fraud.
    assert precision_among_first(labels, scores, np.ones(5), 2) == pytest.approx((1 + 1 / 3) / 2)
    assert precision_among_first(labels, scores, np.ones(5), 5) == pytest.approx(3 / 5)
    assert precision_among_first(labels, scores, np.ones(5), 6) is None
