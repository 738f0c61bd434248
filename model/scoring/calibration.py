"""From a classifier's scores to probabilities: the part that a model in service needs. numpy only.

Both forms are strictly increasing, so that a calibration moves no row past another: the ranking, and with it average
precision and ROC AUC, stay what they were. Only scores that agree to about 16 digits can become one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["none", "sigmoid", "isotonic"]

# Forests give many rows a score of exactly 0 or 1, whose log-odds are infinite. Drawing all scores a little to the
# middle, unlike cutting off the ends, keeps their order; differences below a ten-thousandth hardly matter.
_MARGIN: Final = 1e-4
# Beyond that a double cannot tell a probability from 1.
_MOST_LOG_ODDS: Final = 36.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """A strictly increasing function from [0, 1] to [0, 1].

    Attributes:
        method: "none" changes nothing; "sigmoid" is linear in the log-odds; "isotonic" is linear between knots.
        knots: float64[k], scores in rising order from 0 to 1; empty unless "isotonic".
        values: float64[k], their probabilities, rising, in (0, 1); empty unless "isotonic".
        slope: Of the log-odds, above 0; 1 unless "sigmoid".
        intercept: Added to the log-odds; 0 unless "sigmoid".
    """

    method: Method
    knots: NDArray[np.float64]
    values: NDArray[np.float64]
    slope: float
    intercept: float

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities: each depends on its own score alone, bit for bit, whatever stands beside it.

        Args:
            scores: float64[n], in [0, 1].

        Returns:
            float64[n], in (0, 1), or the scores themselves where the method is "none".
        """
        if self.method == "sigmoid":
            return expit(self.slope * log_odds(scores) + self.intercept)
        if self.method == "isotonic":
            return self._between_knots(scores)
        return scores.astype(np.float64)

    def _between_knots(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        # np.interp works out its slopes in another way for few rows than for many; this does not.
        left = np.clip(np.searchsorted(self.knots, scores, side="right") - 1, 0, len(self.knots) - 2)
        start, end = self.values[left], self.values[left + 1]
        share = (scores - self.knots[left]) / (self.knots[left + 1] - self.knots[left])
        return np.clip(start + share * (end - start), start, end)


def log_odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The natural logarithm of score : (1 - score), finite for 0 and 1 as well: float64[n] of float64[n]."""
    # A strided array takes another path through numpy's loops, with other last digits.
    inner = np.ascontiguousarray(_MARGIN + (1 - 2 * _MARGIN) * scores)
    odds: NDArray[np.float64] = np.log(inner / (1 - inner))
    return odds


def expit(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of log-odds: float64[n], in (0, 1), of float64[n]."""
    held = np.ascontiguousarray(np.clip(odds, -_MOST_LOG_ODDS, _MOST_LOG_ODDS))
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-held))
    return probabilities


IDENTITY: Final = Calibration("none", np.empty(0), np.empty(0), 1.0, 0.0)
