"""Figures as people read them: three significant digits, thousands apart, a dash where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from model.measuring.assessment import Interval

DASH: Final = "\N{EN DASH}"
_MINUS: Final = "\N{MINUS SIGN}"
_RAISED: Final = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def count(value: float | None) -> str:
    """A whole number: "1,234,567"."""
    return DASH if value is None else _signed(f"{value:,.0f}")


def number(value: float | None) -> str:
    """Any number: "0.812", "12.3", "48,213", and a power of ten outside of what is read at a glance."""
    if value is None or not math.isfinite(value):
        return DASH
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e9:
        digits, exponent = f"{value:.2e}".split("e")
        return _signed(f"{digits}\N{MULTIPLICATION SIGN}10{str(int(exponent)).translate(_RAISED)}")
    return _signed(f"{value:,.{_decimals(value)}f}")


def alike(values: Sequence[float]) -> list[str]:
    """Numbers that are compared with each other, with the decimals that the largest of them asks for: "0.310", "0.004".

    Args:
        values: All finite.
    """
    places = _decimals(max(map(abs, values), default=0))
    return [_signed(f"{round(one, places) + 0.0:,.{places}f}") for one in values]


def money(amount: float | None, currency: str | None) -> str:
    """An amount: "48,213 EUR", or without its currency where none is known."""
    return number(amount) if amount is None or currency is None else f"{number(amount)} {currency}"


def percent(share: float | None) -> str:
    """A share: "81.2%"."""
    return DASH if share is None or not math.isfinite(share) else f"{number(100 * share)}%"


def interval(measure: Interval | None) -> str:
    """A measure with its interval, all with the same decimals: "0.812 (0.742-0.871)", with an en dash."""
    if measure is None:
        return DASH
    # Neither a difference near nought nor a wide interval asks for more digits than the larger of them has.
    places = _decimals(max(abs(measure.value), measure.high - measure.low))
    value, low, high = (_signed(f"{one:,.{places}f}") for one in (measure.value, measure.low, measure.high))
    between = " to " if measure.low < 0 else DASH
    return f"{value} ({low}{between}{high})"


def day(moment: datetime) -> str:
    """In UTC: "2018-07-25"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def minute(moment: datetime) -> str:
    """In UTC: "2018-07-25 14:05"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def span(first: datetime, last: datetime) -> str:
    """From one day to another; in minutes within a day."""
    written = minute if day(first) == day(last) else day
    return f"{written(first)} to {written(last)}"


def _decimals(value: float) -> int:
    """So many that three digits count."""
    exponent = int(f"{abs(value):.2e}".split("e")[1]) if value else 0
    return min(max(2 - exponent, 0), 8)


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)
