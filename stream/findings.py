"""What a model says of the rows of a batch, whatever it may raise for some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.scoring.scorer import Scorer
from stream.contracts import DeadLetterReason, Reason, Ruling
from stream.diagnosis import Rejection
from stream.errors import ScorerBroken

_MOST_REASONS: Final = 5


@dataclass(frozen=True, eq=False)
class Findings:
    """One answer for each row that the model could bear, and why there is none for the others.

    Attributes:
        probabilities: Of fraud, of the rows with an answer, in their order.
        rulings: What each of those is.
        reasons: Of each fraud among them, in their order.
        failures: Why the other rows have no answer, by their place among all rows.
    """

    probabilities: Sequence[float]
    rulings: Sequence[Ruling]
    reasons: Sequence[Sequence[Reason]]
    failures: Mapping[int, Rejection]


def findings_of(scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]) -> Findings:
    """Scores all rows in one call, and explains the frauds in another; where that fails, finds out for which rows.

    Args:
        scorer: The model.
        rows: float64[n, d], as `Scorer.score` takes them.
        times: int64[n], epoch milliseconds UTC.

    Raises:
        ScorerBroken: The model raises an error whatever it is given.
    """
    try:
        return _scored(scorer, rows, times)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever a model may raise, its other rows get their verdicts)
        if len(rows) > 1:
            half = len(rows) // 2
            first, second = (findings_of(scorer, rows[part], times[part]) for part in (slice(half), slice(half, None)))
            return Findings(
                [*first.probabilities, *second.probabilities],
                [*first.rulings, *second.rulings],
                [*first.reasons, *second.reasons],
                {**first.failures, **{half + row: failure for row, failure in second.failures.items()}},
            )
        _require_working(scorer)
        failure = Rejection(DeadLetterReason.SCORING_FAILED, f"the model raised {type(error).__name__}")
        return Findings([], [], [], {0: failure})


def _require_working(scorer: Scorer) -> None:
    """Tells a record that the model cannot bear from a model that bears none."""
    nothing_known = np.full((1, len(scorer.inputs)), np.nan)
    try:
        _scored(scorer, nothing_known, np.zeros(1, np.int64))
    except Exception as error:  # noqa: BLE001 (as above)
        raise ScorerBroken(
            f"model {scorer.name!r} version {scorer.version} raises {type(error).__name__} "
            "whatever it is given; nothing of the batch was kept"
        ) from None


def _scored(scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]) -> Findings:
    probabilities = scorer.score(rows, times)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        message = "a probability outside 0 to 1"
        raise ValueError(message)
    fraud = probabilities >= scorer.threshold
    rulings = [Ruling.FRAUD if is_fraud else Ruling.LEGITIMATE for is_fraud in fraud.tolist()]
    # Asked about no row, a model would still take the time of some tens of rows.
    explained = scorer.reasons(rows[fraud], times[fraud], most=_MOST_REASONS) if fraud.any() else []
    reasons = [tuple(Reason(*reason) for reason in one) for one in explained]
    return Findings(probabilities.tolist(), rulings, reasons, {})
