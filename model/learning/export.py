"""From fitted scikit-learn objects to the arrays that the stream scores with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from model.learning.preparation import learnt_from
from model.scoring.calibration import Calibration
from model.scoring.forest import LEAF, Forest
from model.scoring.linear import Linear
from model.scoring.serving import ServingModel


def serving_model(
    pipeline: Pipeline, *, inputs: Sequence[str], calendar: Sequence[str], calibration: Calibration
) -> ServingModel:
    """The serving form of a fitted model.

    Args:
        pipeline: Fitted steps "prepare" (of `model.learning.preparation.new_preparation`) and "classify" (a forest or
            a logistic regression with the classes 0 and 1).
        inputs: What the columns are that it was fitted to.
        calendar: The calendar features that it was fitted to.
        calibration: Of the classifier's scores.
    """
    learnt = learnt_from(pipeline.named_steps["prepare"])
    classifier = pipeline.named_steps["classify"]
    assert list(classifier.classes_) == [0, 1], "fitted to legitimate rows and frauds"
    linear = isinstance(classifier, LogisticRegression)
    return ServingModel(
        inputs=tuple(inputs),
        calendar=tuple(calendar),
        medians=learnt.medians,
        low=learnt.low,
        high=learnt.high,
        centre=learnt.centre,
        scale=learnt.scale,
        classifier=linear_of(classifier, learnt.means) if linear else forest_of(classifier),
        calibration=calibration,
    )


def forest_of(fitted: RandomForestClassifier) -> Forest:
    """A fitted random forest as arrays."""
    trees = [estimator.tree_ for estimator in fitted.estimators_]
    sizes = [tree.node_count for tree in trees]
    ends = np.cumsum(sizes)
    roots = (ends - sizes).astype(np.int64)
    node, first = np.arange(ends[-1]), np.repeat(roots, sizes)
    left = np.concatenate([tree.children_left for tree in trees])
    right = np.concatenate([tree.children_right for tree in trees])
    leaf = left < 0
    return Forest(
        roots=roots,
        feature=np.where(leaf, LEAF, np.concatenate([tree.feature for tree in trees])).astype(np.int32),
        threshold=np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees])),
        left=np.where(leaf, node, left + first).astype(np.int32),
        right=np.where(leaf, node, right + first).astype(np.int32),
        # Since 1.3 scikit-learn keeps shares in `value`, and `predict_proba` gives them as they are.
        probability=np.concatenate([tree.value[:, 0, 1] for tree in trees]),
        missing_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(np.bool_),
    )


def linear_of(fitted: LogisticRegression, centre: NDArray[np.float64]) -> Linear:
    """A fitted logistic regression as arrays.

    Args:
        fitted: To D features.
        centre: float64[D], the training rows' mean.
    """
    coefficients = fitted.coef_[0].astype(np.float64)
    return Linear(coefficients=coefficients, intercept=float(fitted.intercept_[0]), centre=centre)


def fraud_probabilities(pipeline: Pipeline, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of class 1 that a fitted pipeline gives each row, uncalibrated.

    A forest must have `n_jobs` 1: with more, scikit-learn adds up the trees in the order in which their threads
    happen to finish, and the last bits of a sum depend on its order.

    Args:
        pipeline: Fitted.
        rows: float64[n, d], as `model.learning.preparation.with_times` makes them.

    Returns:
        float64[n], in [0, 1].
    """
    if len(rows) == 0:
        return np.empty(0)
    probabilities: NDArray[np.float64] = pipeline.predict_proba(rows)
    return np.ascontiguousarray(probabilities[:, 1])
