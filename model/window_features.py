"""What is known of the account and of the terminal at the moment of a transaction.

A bank's feature service attaches such figures to each transaction before it is scored. Nothing here looks at a
later transaction, nor at a label before it is known: chargebacks and complaints take `LABEL_DELAY` to arrive.
The windows are those of the Fraud Detection Handbook, chapter 3 (Le Borgne, Siblini, Lebichot, Bontempi:
"Reproducible Machine Learning for Credit Card Fraud Detection - Practical Handbook", ULB, 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Integers = NDArray[np.int64]

WINDOWS: Final = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
LABEL_DELAY: Final = timedelta(days=7)
NIGHT_ENDS: Final = 6  # o'clock UTC
_SATURDAY: Final = 5


def window_features(transactions: pd.DataFrame) -> pd.DataFrame:
    """The features of each transaction, known at its moment.

    With w one of 1, 7 and 30 days and t the transaction's time:

    - `account_count_{w}d`, `account_mean_amount_{w}d`: transactions of the account in (t - w, t] and their mean
      amount, **the present transaction included**; so the count is 1 at least and the mean always exists.
    - `terminal_count_{w}d`: transactions at the terminal in (t - w, t], the present one included.
    - `terminal_risk_{w}d`: share of frauds among the transactions at the terminal in [t - 7 d - w, t - 7 d),
      whose labels are known at t; 0 where there were none. The present label is never in it.
    - `hour` (0 to 23), `is_night` (before 6 o'clock) and `is_weekend` (Saturday and Sunday), in UTC.

    Of transactions at the same moment, the rows further down count as later.

    Args:
        transactions: In order of time, with the columns `event_time` (with a zone, to the millisecond),
            `account_id`, `terminal_id`, `amount` (to the cent) and `is_fraud` (0 or 1).

    Returns:
        One row for each transaction, under the same index: counts and flags int64, means and risks float64.
    """
    moments = transactions["event_time"].dt
    at_ms = moments.as_unit("ms").astype("int64").to_numpy()
    # Whole cents and whole frauds add up exactly, so that no figure depends on what else is in the table.
    cents = np.rint(transactions["amount"].to_numpy(dtype=np.float64) * 100).astype(np.int64)
    frauds = transactions["is_fraud"].to_numpy(dtype=np.int64)
    accounts = _Timelines.of(transactions["account_id"], at_ms)
    terminals = _Timelines.of(transactions["terminal_id"], at_ms)

    features: dict[str, NDArray[np.int64] | NDArray[np.float64]] = {
        "hour": moments.hour.to_numpy(dtype=np.int64),
        "is_night": (moments.hour < NIGHT_ENDS).to_numpy(dtype=np.int64),
        "is_weekend": (moments.day_of_week >= _SATURDAY).to_numpy(dtype=np.int64),
    }
    for window in WINDOWS:
        recent = accounts.until_now(window)
        features[f"account_count_{window.days}d"] = recent.count()
        features[f"account_mean_amount_{window.days}d"] = recent.total(cents) / recent.count() / 100
    for window in WINDOWS:
        features[f"terminal_count_{window.days}d"] = terminals.until_now(window).count()
    for window in WINDOWS:
        labelled = terminals.until_ago(LABEL_DELAY, window)
        features[f"terminal_risk_{window.days}d"] = labelled.total(frauds) / np.maximum(labelled.count(), 1)
    return pd.DataFrame(features, index=transactions.index)


@dataclass(frozen=True)
class _Timelines:
    """The transactions of each owner (an account, a terminal) in order of time, owner after owner.

    Attributes:
        rows: int64[n]; the table's row at each place.
        position: int64[n]; milliseconds on one long line, rising from place to place, where the owners lie further
            apart than any window reaches: one binary search serves them all.
    """

    rows: Integers
    position: Integers

    @staticmethod
    def of(owner: pd.Series[str], at_ms: Integers) -> _Timelines:
        codes = pd.factorize(owner)[0].astype(np.int64)
        rows = np.argsort(codes, kind="stable").astype(np.int64)
        apart = (at_ms[-1] - at_ms[0] if len(at_ms) else 0) + _ms(LABEL_DELAY + max(WINDOWS)) + 1
        return _Timelines(rows, codes[rows] * apart + at_ms[rows] - (at_ms[0] if len(at_ms) else 0))

    def until_now(self, window: timedelta) -> _Stretches:
        """(t - window, t], up to the row itself."""
        first = np.searchsorted(self.position, self.position - _ms(window), side="right")
        return _Stretches(self.rows, first, np.arange(1, len(self.rows) + 1))

    def until_ago(self, delay: timedelta, window: timedelta) -> _Stretches:
        """[t - delay - window, t - delay)."""
        end = self.position - _ms(delay)
        first = np.searchsorted(self.position, end - _ms(window), side="left")
        return _Stretches(self.rows, first, np.searchsorted(self.position, end, side="left"))


@dataclass(frozen=True)
class _Stretches:
    """For each place of the timelines a stretch of them: the places from `first` up to `past`, without it."""

    rows: Integers
    first: Integers
    past: Integers

    def count(self) -> Integers:
        """How many transactions, for each row of the table."""
        return self._by_row(self.past - self.first)

    def total(self, values: Integers) -> Integers:
        """The sum of the table's `values` over the transactions, for each row of the table."""
        running = np.concatenate(([0], np.cumsum(values[self.rows])))
        return self._by_row(running[self.past] - running[self.first])

    def _by_row(self, by_place: Integers) -> Integers:
        by_row = np.empty_like(by_place)
        by_row[self.rows] = by_place
        return by_row


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
