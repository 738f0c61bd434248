"""Calibrations fitted to scores, and how they are judged."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from model.learning.calibrating import calibration_report, fit_calibration, reliability
from model.measuring.reliability import brier_score, expected_calibration_error
from model.scoring.calibration import IDENTITY, log_odds

Rows = tuple[NDArray[np.int8], NDArray[np.float64]]


def inflated(rows: int, rate: float, seed: int, *, forest: bool = False) -> Rows:
    """Labels, and scores that rank well and promise too many frauds; a forest's are hundredths, mostly 0."""
    source = np.random.default_rng(seed)
    labels = (source.random(rows) < rate).astype(np.int8)
    odds = source.normal(-3.0 + 4.0 * labels, 1.5)
    scores = 1 / (1 + np.exp(-odds))
    return labels, source.binomial(100, scores**2) / 100.0 if forest else scores


def bent(rows: int, seed: int) -> Rows:
    """Scores that no sigmoid of the log-odds makes probabilities of: all below a half are worth the same."""
    source = np.random.default_rng(seed)
    scores = source.random(rows)
    truth = np.where(scores < 0.5, 0.01, 0.01 + 1.8 * (scores - 0.5) ** 2)
    return (source.random(rows) < truth).astype(np.int8), scores


def wilson_holds(bound: float, rate: float, rows: int) -> bool:
    """Whether a share at the bound would be seen as `rate` just 1.96 standard deviations away."""
    deviations = abs(bound - rate) / (bound * (1 - bound) / rows) ** 0.5
    return bool(deviations == pytest.approx(1.959964))


def mean_of(probabilities: NDArray[np.float64] | NDArray[np.int8], weights: NDArray[np.float64]) -> float:
    return float(np.average(probabilities, weights=weights))


@pytest.mark.parametrize("forest", [False, True])
@pytest.mark.parametrize(("rate", "frauds"), [(0.0005, "a few"), (0.005, "some"), (0.05, "many")])
def test_the_mean_probability_is_the_share_of_frauds(rate: float, frauds: str, forest: bool) -> None:
    labels, scores = inflated(10_000, rate, 3, forest=forest)
    weights = np.random.default_rng(1).uniform(1, 3, len(labels))

    calibration = fit_calibration(labels, scores, weights=weights).calibration

    assert labels.any(), frauds
    assert mean_of(calibration.apply(scores), weights) == pytest.approx(mean_of(labels, weights), rel=1e-9)
    different = np.unique(scores)
    assert (np.diff(calibration.apply(different)) > 0).all()
    assert ((calibration.apply(np.array([0.0, 1.0])) > 0) & (calibration.apply(np.array([0.0, 1.0])) < 1)).all()


def test_scores_of_a_resampled_model_become_true_on_later_rows() -> None:
    fitted = fit_calibration(*inflated(20_000, 0.005, 1), weights=np.ones(20_000))
    labels, scores = inflated(50_000, 0.005, 2)

    after = fitted.calibration.apply(scores)
    weights = np.ones(len(labels))

    assert fitted.calibration.method == "sigmoid"
    before_error, after_error = (expected_calibration_error(labels, one, weights) for one in (scores, after))
    assert before_error is not None
    assert after_error is not None
    assert before_error > 0.05
    assert after_error < 0.001


def test_weights_undo_the_sampling_of_legitimate_rows() -> None:
    labels, scores = inflated(40_000, 0.005, 5)
    kept = (labels == 1) | (np.random.default_rng(2).random(len(labels)) < 0.1)
    weights = np.where(labels[kept] == 1, 1.0, 10.0)

    fitted = fit_calibration(labels[kept], scores[kept], weights=weights)

    assert fitted.calibration.apply(scores).mean() == pytest.approx(labels.mean(), rel=0.15)
    assert fitted.rows == pytest.approx(40_000, rel=0.03)
    assert fitted.frauds == labels.sum()


def test_the_sigmoid_is_that_of_a_logistic_regression() -> None:
    labels, scores = inflated(10_000, 0.015, 4)
    weights = np.random.default_rng(1).uniform(1, 3, len(labels))

    fitted = fit_calibration(labels, scores, weights=weights).calibration

    # The same prior on the slope: a penalty on what it is beyond 1.
    odds = log_odds(scores)
    free = LogisticRegression(C=np.inf, tol=1e-8).fit(odds[:, None], labels, sample_weight=weights)
    assert fitted.slope == pytest.approx(free.coef_[0, 0], rel=0.01)
    assert fitted.intercept == pytest.approx(free.intercept_[0], rel=0.02)


def test_steps_are_taken_where_they_are_clearly_better() -> None:
    labels, scores = bent(8_000, 1)

    many = fit_calibration(labels, scores, weights=np.ones(8_000))
    few = fit_calibration(labels[:1_000], scores[:1_000], weights=np.ones(1_000))

    assert many.calibration.method == "isotonic"
    assert "standard error" in many.why
    assert few.calibration.method == "sigmoid"
    assert few.why.endswith("too few for isotonic regression, which needs 200")
    later, later_scores = bent(50_000, 2)
    found = many.calibration.apply(later_scores)
    low, high = later_scores < 0.45, later_scores > 0.95
    assert found[low].mean() == pytest.approx(later[low].mean(), rel=0.3)
    assert found[high].mean() == pytest.approx(later[high].mean(), rel=0.1)
    assert (np.diff(many.calibration.knots) > 0).all()
    assert (np.diff(many.calibration.values) > 0).all()
    assert (many.calibration.knots[0], many.calibration.knots[-1]) == (0.0, 1.0)


