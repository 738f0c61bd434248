"""What many delays come to: quantiles and a histogram (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WIDTH: Final = 50
_BAR: Final = "█"
# Edges grow by a fourth, so that a bar is as wide, in proportion, everywhere.
_STEP: Final = 1.25
_LEAST_MS: Final = 0.1


@dataclass(frozen=True)
class Delays:
    """Of a run.

    Attributes:
        count: Transactions.
        p50: Milliseconds, as are the others.
        p99: Of a hundred the slowest takes longer.
        p999: Of a thousand.
        longest: Of all.
        histogram: Upper edges, and how many are between it and the edge before; without empty bars at the ends.
    """

    count: int
    p50: float
    p99: float
    p999: float
    longest: float
    histogram: tuple[tuple[float, int], ...]


def delays_of(milliseconds: NDArray[np.float64]) -> Delays:
    """Summarises delays; a quantile is one that was seen, never one in between.

    Args:
        milliseconds: float64[n], n > 0, in any order.
    """
    quantiles = np.quantile(milliseconds, [0.5, 0.99, 0.999, 1.0], method="higher")
    p50, p99, p999, longest = (float(one) for one in quantiles)
    return Delays(len(milliseconds), p50, p99, p999, longest, _histogram(milliseconds))


def _histogram(milliseconds: NDArray[np.float64]) -> tuple[tuple[float, int], ...]:
    bars = np.ceil(np.log(np.maximum(milliseconds, _LEAST_MS) / _LEAST_MS) / np.log(_STEP)).astype(int)
    counts = np.bincount(bars)
    first = int(bars.min())
    return tuple((round(_LEAST_MS * _STEP**bar, 3), int(counts[bar])) for bar in range(first, len(counts)))


def drawn(histogram: Sequence[tuple[float, int]]) -> list[str]:
    """A line a bar: up to how many milliseconds, how many, and the bar; one that has any shows."""
    most = max(count for _, count in histogram)
    return [f"{edge:>9.1f} ms {count:>8}  {_BAR * -(-count * _WIDTH // most)}".rstrip() for edge, count in histogram]
