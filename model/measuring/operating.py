"""What each threshold means: alarms, frauds caught, money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Outcome


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """The different verdicts that thresholds can lead to, from no alarm to all of them.

    Attributes:
        thresholds: float64[t], falling: infinity, then each different probability.
        alarms: float64[t], weight of the rows that reach it, rising from 0.
        hits: float64[t], weight of the frauds among them.
        money: float64[t], amounts of these; NaN without amounts.
        frauds: Weight of all frauds.
        rows: Weight of all rows.
        money_at_stake: Amounts of all frauds; NaN without amounts.
    """

    thresholds: NDArray[np.float64]
    alarms: NDArray[np.float64]
    hits: NDArray[np.float64]
    money: NDArray[np.float64]
    frauds: float
    rows: float
    money_at_stake: float

    @property
    def precision(self) -> NDArray[np.float64]:
        """float64[t]; 0 without an alarm."""
        return np.divide(self.hits, self.alarms, out=np.zeros_like(self.hits), where=self.alarms > 0)

    @property
    def recall(self) -> NDArray[np.float64]:
        """float64[t]; 0 without a fraud."""
        return self.hits / self.frauds if self.frauds else np.zeros_like(self.hits)

    @property
    def f1(self) -> NDArray[np.float64]:
        """float64[t]; 0 where neither frauds nor alarms are."""
        whole = self.alarms + self.frauds
        return np.divide(2 * self.hits, whole, out=np.zeros_like(whole), where=whole > 0)

    def at(self, threshold: float) -> int:
        """The point that gives the same verdicts as a threshold."""
        return int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1

    def outcome(self, point: int, *, days: float, price: float | None) -> Outcome:
        """What one point means.

        Args:
            point: From 0.
            days: That the rows cover, above 0.
            price: Of one false alarm, in the currency of the amounts; None is unknown.
        """
        alarms, hits = float(self.alarms[point]), float(self.hits[point])
        caught = float(self.money[point])
        known = not np.isnan(caught)
        lost = self.money_at_stake - caught if known else None
        both = alarms + self.frauds
        return Outcome(
            alerts_a_day=alarms / days,
            precision=hits / alarms if alarms else None,
            recall=hits / self.frauds if self.frauds else None,
            f1=2 * hits / both if both else None,
            frauds_caught=round(hits),
            frauds=round(self.frauds),
            false_alarms=round(alarms - hits),
            money_caught=caught if known else None,
            money_lost=lost,
            cost=lost + price * (alarms - hits) if lost is not None and price is not None else None,
        )


def operating_points(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    amounts: NDArray[np.float64] | None,
) -> OperatingPoints:
    """All that thresholds can lead to on these rows.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n], finite.
        weights: float64[n], above 0.
        amounts: float64[n], money; a missing one (NaN) counts as nothing. None where there is no such column.
    """
    distinct, group = np.unique(-probabilities, return_inverse=True)
    held, frauds = (_summed(group, mass, len(distinct)) for mass in (weights, weights * labels))
    money = np.full(len(distinct) + 1, np.nan)
    if amounts is not None:
        money = _summed(group, weights * labels * np.nan_to_num(amounts), len(distinct))
    return OperatingPoints(
        thresholds=np.r_[np.inf, -distinct],
        alarms=held,
        hits=frauds,
        money=money,
        frauds=float(frauds[-1]),
        rows=float(held[-1]),
        money_at_stake=float(money[-1]),
    )


def _summed(group: NDArray[np.int64], mass: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """The mass up to each group, from 0 before the first."""
    summed: NDArray[np.float64] = np.r_[0.0, np.cumsum(np.bincount(group, mass, groups))]
    return summed