def test_a_sigmoid_does_where_it_is_the_truth() -> None:
    labels, scores = inflated(20_000, 0.02, 6)

    fitted = fit_calibration(labels, scores, weights=np.ones(20_000))

    assert fitted.calibration.method == "sigmoid"
    assert "not clearly better" in fitted.why


def test_a_handful_of_frauds_moves_the_rate_only() -> None:
    labels, scores = inflated(2_000, 0.1, 7)
    labels[np.flatnonzero(labels)[9:]] = 0

    fitted = fit_calibration(labels, scores, weights=np.ones(2_000))

    assert (fitted.calibration.method, fitted.calibration.slope) == ("sigmoid", 1.0)
    assert fitted.calibration.apply(scores).mean() == pytest.approx(9 / 2_000)
    assert "9 frauds" in fitted.why


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_says_nothing(label: int) -> None:
    fitted = fit_calibration(np.full(5, label, dtype=np.int8), np.linspace(0, 1, 5), weights=np.ones(5))

    assert fitted.calibration is IDENTITY


def test_classes_that_never_meet_stay_finite() -> None:
    labels = np.repeat([0, 1], [5_000, 50]).astype(np.int8)

    certain = labels.astype(np.float64)
    for scores in (certain, 0.1 + 0.8 * certain, 1 - certain):
        calibration = fit_calibration(labels, scores, weights=np.ones(len(labels))).calibration
        assert np.isfinite([calibration.slope, calibration.intercept]).all()
        assert calibration.slope > 0
        assert calibration.apply(scores).mean() == pytest.approx(labels.mean())


def test_steps_as_narrow_as_a_digit_have_rising_knots() -> None:
    source = np.random.default_rng(3)
    near = 0.3 + source.integers(0, 40, 4_000) * np.finfo(np.float64).eps
    scores = np.where(source.random(4_000) < 0.5, near, source.random(4_000) ** 8)
    labels = (source.random(4_000) < np.where(scores >= 0.3, 0.02 + 0.9 * (scores > 0.3 + 4e-15), 0.0)).astype(np.int8)

    calibration = fit_calibration(labels, scores, weights=np.ones(4_000)).calibration

    assert calibration.method == "isotonic"
    assert (np.diff(calibration.knots) > 0).all()
    assert np.isfinite(calibration.apply(scores)).all()


def test_calibration_error_is_over_bins_of_equal_mass() -> None:
    labels, scores = inflated(9_000, 0.1, 8)

    true, promised = calibration_curve(labels, scores, n_bins=15, strategy="quantile")
    expected = np.abs(true - promised).mean()
    assert expected_calibration_error(labels, scores, np.ones(9_000)) == pytest.approx(expected, rel=0.01)
    assert expected_calibration_error(np.array([0, 1], dtype=np.int8), np.array([0.5, 0.5]), np.ones(2)) == 0


def test_bins_hold_all_rows_and_the_truth_mostly() -> None:
    source = np.random.default_rng(9)
    probabilities = source.beta(0.1, 3, 20_000)
    labels = (source.random(20_000) < probabilities).astype(np.int8)

    found = reliability(labels, probabilities, weights=np.ones(20_000))

    assert len(found) == 15
    assert sum(one.rows for one in found) == 20_000
    assert sum(one.fraud_rate * one.rows for one in found) == pytest.approx(labels.sum())
    assert (np.diff([one.probability for one in found]) > 0).all()
    assert sum(one.low <= one.probability <= one.high for one in found) >= 12


def test_a_bins_interval_is_wilsons() -> None:
    labels = np.repeat([1, 0], [7, 93]).astype(np.int8)

    (found,) = reliability(labels, np.full(100, 0.1), weights=np.ones(100))

    assert found.probability == pytest.approx(0.1)
    assert (found.fraud_rate, found.rows) == (0.07, 100)
    assert found.low < 0.07 < found.high
    assert wilson_holds(found.low, 0.07, 100)
    assert wilson_holds(found.high, 0.07, 100)


@pytest.mark.parametrize("label", [0, 1])
def test_a_bin_of_one_class_is_not_certain(label: int) -> None:
    (found,) = reliability(np.full(20, label, dtype=np.int8), np.full(20, 0.5), weights=np.ones(20))

    # By Wilson's formula, z * z / (n + z * z) away from what was seen.
    assert (found.low, found.high) == pytest.approx((0, 0.1611) if label == 0 else (0.8389, 1), abs=1e-4)


def test_sampled_rows_have_the_interval_that_their_frauds_give() -> None:
    labels = np.repeat([1, 0], [50, 500]).astype(np.int8)
    weights = np.where(labels == 1, 1.0, 100.0)

    (sampled,) = reliability(labels, np.full(550, 0.001), weights=weights)

    # All the frauds are there, and of the others enough: about as good as all rows.
    (whole,) = reliability(
        np.repeat([1, 0], [50, 50_000]).astype(np.int8), np.full(50_050, 0.001), weights=np.ones(50_050)
    )
    assert sampled.rows == 50_050
    assert sampled.high - sampled.low == pytest.approx(whole.high - whole.low, rel=0.08)


def test_a_report_compares_before_and_after() -> None:
    fitted = fit_calibration(*inflated(20_000, 0.005, 1), weights=np.ones(20_000))
    labels, scores = inflated(20_000, 0.005, 2)
    weights = np.ones(20_000)

    report = calibration_report(fitted, labels, scores, weights=weights)

    assert (report.method, report.why) == ("sigmoid", fitted.why)
    assert (report.rows, report.frauds) == (20_000, fitted.frauds)
    assert report.brier_before == brier_score(labels, scores, weights)
    assert report.brier_after < report.brier_before
    assert report.error_after < report.error_before
    assert report.bins_after == reliability(labels, fitted.calibration.apply(scores), weights=weights)
