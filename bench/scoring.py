"""The model alone: rows a second through preparation and forest, beside the bare forest on prepared rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from bench.figures import show
from model.learning.preparation import with_times
from model.scoring.scorer import Scorer

_SECONDS = 3.0


def bench_scoring(
    scorer: Scorer, pipeline: Pipeline, rows: NDArray[np.float64], times: NDArray[np.int64], calendar: Sequence[str]
) -> None:
    """Prints a figure for each batch size.

    Args:
        scorer: Of a model whose classifier is a forest.
        pipeline: The same model, fitted by scikit-learn.
        rows: float64[n, d], 2000 at least.
        times: int64[n], epoch milliseconds UTC.
        calendar: The calendar features of the model.
    """
    preparation, forest = pipeline[:-1], pipeline[-1]
    for size in (1, 256, 2000):
        batch, moments = np.ascontiguousarray(rows[:size]), times[:size]
        prepared = preparation.transform(with_times(batch, moments, calendar))
        bare = _rows_a_second(partial(forest.predict_proba, prepared), size)
        ours = _rows_a_second(partial(scorer.score, batch, moments), size)
        show(
            "rows scored",
            ours,
            "rows/s",
            baseline="RandomForestClassifier.predict_proba on prepared rows",
            baseline_value=bare,
            batch=size,
            trees=len(forest.estimators_),
            inputs=len(scorer.inputs),
        )


def _rows_a_second(score: Callable[[], object], size: int) -> float:
    score()
    calls, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < _SECONDS:
        score()
        calls += 1
    return calls * size / elapsed
