"""From which probability on a transaction is called a fraud: what people ask for, and the threshold that gives it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from model.errors import Mendable
from model.measuring.assessment import Outcome
from model.measuring.operating import OperatingPoints, operating_points

Kind = Literal["f1", "precision", "alerts", "cost"]

_FORMS: Final = (
    "give f1, precision:P (a share such as 0.9), alerts:N (a day, such as 50) or cost:C (of a false alarm, such as 5)"
)
# A share of fewer alarms says nothing.
_FEWEST_ALARMS: Final = 5
# Of the best F1: with a handful of frauds chance alone would reach down to useless thresholds.
_MOST_BELOW_BEST: Final = 0.25
_ROOM_ABOVE: Final = 1e-12


# More than anybody's alarms a day, or the price of one.
_MOST: Final = 1e12


class PolicyInvalid(Mendable):
    """A text that says no policy for a threshold."""


class AmountsMissing(Mendable):
    """A policy about money, and data without any."""


@dataclass(frozen=True)
class Policy:
    """What a threshold is to achieve.

    Attributes:
        text: As it was given.
        kind: "f1": the highest F1; "precision": a share of frauds among the alarms, with as many frauds found as
            that allows; "alerts": so many a day at most; "cost": the least sum of the amounts of missed frauds and
            the price of the false alarms.
        value: The share, the number a day, or the price of one false alarm; 0 for "f1".
    """

    text: str
    kind: Kind
    value: float

    @property
    def needs_amounts(self) -> bool:
        """Whether it is about money."""
        return self.kind == "cost"

    @property
    def price(self) -> float | None:
        """Of one false alarm, in the currency of the amounts, where the policy names it."""
        return self.value if self.needs_amounts else None


def parse_policy(text: str) -> Policy:
    """What "f1", "precision:0.9", "alerts:50" or "cost:5" ask for.

    Raises:
        PolicyInvalid: It is none of these forms, or its number is out of range.
    """
    named, _, number = text.partition(":")
    if text == "f1":
        return Policy(text, "f1", 0.0)
    for kind in get_args(Kind)[1:]:
        if kind == named:
            return Policy(text, kind, _number(text, number, most=1.0 if kind == "precision" else _MOST))
    raise PolicyInvalid(f"threshold policy {text!r} is unknown", remedy=_FORMS)


def choose(
    policy: Policy,
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    amounts: NDArray[np.float64] | None,
    days: float,
) -> tuple[float, bool]:
    """The threshold that does on these rows what the policy asks for.

    All thresholds between two neighbouring probabilities give these rows the same verdicts; the geometric mean of the
    two is taken, as later rows will fall on either side.

    The highest F1 of a hundred frauds is where chance had its peak. So "f1" takes all the neighbouring thresholds
    whose F1 is below the highest by no more than one standard error, and of this stretch the (geometric) middle; of
    several peaks of one height the one with the fewest alarms.

    Args:
        policy: What is asked for.
        labels: int8[n], both classes.
        probabilities: float64[n], in [0, 1].
        weights: float64[n], above 0.
        amounts: float64[n], money, NaN where missing; None where there is no such column.
        days: That the rows cover, above 0.

    Returns:
        The threshold, in [0, 1] (a row is fraud where its probability is at least that), and whether it gives what
        was asked for. Where none does, it is the nearest: the highest precision, or the fewest alarms.

    Raises:
        AmountsMissing: A policy about money, and no amounts.
    """
    if policy.needs_amounts and amounts is None:
        raise AmountsMissing(
            f"threshold policy {policy.text!r} needs amounts, and the profile names no amount column",
            remedy="name the column in the profile, or choose f1, precision:P or alerts:N",
        )
    if policy.needs_amounts and amounts is not None and np.isnan(amounts[labels == 1]).all():
        raise AmountsMissing(
            f"threshold policy {policy.text!r} needs amounts, and no fraud has one",
            remedy="fill in the amounts, or choose f1, precision:P or alerts:N",
        )
    points = operating_points(labels, probabilities, weights=weights, amounts=amounts)
    if policy.kind == "f1":
        return _of_best_f1(points), True
    if policy.kind == "precision":
        return _of_precision(points, policy.value)
    if policy.kind == "alerts":
        return _of_alarms(points, policy.value * days)
    return _of_least_cost(points, policy.value), True


def outcome(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    threshold: float,
    *,
    weights: NDArray[np.float64],
    amounts: NDArray[np.float64] | None,
    days: float,
    price: float | None,
) -> Outcome:
    """What a threshold means on these rows.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n].
        threshold: A row raises an alarm where its probability is at least that.
        weights: float64[n], above 0.
        amounts: float64[n], money, NaN where missing; None where there is no such column.
        days: That the rows cover, above 0.
        price: Of one false alarm, in the currency of the amounts; None is unknown.
    """
    points = operating_points(labels, probabilities, weights=weights, amounts=amounts)
    return points.outcome(points.at(threshold), days=days, price=price)


def _number(text: str, number: str, *, most: float) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not 0 < value <= most or math.isinf(value):
        limits = f"above 0 and at most {most:g}" if most < math.inf else "above 0"
        raise PolicyInvalid(f"threshold policy {text!r} has no number {limits} after the colon", remedy=_FORMS)
    return value


def _of_best_f1(points: OperatingPoints) -> float:
    f1 = points.f1
    peak = int(np.argmax(f1[1:])) + 1
    best = float(f1[peak])
    error = math.sqrt(best * (1 - best) / points.frauds) if points.frauds else 0.0
    good = (f1 >= best - min(error, _MOST_BELOW_BEST * best)) & (points.thresholds > 0)
    good[[0, peak]] = False, True
    bad = np.flatnonzero(~good)
    above, below = bad[bad < peak], bad[bad > peak]
    return _within(points, int(above[-1]) + 1, int(below[0]) - 1 if len(below) else len(f1) - 1)


def _of_precision(points: OperatingPoints, floor: float) -> tuple[float, bool]:
    precision, enough = points.precision, points.alarms >= min(_FEWEST_ALARMS, points.rows)
    kept = enough & (precision >= floor)
    if kept.any():
        best = int(np.argmax(np.where(kept, points.hits, -1)))
        return _within(points, best, best), True
    best = int(np.argmax(np.where(enough, precision, -1)))
    return _within(points, best, best), False


def _of_alarms(points: OperatingPoints, most: float) -> tuple[float, bool]:
    last = int(np.searchsorted(points.alarms, most, side="right")) - 1
    return _within(points, max(last, 1), max(last, 1)), last > 0


def _of_least_cost(points: OperatingPoints, price: float) -> float:
    cost = points.money_at_stake - points.money + price * (points.alarms - points.hits)
    if points.thresholds[1] > 1 - _ROOM_ABOVE:
        cost[0] = np.inf  # no threshold that raises no alarm at all lies above
    best = int(np.argmin(cost))
    return _within(points, best, best)


def _within(points: OperatingPoints, first: int, last: int) -> float:
    """The geometric middle of the thresholds that give the verdicts of points `first` to `last`."""
    highest = min(float(points.thresholds[first]), 1.0)
    lowest = float(points.thresholds[min(last + 1, len(points.thresholds) - 1)])
    middle = math.sqrt(highest) * math.sqrt(max(lowest, 0.0))
    # Nothing lies between neighbouring doubles, and half way to 0 is 0 by this mean.
    return middle if lowest < middle < highest else float(points.thresholds[last])
