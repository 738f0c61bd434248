from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance as by_scikit_learn
from sklearn.linear_model import LogisticRegression

from model.measuring.importance import permutation_importance

ROWS = 4_000
NAMES = ("much", "little", "nothing")
SOURCE = np.random.default_rng(3)
LABELS = (SOURCE.random(ROWS) < 0.1).astype(np.int8)
FEATURES: NDArray[np.float64] = SOURCE.normal(size=(ROWS, 3)) + LABELS[:, None] * np.array([2.0, 0.7, 0.0])
WEIGHTS = np.ones(ROWS)


def score(features: NDArray[np.float64]) -> NDArray[np.float64]:
    odds: NDArray[np.float64] = features @ np.array([2.0, 0.7, 0.0])
    return odds


def test_importance_is_that_of_scikit_learn() -> None:
    found = permutation_importance(score, FEATURES, LABELS, NAMES, weights=WEIGHTS, seed=1, repeats=10)

    model = LogisticRegression().fit(FEATURES, LABELS)
    model.coef_ = np.array([[2.0, 0.7, 0.0]])
    expected = by_scikit_learn(model, FEATURES, LABELS, scoring="average_precision", n_repeats=10, random_state=1)
    assert [one.feature for one in found] == list(NAMES)
    assert [one.mean for one in found] == pytest.approx(expected.importances_mean, abs=0.02)
    assert found[2].mean == found[2].deviation == 0
    assert found[0].deviation > 0


def test_features_are_left_as_they_were_and_a_seed_repeats() -> None:
    before = FEATURES.copy()

    first, again = (
        permutation_importance(score, FEATURES, LABELS, NAMES, weights=WEIGHTS, seed=1, most_rows=1_000)
        for _ in range(2)
    )

    assert first == again
    assert FEATURES.tobytes() == before.tobytes()


def test_of_many_rows_all_frauds_and_few_others_are_looked_at() -> None:
    sizes = []

    def noting(features: NDArray[np.float32]) -> NDArray[np.float64]:
        sizes.append((len(features), features.dtype))
        return score(features.astype(np.float64))

    few = permutation_importance(
        noting, FEATURES.astype(np.float32), LABELS, NAMES, weights=WEIGHTS, seed=1, most_rows=1_000
    )
    whole = permutation_importance(score, FEATURES, LABELS, NAMES, weights=WEIGHTS, seed=1)

    assert set(sizes) == {(1_000, np.dtype(np.float32))}
    # The others weigh four times as much for it: as if all had been looked at.
    assert [one.mean for one in few] == pytest.approx([one.mean for one in whole], abs=0.05)


def test_the_most_important_comes_first() -> None:
    found = permutation_importance(
        lambda features: score(features[:, ::-1]),
        FEATURES[:, ::-1].copy(),
        LABELS,
        NAMES[::-1],
        weights=WEIGHTS,
        seed=1,
    )

    assert [one.feature for one in found] == list(NAMES)
