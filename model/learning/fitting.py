"""One recipe fitted to prepared rows: the regression at once, a forest tree by tree, so that it can go on growing."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from model.learning.sampling import Resampled, oversample_frauds
from model.recipes import Recipe

Grown = Callable[[int], None]

_MOST_ITERATIONS: Final = 500


class Fit:
    """A classifier on its way: what has been fitted so far.

    The same sample, recipe and seed give the same classifier on any number of cores, in however many steps it grew.

    Args:
        recipe: What to fit.
        seed: Of the growth.

    Attributes:
        recipe: As given.
        notes: What did not go as usual.
    """

    def __init__(self, recipe: Recipe, *, seed: int) -> None:
        self.recipe: Final = recipe
        self.notes: tuple[str, ...] = ()
        self._classifier = _unfitted(recipe, seed)

    @property
    def classifier(self) -> Any:
        """scikit-learn's, fitted as far as `grow` went; it predicts with one thread."""
        return self._classifier

    @property
    def size(self) -> int:
        """How complex it is: coefficients, or nodes of all trees."""
        if isinstance(self._classifier, LogisticRegression):
            return int(self._classifier.coef_.size)
        return sum(tree.tree_.node_count for tree in self._classifier.estimators_)

    def grow(self, sample: Resampled, trees: int, *, grown: Grown = lambda _: None) -> None:
        """Fits the regression, or grows the forest to so many trees.

        Args:
            sample: What `resampled` made for the recipe; the same each time.
            trees: In all; no effect where there are as many.
            grown: Is told how many there are by now, every few trees.
        """
        if isinstance(self._classifier, LogisticRegression):
            if not hasattr(self._classifier, "coef_"):
                self._regress(sample)
            grown(trees)
            return
        weights = _weights(self.recipe, sample.labels)
        step = max(4, os.cpu_count() or 1)
        self._classifier.set_params(warm_start=True, n_jobs=-1)
        grown_before = len(getattr(self._classifier, "estimators_", ()))
        for target in (*range(grown_before + step, trees, step), *([trees] if trees > grown_before else [])):
            self._classifier.set_params(n_estimators=target)
            self._classifier.fit(sample.rows, sample.labels, sample_weight=weights)
            grown(target)
        self._classifier.set_params(warm_start=False, n_jobs=1)

    def scores(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """float64[m], uncalibrated, of float32[m, D]; bit for bit `predict_proba`, with all cores."""
        if isinstance(self._classifier, LogisticRegression):
            with threadpool_limits(1):
                probabilities: NDArray[np.float64] = self._classifier.predict_proba(rows.astype(np.float64))[:, 1]
            return probabilities
        trees = self._classifier.estimators_
        parallel = Parallel(n_jobs=-1, prefer="threads", return_as="generator")
        total = np.zeros(len(rows))
        # In the order of the trees: the last bits of a sum depend on it.
        for one in parallel(delayed(tree.predict_proba)(rows, check_input=False) for tree in trees):
            total += one[:, 1]
        return total / len(trees)

    def _regress(self, sample: Resampled) -> None:
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
            warnings.simplefilter("always", ConvergenceWarning)
            self._classifier.fit(sample.rows, sample.labels, sample_weight=_weights(self.recipe, sample.labels))
        if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
            self.notes += ("the logistic regression stopped before it converged",)


def resampled(resampling: str, rows: NDArray[np.float32], labels: NDArray[np.int8], *, seed: int) -> Resampled:
    """What a recipe's classifier is fitted to.

    Args:
        resampling: The recipe's.
        rows: float32[n, D], prepared.
        labels: int8[n], both classes.
        seed: Of the frauds that are made up.
    """
    method, _, ratio = resampling.partition(":")
    if method != "smote":
        return Resampled(rows, labels, 0)
    return oversample_frauds(rows, labels, ratio=float(ratio), seed=seed)


def _unfitted(recipe: Recipe, seed: int) -> Any:
    if recipe.kind == "logistic_regression":
        return LogisticRegression(C=recipe.penalty, max_iter=_MOST_ITERATIONS)
    common = {
        "n_estimators": recipe.trees,
        "criterion": recipe.criterion,
        "max_depth": recipe.max_depth,
        "min_samples_leaf": recipe.min_samples_leaf,
        "max_features": "sqrt" if recipe.max_features is None else recipe.max_features,
        "random_state": seed,
    }
    if recipe.splits == "random":
        return ExtraTreesClassifier(**common)
    return RandomForestClassifier(**common, max_samples=recipe.max_samples)


def _weights(recipe: Recipe, labels: NDArray[np.int8]) -> NDArray[np.float64] | None:
    """float64[n] with which both classes weigh the same in sum, as with class_weight="balanced" of scikit-learn."""
    if recipe.resampling != "weights":
        return None
    frauds = int(labels.sum())
    of_class = np.array([len(labels) / (2 * (len(labels) - frauds)), len(labels) / (2 * frauds)])
    weights: NDArray[np.float64] = of_class[labels]
    return weights
