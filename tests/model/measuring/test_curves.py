from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from model.measuring.assessment import Curves
from model.measuring.curves import curves, thinned
from model.measuring.thresholds import outcome

ROWS = 30_000
SOURCE = np.random.default_rng(4)
LABELS = (SOURCE.random(ROWS) < 0.01).astype(np.int8)
PROBABILITIES: NDArray[np.float64] = 1 / (1 + np.exp(-SOURCE.normal(-6 + 4 * LABELS, 1.5)))
WEIGHTS = np.where(LABELS == 1, 1.0, 3.0)
AMOUNTS = SOURCE.lognormal(3, 1, ROWS)


@pytest.fixture(scope="module")
def found() -> Curves:
    return curves(LABELS, PROBABILITIES, weights=WEIGHTS, amounts=AMOUNTS, days=5, price=2)


def test_points_are_on_the_curves_of_scikit_learn(found: Curves) -> None:
    precision, recall, _ = precision_recall_curve(LABELS, PROBABILITIES, sample_weight=WEIGHTS)
    false, true, _ = roc_curve(LABELS, PROBABILITIES, sample_weight=WEIGHTS, drop_intermediate=False)

    for mine, (x, y) in ((found.precision_recall, (recall, precision)), (found.roc, (false, true))):
        all_points = {(round(float(a), 9), round(float(b), 9)) for a, b in zip(x, y, strict=True)}
        assert {(round(a, 9), round(b, 9)) for a, b in mine} <= all_points
        assert 100 < len(mine) <= 200


def test_few_points_keep_the_shape(found: Curves) -> None:
    x, y = np.array(found.roc).T
    area = float(np.trapezoid(y, x))

    assert (found.roc[0], found.roc[-1]) == ((0, 0), (1, 1))
    assert area == pytest.approx(roc_auc_score(LABELS, PROBABILITIES, sample_weight=WEIGHTS), abs=0.003)
    precision, _, _ = precision_recall_curve(LABELS, PROBABILITIES, sample_weight=WEIGHTS)
    assert found.precision_recall[-1][0] == 1.0
    assert max(y for _, y in found.precision_recall) == precision[:-1].max()


def test_a_short_curve_is_kept_whole() -> None:
    x = np.array([0.0, 0.5, 1.0])

    assert thinned(x, x**2) == ((0.0, 0.0), (0.5, 0.25), (1.0, 1.0))


def test_thinning_keeps_a_spike() -> None:
    x = np.linspace(0, 1, 5_000)
    y = np.where(np.arange(5_000) == 3_333, 0.9, 0.1)

    kept = thinned(x, y, most=50)

    assert len(kept) <= 50
    assert (x[3_333], 0.9) in kept
    assert (kept[0], kept[-1]) == ((0.0, 0.1), (1.0, 0.1))


def test_thresholds_go_from_many_alerts_to_few_by_like_factors(found: Curves) -> None:
    alerts = np.array([point.outcome.alerts_a_day for point in found.thresholds])

    assert 40 <= len(alerts) <= 60
    assert alerts[0] == WEIGHTS.sum() / 5
    assert alerts[-1] <= 3 / 5
    assert (np.diff(alerts) < 0).all()
    assert (alerts[:-20] / alerts[1:-19]).max() < 1.5
    for point in found.thresholds[::10]:
        assert point.outcome == outcome(
            LABELS, PROBABILITIES, point.threshold, weights=WEIGHTS, amounts=AMOUNTS, days=5, price=2
        )


def test_histograms_hold_all_rows_in_bins_of_equal_ratio(found: Curves) -> None:
    edges = np.array(found.scores_fraud.edges)

    assert found.scores_legitimate.edges == found.scores_fraud.edges
    assert np.diff(np.log(edges)) == pytest.approx(np.log(edges[1] / edges[0]))
    assert edges[-1] == 1.0
    assert sum(found.scores_fraud.counts) == pytest.approx(LABELS.sum())
    assert sum(found.scores_legitimate.counts) == pytest.approx(WEIGHTS[LABELS == 0].sum())


def test_zeros_and_ones_have_curves_too() -> None:
    labels = np.array([0, 0, 1, 1], dtype=np.int8)

    found = curves(labels, np.array([0.0, 0.0, 0.0, 1.0]), weights=np.ones(4), amounts=None, days=1, price=None)

    assert found.precision_recall == ((0.5, 1.0), (1.0, 0.5))
    assert found.roc == ((0.0, 0.0), (0.0, 0.5), (1.0, 1.0))
    assert [sum(one.counts) for one in (found.scores_fraud, found.scores_legitimate)] == [2, 2]
    assert [point.outcome.cost for point in found.thresholds] == [None, None]
