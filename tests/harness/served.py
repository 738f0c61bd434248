"""Small fitted models in the form that is served."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from model.learning.export import serving_model
from model.learning.preparation import new_preparation, with_times
from model.scoring.calibration import IDENTITY, Calibration
from model.scoring.serving import ServingModel

Rows = NDArray[np.float64]
Times = NDArray[np.int64]

SIGMOID = Calibration("sigmoid", np.empty(0), np.empty(0), 0.8, -3.0)
ISOTONIC = Calibration("isotonic", np.array([0, 0.2, 0.21, 0.7, 1]), np.array([0.0001, 0.01, 0.3, 0.6, 0.99]), 1.0, 0.0)


def table(width: int, *, rows: int = 500, seed: int = 3) -> tuple[Rows, Times, NDArray[np.int8]]:
    """Inputs of all sizes with gaps, moments of two months, and labels; the first input tells most of the frauds."""
    source = np.random.default_rng(seed)
    labels = (source.random(rows) < 0.15).astype(np.int8)
    inputs = source.normal(0, 1, (rows, width))
    inputs[:, 0] += 2 * labels
    inputs[:, 1::4] = np.round(inputs[:, 1::4])
    inputs *= 10.0 ** (np.arange(width) * 7 % 10 - 3)
    inputs[source.random(inputs.shape) < 0.1] = np.nan
    return inputs, source.integers(1_767_225_600_000, 1_772_323_200_000, rows), labels


def fitted(
    width: int, *, calendar: Sequence[str] = (), linear: bool = False, trees: int = 12, seed: int = 3
) -> Pipeline:
    """Preparation and classifier, fitted to `table`."""
    inputs, times, labels = table(width, seed=seed)
    forest = RandomForestClassifier(trees, min_samples_leaf=3, random_state=seed)
    classifier = LogisticRegression(max_iter=500) if linear else forest
    steps = Pipeline([("prepare", new_preparation(width, calendar)), ("classify", classifier)])
    return steps.fit(with_times(inputs, times, calendar), labels)


def named(width: int) -> tuple[str, ...]:
    """Names for so many inputs."""
    return tuple(f"V{at + 1}" for at in range(width))


def served(
    width: int = 3,
    *,
    inputs: Sequence[str] = (),
    calendar: Sequence[str] = (),
    linear: bool = False,
    calibration: Calibration = IDENTITY,
) -> ServingModel:
    """The same as it is served; `inputs` are V1, V2, ... unless named."""
    pipeline = fitted(width, calendar=calendar, linear=linear)
    return serving_model(pipeline, inputs=inputs or named(width), calendar=calendar, calibration=calibration)
