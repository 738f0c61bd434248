"""How good verdicts are, measured against labels. numpy only, as every manifest holds such measures."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.measuring.card_precision import CardDays, card_precision_at
from model.measuring.ranking import average_precision, precision_among_first, roc_auc
from model.measuring.reliability import brier_score, expected_calibration_error

_FIRST: Final = (100, 500, 1000)
_CARDS: Final = 100


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows by what they are and what they are called."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Measures between 0 and 1; None where the rows define none.

    Attributes:
        accuracy: Share of right verdicts. Says little where fraud is rare.
        precision: Share of frauds among the alarms; None without an alarm.
        recall: Share of the frauds that raised an alarm; None without a fraud.
        f1: Harmonic mean of both.
        average_precision: Mean precision over the thresholds, weighted by recall gained; None with one class only.
        roc_auc: Chance that a fraud has the higher probability than a legitimate row; None with one class only.
        brier_score: Mean squared difference between probability and label.
        calibration_error: Mean distance between probability and share of frauds, over 15 bins of equal mass.
        precision_at: Share of frauds among the 100, 500, 1000 rows with the highest probabilities; None with fewer
            rows.
        card_precision_at_100: Share of compromised accounts among the 100 most suspicious ones of a day; None where
            accounts are not known, or where only a sample of the rows is.
        counts: Behind accuracy, precision, recall and F1.
    """

    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    roc_auc: float | None
    brier_score: float | None
    calibration_error: float | None
    precision_at: dict[str, float | None]
    card_precision_at_100: float | None
    counts: Counts

    def measures(self) -> dict[str, float | None]:
        """The measures by name, without the counts; those of the first rows and cards only where there are any."""
        among_first = {f"precision_at_{k}": value for k, value in self.precision_at.items()}
        among_first["card_precision_at_100"] = self.card_precision_at_100
        return {
            "accuracy": self.accuracy,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "average_precision": self.average_precision,
            "roc_auc": self.roc_auc,
            "brier_score": self.brier_score,
            "calibration_error": self.calibration_error,
            **{name: value for name, value in among_first.items() if value is not None},
        }


def measure(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    threshold: float,
    *,
    weights: NDArray[np.float64] | None = None,
    cards: CardDays | None = None,
) -> Metrics:
    """Compares verdicts with labels.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n].
        threshold: A row is called fraud where its probability is at least that.
        weights: float64[n], how many rows each stands for, above 0; None is one each.
        cards: Whose the rows are and of which day, where accounts are known. A sample does not tell how suspicious
            the accounts outside of it are, so that rows with other weights than 1 have no card precision.
    """
    stands_for = np.ones(len(labels)) if weights is None else weights
    fraud, alarm = labels == 1, probabilities >= threshold
    hits, false_alarms, missed, passed = (
        float(stands_for[rows].sum()) for rows in (fraud & alarm, ~fraud & alarm, fraud & ~alarm, ~fraud & ~alarm)
    )
    whole = cards is not None and bool((stands_for == 1).all())
    return Metrics(
        accuracy=_share(hits + passed, hits + false_alarms + missed + passed),
        precision=_share(hits, hits + false_alarms),
        recall=_share(hits, hits + missed),
        f1=_share(2 * hits, 2 * hits + false_alarms + missed),
        average_precision=average_precision(labels, probabilities, stands_for),
        roc_auc=roc_auc(labels, probabilities, stands_for),
        brier_score=brier_score(labels, probabilities, stands_for),
        calibration_error=expected_calibration_error(labels, probabilities, stands_for),
        precision_at={str(k): precision_among_first(labels, probabilities, stands_for, k) for k in _FIRST},
        card_precision_at_100=(
            card_precision_at(labels, probabilities, cards.accounts, cards.days, _CARDS) if cards and whole else None
        ),
        counts=Counts(
            true_positives=round(hits),
            false_positives=round(false_alarms),
            false_negatives=round(missed),
            true_negatives=round(passed),
        ),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
