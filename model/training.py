"""Learns to tell frauds: clean, split by time, prepare, resample, fit, choose a threshold, judge."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from model.cleaning import without_duplicates
from model.dataset import Dataset
from model.errors import Mendable
from model.manifest import PartRecord, TrainingRecord
from model.metrics import Metrics, measure
from model.preparation import new_preparation
from model.profile import Profile
from model.sampling import Resampled, oversample_frauds
from model.scorer import fraud_probabilities
from model.splits import Parts, require_both_classes, split_by_time
from model.thresholds import threshold_of_best_f1

FOREST: Final = "random_forest"
REGRESSION: Final = "logistic_regression"

Progress = Callable[[str, float], None]


class InputsTooLarge(Mendable):
    """Numbers that a forest, which computes with 32 bits, cannot tell apart from infinity."""


@dataclass(frozen=True)
class TrainingPlan:
    """What can be chosen.

    Attributes:
        seed: Of every random choice, from 0 up to 2**32 - 1.
        trees: In the forest, 1 at least.
        fraud_ratio: Frauds to legitimate rows that the training part is resampled to.
    """

    seed: int = 7
    trees: int = 100
    fraud_ratio: float = 0.1


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What came out.

    Attributes:
        pipeline: Preparation and forest, fitted to the training part; predicts with one thread.
        threshold: Of highest F1 on the validation part.
        metrics: On the test part, by kind of model, each at its own threshold; the forest's first.
        record: What was done.
    """

    pipeline: Pipeline
    threshold: float
    metrics: Mapping[str, Metrics]
    record: TrainingRecord


def train(dataset: Dataset, profile: Profile, *, plan: TrainingPlan, progress: Progress) -> TrainedModel:
    """Fits a forest, and a logistic regression for comparison, to the earlier rows and judges them by the later.

    The same dataset and plan give the same model, whatever the number of cores.

    Args:
        dataset: With labels.
        profile: It was read with.
        plan: Seed and sizes.
        progress: Is told what is being done and the share of it that is done, from 0 to 1.

    Raises:
        OneClassOnly: A part of the data has no fraud, or nothing else.
        InputsTooLarge: An input goes beyond 32-bit floating point.
    """
    progress("cleaning", 0)
    clean = without_duplicates(dataset, profile)
    labels = _labels_of(clean)
    parts = split_by_time(clean.times)
    require_both_classes(parts, labels)

    progress("preparing", 0)
    preparation = new_preparation()
    prepared = _prepared(preparation, clean.inputs[parts.training], profile)
    sample = oversample_frauds(prepared, labels[parts.training], ratio=plan.fraud_ratio, seed=plan.seed)

    forest = _grown_forest(sample, plan, progress)
    progress("comparing", 0)
    regression, hitch = _fitted_regression(sample)

    progress("judging", 0)
    models = {FOREST: _joined(preparation, forest), REGRESSION: _joined(preparation, regression)}
    thresholds = {kind: _threshold(pipeline, clean, parts) for kind, pipeline in models.items()}
    metrics = {kind: _judged(pipeline, clean, parts, thresholds[kind]) for kind, pipeline in models.items()}
    progress("judging", 1)
    return TrainedModel(
        pipeline=models[FOREST],
        threshold=thresholds[FOREST],
        metrics=metrics,
        record=TrainingRecord(
            seed=plan.seed,
            trees=plan.trees,
            rows_read=dataset.found.rows,
            rows_left_out=_rows_left_out(dataset, clean),
            parts={name: _part_record(clean, rows) for name, rows in parts.named()},
            fraud_ratio=plan.fraud_ratio,
            synthetic_frauds=sample.synthetic,
            notes=tuple(note for note in (sample.note, hitch) if note),
        ),
    )


def _grown_forest(sample: Resampled, plan: TrainingPlan, progress: Progress) -> RandomForestClassifier:
    """As one fit would grow it; in steps, to tell how far it is."""
    forest = RandomForestClassifier(random_state=plan.seed, n_jobs=-1, warm_start=True)
    step = max(4, os.cpu_count() or 1)
    progress("growing the forest", 0)
    for trees in (*range(step, plan.trees, step), plan.trees):
        forest.set_params(n_estimators=trees).fit(sample.rows, sample.labels)
        progress("growing the forest", trees / plan.trees)
    return forest.set_params(n_jobs=1, warm_start=False)


def _fitted_regression(sample: Resampled) -> tuple[LogisticRegression, str | None]:
    """Fitted, and a note where it stopped before it was done."""
    regression = LogisticRegression(max_iter=1000)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        regression.fit(sample.rows, sample.labels)
    stopped = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return regression, "the logistic regression stopped before it converged" if stopped else None


def _joined(preparation: Pipeline, classifier: Any) -> Pipeline:
    return Pipeline([("prepare", preparation), ("classify", classifier)])


def _threshold(pipeline: Pipeline, dataset: Dataset, parts: Parts) -> float:
    probabilities = fraud_probabilities(pipeline, dataset.inputs[parts.validation])
    return threshold_of_best_f1(_labels_of(dataset)[parts.validation], probabilities)


def _judged(pipeline: Pipeline, dataset: Dataset, parts: Parts, threshold: float) -> Metrics:
    probabilities = fraud_probabilities(pipeline, dataset.inputs[parts.test])
    return measure(_labels_of(dataset)[parts.test], probabilities, threshold)


def _labels_of(dataset: Dataset) -> NDArray[np.int8]:
    assert dataset.labels is not None, "read with need_labels=True"
    return dataset.labels


def _prepared(preparation: Pipeline, rows: NDArray[np.float64], profile: Profile) -> NDArray[np.float64]:
    """Fits the preparation to float64[n, d] and applies it."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is named below
        prepared: NDArray[np.float64] = preparation.fit_transform(rows)
    largest = np.abs(prepared).max(axis=0)
    beyond = [name for name, size in zip(profile.inputs, largest, strict=True) if not size < np.finfo(np.float32).max]
    if beyond:
        raise InputsTooLarge(
            f"inputs {', '.join(map(repr, beyond))} hold numbers beyond 1e38", remedy="rescale these columns"
        )
    return prepared


def _rows_left_out(read: Dataset, clean: Dataset) -> dict[str, int]:
    reasons = {
        "without time": read.found.without_time,
        "without label": read.found.without_label,
        "duplicates": len(read) - len(clean),
    }
    return {reason: rows for reason, rows in reasons.items() if rows}


def _part_record(dataset: Dataset, rows: NDArray[np.int64]) -> PartRecord:
    times = dataset.times[rows]
    return PartRecord(
        rows=len(rows),
        frauds=int(_labels_of(dataset)[rows].sum()),
        first=datetime.fromtimestamp(int(times.min()) / 1000, UTC),
        last=datetime.fromtimestamp(int(times.max()) / 1000, UTC),
    )
