"""A batch in, fraud probabilities out: the one way to a score, for files and for the stream."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.scoring.explanation import Explanation
from model.scoring.serving import ServingModel


class Reason(NamedTuple):
    """Why a score is high.

    Attributes:
        feature: By name.
        value: As it came; None where it was missing.
        contribution: What it adds to the probability.
    """

    feature: str
    value: float | None
    contribution: float


class Scorer:
    """A model that is ready to score.

    Attributes:
        inputs: What the columns of a batch are, in order.
        features: What the model sees: the inputs, then the calendar features.
        threshold: A row is fraud where its probability is at least that.
        name: Of the model.
        version: Of the model; another one where anything that decides a verdict differs.
    """

    def __init__(self, serving: ServingModel, *, threshold: float, name: str, version: str) -> None:
        self.inputs = serving.inputs
        self.features = serving.features
        self.threshold = threshold
        self.name = name
        self.version = version
        self._serving = serving

    def score(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability of fraud of each row, bit for bit the same in whatever batch the row stands.

        Args:
            rows: float64[n, d], finite or NaN (missing), columns as in `inputs`; n may be 0.
            times: int64[n], epoch milliseconds UTC.

        Returns:
            float64[n], in [0, 1].

        Raises:
            ValueError: `rows` or `times` has another shape or dtype, or a row has an infinity.
        """
        self._require(rows, times)
        return self._serving.probabilities(rows, times)

    def explain(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> Explanation:
        """What each feature adds to the probability of each row.

        Args:
            rows: float64[n, d], as in `score`.
            times: int64[n], epoch milliseconds UTC.

        Raises:
            ValueError: As in `score`.
        """
        self._require(rows, times)
        return self._serving.explain(rows, times)

    def reasons(self, rows: NDArray[np.float64], times: NDArray[np.int64], *, most: int) -> list[tuple[Reason, ...]]:
        """Of each row the features that raised its probability most, the strongest first.

        Args:
            rows: float64[n, d], as in `score`.
            times: int64[n], epoch milliseconds UTC.
            most: Reasons of a row at most; there are fewer where fewer features raised it.

        Raises:
            ValueError: As in `score`.
        """
        explanation = self.explain(rows, times)
        strongest = np.argsort(-explanation.contributions, axis=1, kind="stable")[:, :most]
        return [
            tuple(
                Reason(self.features[at], None if np.isnan(values[at]) else float(values[at]), float(added[at]))
                for at in order.tolist()
                if added[at] > 0
            )
            for order, values, added in zip(strongest, explanation.values, explanation.contributions, strict=True)
        ]

    def _require(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> None:
        if rows.ndim != 2 or rows.shape[1] != len(self.inputs):
            message = f"expected rows of {len(self.inputs)} inputs, got an array of shape {rows.shape}"
            raise ValueError(message)
        if times.shape != (len(rows),) or times.dtype != np.int64:
            message = f"expected {len(rows)} times, got an array of {times.dtype} of shape {times.shape}"
            raise ValueError(message)
        if np.isinf(rows).any():
            message = "an input is an infinity"
            raise ValueError(message)
