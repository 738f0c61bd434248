"""Of the accounts that investigators could look into on a day, how many were compromised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CardDays:
    """Whose each row is, and of which day.

    Attributes:
        accounts: int64[n], a code for each account; -1 where a row has none.
        days: int64[n], epoch milliseconds divided by 86 400 000, rounded down.
    """

    accounts: NDArray[np.int64]
    days: NDArray[np.int64]


def card_precision_at(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    accounts: NDArray[np.int64],
    days: NDArray[np.int64],
    k: int = 100,
) -> float | None:
    """Card precision top-k: the mean over the days of (compromised accounts among the k most suspicious) / k.

    As the Fraud Detection Handbook (Le Borgne et al. 2022, chapter 4.5) defines it: an account is as suspicious as
    its most suspicious row of the day, and compromised where one of its rows of the day is a fraud. Once found, it is
    no longer among the accounts of later days. The divisor is k also on days with fewer accounts. Of accounts with
    equal probabilities, those with lower codes come first.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n].
        accounts: int64[n], codes; rows with -1 do not count.
        days: int64[n].
        k: 1 at least.

    Returns:
        None where no row has an account.
    """
    known = accounts >= 0
    if not known.any():
        return None
    # One entry for each account and day, in the order of both.
    order = np.lexsort((accounts[known], days[known]))
    account, day = accounts[known][order], days[known][order]
    starts = np.flatnonzero(np.r_[True, (account[1:] != account[:-1]) | (day[1:] != day[:-1])])
    suspicion = np.maximum.reduceat(probabilities[known][order], starts)
    compromised = np.maximum.reduceat(labels[known][order], starts) == 1
    account, day = account[starts], day[starts]

    found: set[int] = set()
    precisions: list[float] = []
    for today in np.split(np.arange(len(day)), np.flatnonzero(np.diff(day)) + 1):
        left = today[~np.isin(account[today], list(found))]
        first = left[np.argsort(-suspicion[left], kind="stable")[:k]]
        caught = account[first[compromised[first]]]
        precisions.append(len(caught) / k)
        found.update(caught.tolist())
    return float(np.mean(precisions))
