from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from model.learning.fitting import Fit, resampled
from model.learning.sampling import Resampled, thinned
from model.recipes import Recipe

SOURCE = np.random.default_rng(5)
ROWS: NDArray[np.float32] = SOURCE.normal(size=(1500, 5)).astype(np.float32)
LABELS: NDArray[np.int8] = (ROWS[:, 0] + SOURCE.normal(size=1500) > 2.2).astype(np.int8)
PLAIN = Resampled(ROWS, LABELS, 0)


def fitted(recipe: Recipe, *steps: int, seed: int = 3) -> Fit:
    fit = Fit(recipe, seed=seed)
    sample = resampled(recipe.resampling, ROWS, LABELS, seed=seed)
    for trees in steps or (recipe.trees,):
        fit.grow(sample, trees)
    return fit


@pytest.mark.parametrize("resampling", ["none", "weights", "smote:0.4"])
@pytest.mark.parametrize("splits", ["best", "random"])
def test_a_forest_grown_in_steps_is_that_of_one_fit(resampling: str, splits: str) -> None:
    recipe = Recipe(
        kind="random_forest",
        resampling=resampling,
        trees=21,
        splits="best" if splits == "best" else "random",
        min_samples_leaf=2,
        max_features=0.6,
    )

    fit = fitted(recipe, 5, 6, 21)

    kind = RandomForestClassifier if splits == "best" else ExtraTreesClassifier
    at_once = kind(
        n_estimators=21,
        min_samples_leaf=2,
        max_features=0.6,
        random_state=3,
        class_weight="balanced" if resampling == "weights" else None,
        n_jobs=1,
    )
    sample = resampled(resampling, ROWS, LABELS, seed=3)
    at_once.fit(sample.rows, sample.labels)
    np.testing.assert_array_equal(fit.scores(ROWS), at_once.predict_proba(ROWS)[:, 1])
    assert fit.size == sum(tree.tree_.node_count for tree in at_once.estimators_)
    assert fit.classifier.n_jobs == 1


def test_a_regression_is_fitted_once_and_weighs_both_classes_alike() -> None:
    fit = fitted(Recipe(kind="logistic_regression", resampling="weights", penalty=0.1), 10, 20)

    library = LogisticRegression(C=0.1, class_weight="balanced", max_iter=500).fit(ROWS, LABELS)
    np.testing.assert_allclose(fit.scores(ROWS), library.predict_proba(ROWS)[:, 1], atol=1e-4)
    assert fit.size == 5
    assert fit.notes == ()


def test_progress_is_told_and_ends_with_all_trees() -> None:
    told: list[int] = []

    Fit(Recipe(kind="random_forest", trees=10), seed=1).grow(PLAIN, 10, grown=told.append)

    assert told == sorted(told)
    assert told[-1] == 10
    assert len(told) > 1


def test_smote_makes_up_frauds_and_the_others_none() -> None:
    assert resampled("smote:0.4", ROWS, LABELS, seed=1).synthetic == int(0.4 * (LABELS == 0).sum()) - LABELS.sum()
    for way in ("none", "weights"):
        assert resampled(way, ROWS, LABELS, seed=1).rows is ROWS


def test_thinning_keeps_every_fraud_and_the_order() -> None:
    rows = SOURCE.permutation(1500).astype(np.int64)

    left = thinned(rows, LABELS, most_rows=200, seed=4)

    assert len(left) == 200
    assert LABELS[left].sum() == LABELS.sum()
    np.testing.assert_array_equal(left, rows[np.isin(rows, left)])
    np.testing.assert_array_equal(left, thinned(rows, LABELS, most_rows=200, seed=4))
    assert thinned(rows, LABELS, most_rows=1500, seed=4) is rows
    assert thinned(rows, LABELS, most_rows=1, seed=4).tolist() == rows[LABELS[rows] == 1].tolist()
