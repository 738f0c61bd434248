"""From which probability on a transaction is called a fraud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve


def threshold_of_best_f1(labels: NDArray[np.int8], probabilities: NDArray[np.float64]) -> float:
    """The threshold with the highest F1; of several, the highest: the one with the fewest alarms.

    Args:
        labels: int8[n], both classes.
        probabilities: float64[n], in [0, 1].

    Returns:
        One of `probabilities`; a row is fraud where its probability is at least that.
    """
    precision, recall, thresholds = precision_recall_curve(labels, probabilities)
    # The curve's last point has no threshold.
    both = precision[:-1] + recall[:-1]
    f1 = np.divide(2 * precision[:-1] * recall[:-1], both, out=np.zeros_like(both), where=both > 0)
    return float(thresholds[np.flatnonzero(f1 == f1.max())[-1]])
