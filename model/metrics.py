"""How good verdicts are, measured against labels."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows by what they are and what they are called."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Measures between 0 and 1; None where the rows define none.

    Attributes:
        accuracy: Share of right verdicts. Says little where fraud is rare.
        precision: Share of frauds among the alarms; None without an alarm.
        recall: Share of the frauds that raised an alarm; None without a fraud.
        f1: Harmonic mean of both.
        average_precision: Mean precision over the thresholds, weighted by recall gained; None with one class only.
        roc_auc: Chance that a fraud has the higher probability than a legitimate row; None with one class only.
        counts: Behind accuracy, precision, recall and F1.
    """

    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    roc_auc: float | None
    counts: Counts

    def measures(self) -> dict[str, float | None]:
        """The measures by name, without the counts."""
        named: dict[str, Any] = msgspec.structs.asdict(self)
        del named["counts"]
        return named


def measure(labels: NDArray[np.int8], probabilities: NDArray[np.float64], threshold: float) -> Metrics:
    """Compares verdicts with labels.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n].
        threshold: A row is called fraud where its probability is at least that.
    """
    fraud, alarm = labels == 1, probabilities >= threshold
    counts = Counts(
        true_positives=int((fraud & alarm).sum()),
        false_positives=int((~fraud & alarm).sum()),
        false_negatives=int((fraud & ~alarm).sum()),
        true_negatives=int((~fraud & ~alarm).sum()),
    )
    hits = counts.true_positives
    both_classes = bool(fraud.any() and not fraud.all())
    return Metrics(
        accuracy=_share(hits + counts.true_negatives, len(labels)),
        precision=_share(hits, hits + counts.false_positives),
        recall=_share(hits, hits + counts.false_negatives),
        f1=_share(2 * hits, 2 * hits + counts.false_positives + counts.false_negatives),
        average_precision=float(average_precision_score(labels, probabilities)) if both_classes else None,
        roc_auc=float(roc_auc_score(labels, probabilities)) if both_classes else None,
        counts=counts,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
