"""Whether a candidate may be champion: measured as elsewhere, beyond the noise, and by later rows only."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from model.data.dataset import dataset_from_frame
from model.measuring.metrics import measure
from model.scoring.scorer import Scorer
from model.versions.gate import Comparison, TooFewFrauds, compare, later_than, objections
from model.versions.promotion import Contender, compare_on, profile_for_both
from tests.harness.labelled import PROFILE, labelled_frame
from tests.harness.small_model import SmallModel, small_model

Numbers = NDArray[np.float64]


def drawn(rows: int, *, seed: int = 1, frauds: float = 0.05) -> tuple[NDArray[np.int8], Numbers]:
    """Labels, and calibrated probabilities of a model that knows something."""
    source = np.random.default_rng(seed)
    odds = source.normal(np.log(frauds / (1 - frauds)) - 1, 2, rows)
    probabilities = 1 / (1 + np.exp(-odds))
    return (source.random(rows) < probabilities).astype(np.int8), probabilities


def blurred(probabilities: Numbers, by: float, *, seed: int = 5) -> Numbers:
    """What a worse model says."""
    noise = np.random.default_rng(seed).normal(0, by, len(probabilities))
    return np.asarray(1 / (1 + np.exp(-(np.log(probabilities / (1 - probabilities)) + noise))))


def compared(
    labels: NDArray[np.int8], champion: Numbers, candidate: Numbers, weights: Numbers | None = None, rounds: int = 300
) -> Comparison:
    weights = np.ones(len(labels)) if weights is None else weights
    return compare(labels, champion, candidate, weights=weights, seed=1, rounds=rounds)


def test_both_are_measured_as_everywhere() -> None:
    labels, probabilities = drawn(3000)
    ties = np.round(probabilities, 2)
    weights = np.where(labels == 1, 1.0, 7.5)

    found = compared(labels, probabilities, ties, weights, rounds=10)

    for quality, scores in ((found.champion, probabilities), (found.candidate, ties)):
        metrics = measure(labels, scores, 0.5, weights=weights)
        assert quality.average_precision == pytest.approx(metrics.average_precision, rel=1e-12)
        assert quality.calibration_error == pytest.approx(metrics.calibration_error, rel=1e-9)
    change = found.candidate.average_precision - found.champion.average_precision
    assert found.average_precision.value == pytest.approx(change, rel=1e-12)


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    labels, champion = drawn(800)
    candidate = blurred(champion, 1)
    source = np.random.default_rng(3)

    found = compared(labels, champion, candidate, rounds=1000).average_precision
    plain = []
    for _ in range(400):
        rows = source.integers(0, len(labels), len(labels))
        one, other = (average_precision_score(labels[rows], scores[rows]) for scores in (champion, candidate))
        plain.append(other - one)

    low, high = np.quantile(plain, (0.025, 0.975))
    assert found.low == pytest.approx(low, abs=0.03)
    assert found.high == pytest.approx(high, abs=0.03)


def test_the_same_seed_gives_the_same_comparison() -> None:
    labels, champion = drawn(500)

    assert compared(labels, champion, blurred(champion, 1)) == compared(labels, champion, blurred(champion, 1))


def test_a_candidate_that_ranks_worse_is_refused_and_a_better_one_is_not() -> None:
    labels, good = drawn(4000)
    bad = blurred(good, 3)

    assert any("average precision is" in one and "lower" in one for one in objections(compared(labels, good, bad)))
    assert objections(compared(labels, bad, good)) == ()


def test_a_difference_inside_the_noise_is_no_objection() -> None:
    labels, best = drawn(1500)
    champion = blurred(best, 0.3)

    found = compared(labels, champion, blurred(best, 0.3, seed=7))

    assert found.average_precision.low < 0 < found.average_precision.high
    assert objections(found) == ()
    assert objections(compared(labels, champion, champion)) == ()


def test_a_candidate_that_ranks_alike_but_promises_too_much_is_refused() -> None:
    labels, champion = drawn(4000)
    candidate = np.sqrt(champion)

    found = compared(labels, champion, candidate)

    assert found.average_precision.value == pytest.approx(0, abs=1e-12)
    assert len(objections(found)) == 1
    assert "calibration error is" in objections(found)[0]


def test_an_error_of_less_than_one_in_ten_thousand_is_tolerated() -> None:
    labels, champion = drawn(200)
    found = compared(labels, champion, champion)

    def with_error(low: float) -> Comparison:
        error = msgspec.structs.replace(found.calibration_error, value=0.001, low=low, high=0.002)
        changed: Comparison = msgspec.structs.replace(found, calibration_error=error)
        return changed

    assert objections(with_error(0.00009)) == ()
    assert len(objections(with_error(0.00011))) == 1


def test_too_few_frauds_tell_nothing() -> None:
    labels = np.zeros(100, np.int8)
    labels[:9] = 1

    with pytest.raises(TooFewFrauds, match="9 frauds in 100 rows"):
        compared(labels, np.full(100, 0.1), np.full(100, 0.1))
    with pytest.raises(TooFewFrauds, match="100 frauds in 100 rows"):
        compared(np.ones(100, np.int8), np.full(100, 0.1), np.full(100, 0.1))


def test_only_what_is_later_than_both_counts() -> None:
    moments = [datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 11, tzinfo=UTC)]
    at = int(moments[0].timestamp() * 1000)

    later = later_than(np.array([at - 1, at, at + 1], np.int64), moments)

    assert later.tolist() == [False, False, True]


def test_200_000_rows_take_seconds() -> None:
    labels, champion = drawn(200_000, frauds=0.003)
    candidate = blurred(champion, 0.5)
    began = time.process_time()

    compared(labels, champion, candidate, rounds=50)

    # A thousand rounds in less than 20 s of one core, with room for a slower machine.
    assert time.process_time() - began < 2


def contender(model: SmallModel, where: Path) -> Contender:
    manifest = model.save(where)
    return Contender(manifest, Scorer(model.serving, threshold=0.3, name="small", version=manifest.version))


def test_two_models_of_other_inputs_are_compared_on_the_rows_that_neither_knows(tmp_path: Path) -> None:
    whole = dataset_from_frame(labelled_frame(2000), PROFILE, need_labels=True, source="table")
    narrow = msgspec.structs.replace(PROFILE, inputs=("risk", "amount"))
    one, other = small_model(whole), small_model(replace(whole, inputs=whole.inputs[:, [1, 0]].copy()), profile=narrow)
    champion, candidate = contender(one, tmp_path / "one"), contender(other, tmp_path / "other")
    told: list[float] = []

    columns = profile_for_both(narrow, champion, candidate)
    both = dataset_from_frame(labelled_frame(2000), columns, need_labels=True, source="table")
    found = compare_on(both, columns.inputs, champion=champion, candidate=candidate, progress=told.append)

    assert columns.inputs == ("risk", "amount", "noise")
    assert (found.rows, found.left_out) == (400, 1600)
    for quality, model in ((found.champion, one), (found.candidate, other)):
        assert quality.average_precision == pytest.approx(model.metrics["random_forest"].average_precision)
    assert told[-1] == 1
