"""The axes of a plot: from values to places, and where to write which tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model.report.figures import percent

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """One direction of a plot.

    Attributes:
        title: What it shows, with the unit.
        low: The value at its start.
        high: The value at its end.
        ticks: Values with their texts.
        logarithmic: Whether equal distances are equal factors.
    """

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """From 0 at the start to 1 at the end; what lies outside is put at the nearer of both."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        return min(max((self._scaled(value) - low) / (high - low), 0.0), 1.0)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.logarithmic else value


def share_axis(title: str) -> Axis:
    """From 0 to 100 %."""
    return Axis(title, 0, 1, tuple((one / 4, f"{25 * one}%") for one in range(5)))


def linear_axis(title: str, low: float, high: float, *, most: int = 5) -> Axis:
    """Around the values, with round ticks.

    Args:
        title: With the unit.
        low: The smallest value.
        high: The largest.
        most: Steps between ticks.
    """
    if high <= low:
        low, high = low - (abs(low) / 2 or 0.5), low + (abs(low) / 2 or 0.5)
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(one * power for one in _STEPS if one * power * most >= (high - low) * (1 - 1e-9))
    values = [one * step for one in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]
    decimals = next((places for places in range(9) if math.isclose(round(step, places), step)), 9)
    wide = max(abs(values[0]), abs(values[-1])) >= 10_000
    texts = [short_count(one) if wide else f"{one:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for one in values]
    return Axis(title, values[0], values[-1], tuple(zip(values, texts, strict=True)))


def log_axis(title: str, values: Sequence[float], *, text: Callable[[float], str], most: int = 6) -> Axis:
    """Around the values above nought, from one power of ten to another.

    Args:
        title: With the unit.
        values: What is to be seen; nought and less stand at the start.
        text: Of a tick.
        most: Ticks.
    """
    positive = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    first = math.floor(math.log10(min(positive)) + 1e-9)
    last = max(math.ceil(math.log10(max(positive)) - 1e-9), first + 1)
    every = math.ceil((last - first + 1) / most)
    # Counted from the end, so that 100 % or the most alerts have their tick.
    ticks = tuple((10.0**power, text(10.0**power)) for power in range(last, first - 1, -every))
    return Axis(title, 10.0**first, 10.0**last, ticks[::-1], logarithmic=True)


def short_count(value: float) -> str:
    """Of a tick: "10", "1k", "100k", "1M"."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def short_share(value: float) -> str:
    """Of a tick: "0.01%", "10%"."""
    return f"{100 * value:g}%" if value >= 1e-6 else percent(value)
