"""Rows in the order of time, cut into parts to learn from, to choose by and to judge by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.errors import Mendable

Rows = NDArray[np.int64]

TRAINING_SHARE: Final = 0.65
VALIDATION_SHARE: Final = 0.15  # the rest is the test part


class OneClassOnly(Mendable):
    """Rows without a fraud, or without a legitimate transaction, where both are needed."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Row numbers, int64[n] each, every row in one part; each part lies later than the one before.

    Attributes:
        training: What the models are fitted to.
        validation: What the threshold is chosen by.
        test: What they are judged by; nothing is chosen by it.
    """

    training: Rows
    validation: Rows
    test: Rows

    def named(self) -> Iterator[tuple[str, Rows]]:
        """The parts in the order of time, with their names."""
        yield from (("training", self.training), ("validation", self.validation), ("test", self.test))


def split_by_time(times: NDArray[np.int64]) -> Parts:
    """Cuts the rows where the shares say; rows of one moment stay together, in the later part.

    Args:
        times: int64[n], epoch milliseconds, in any order.
    """
    order = np.argsort(times, kind="stable").astype(np.int64)
    in_order = times[order]
    shares = (TRAINING_SHARE, TRAINING_SHARE + VALIDATION_SHARE)
    first, second = (_cut(in_order, round(share * len(order))) for share in shares)
    return Parts(order[:first], order[first:second], order[second:])


def require_both_classes(parts: Parts, labels: NDArray[np.int8]) -> None:
    """Refuses parts that nothing can be learnt from or judged by.

    Args:
        parts: Of the rows of `labels`.
        labels: int8[n], 0 or 1.

    Raises:
        OneClassOnly: All the labels are equal, or those of a part, which is named.
    """
    if len(np.unique(labels)) < 2:
        only = "frauds (1)" if labels.any() else "legitimate transactions (0)"
        raise OneClassOnly(
            f"the {len(labels)} labels are of one class only: {only}", remedy="give data with frauds and others"
        )
    for name, rows in parts.named():
        frauds = int(labels[rows].sum())
        if frauds in {0, len(rows)}:
            raise OneClassOnly(
                f"the {name} part (cut by time: {TRAINING_SHARE:.0%} training, {VALIDATION_SHARE:.0%} validation, "
                f"then test) has {frauds} frauds in {len(rows)} rows",
                remedy="give more data, or a longer time, so that each part has frauds and others",
            )


def _cut(in_order: NDArray[np.int64], at: int) -> int:
    return int(np.searchsorted(in_order, in_order[at], side="left")) if at < len(in_order) else len(in_order)
