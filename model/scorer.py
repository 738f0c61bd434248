"""A batch in, fraud probabilities out: the one way to a score, for files and for the stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline


class Scorer:
    """A model that is ready to score.

    Attributes:
        inputs: What the columns of a batch are, in order.
        threshold: A row is fraud where its probability is at least that.
        name: Of the model.
        version: Of the model; another one where anything that decides a verdict differs.
    """

    def __init__(self, pipeline: Pipeline, *, inputs: Sequence[str], threshold: float, name: str, version: str) -> None:
        self.inputs = tuple(inputs)
        self.threshold = threshold
        self.name = name
        self.version = version
        self._pipeline = pipeline

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of fraud of each row, bit for bit the same in whatever batch the row stands.

        Args:
            rows: float64[n, d], finite or NaN (missing), columns as in `inputs`; n may be 0.

        Returns:
            float64[n], in [0, 1].

        Raises:
            ValueError: `rows` has another shape, or an infinity.
        """
        if rows.ndim != 2 or rows.shape[1] != len(self.inputs):
            message = f"expected rows of {len(self.inputs)} inputs, got an array of shape {rows.shape}"
            raise ValueError(message)
        return fraud_probabilities(self._pipeline, rows)


def fraud_probabilities(pipeline: Pipeline, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of class 1 that a fitted pipeline gives each row of float64[n, d]: float64[n].

    A forest must have `n_jobs` 1: with more, scikit-learn adds up the trees in the order in which their threads
    happen to finish, and the last bits of a sum depend on its order.
    """
    if len(rows) == 0:
        return np.empty(0)
    with np.errstate(over="ignore", invalid="ignore"):  # scikit-learn adds up all cells to see if they are finite
        probabilities: NDArray[np.float64] = pipeline.predict_proba(rows)
    return np.ascontiguousarray(probabilities[:, 1])
