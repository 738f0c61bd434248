from __future__ import annotations

import numpy as np
import pytest

from model.learning.sampling import oversample_frauds

ROWS = np.random.default_rng(4).normal(0, 1, (1_000, 3))


def labels(frauds: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    return (np.arange(1_000) < frauds).astype(np.int8)


@pytest.mark.parametrize("frauds", [2, 3, 20])
def test_frauds_are_made_up_between_frauds_until_the_ratio_is_reached(frauds: int) -> None:
    given = labels(frauds)
    sample = oversample_frauds(ROWS, given, ratio=0.1, seed=7)

    made_up = sample.rows[1_000:]
    assert sample.synthetic == len(made_up) == (1_000 - frauds) // 10 - frauds
    assert sample.labels.tolist() == [*given.tolist(), *[1] * sample.synthetic]
    np.testing.assert_array_equal(sample.rows[:1_000], ROWS)
    assert (made_up >= ROWS[:frauds].min(axis=0)).all()
    assert (made_up <= ROWS[:frauds].max(axis=0)).all()
    assert sample.note is None


@pytest.mark.parametrize(("frauds", "why"), [(300, "enough"), (1, "neighbour")])
def test_nothing_is_made_up_or_left_out_where_that_makes_no_sense(frauds: int, why: str) -> None:
    sample = oversample_frauds(ROWS, labels(frauds), ratio=0.1, seed=7)

    assert sample.synthetic == 0
    assert sample.note is not None
    assert why in sample.note
    np.testing.assert_array_equal(sample.rows, ROWS)
    np.testing.assert_array_equal(sample.labels, labels(frauds))


def test_the_seed_decides() -> None:
    first, again, other = (oversample_frauds(ROWS, labels(20), ratio=0.1, seed=seed).rows for seed in (7, 7, 8))

    assert first.tobytes() == again.tobytes() != other.tobytes()
