"""Sets of values that a field can have: what a condition accepts, exactly, so that rules can be compared.

A set has a part in numbers, one in texts, and may hold None, which is what a field has where there is nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

# A place between numbers: directly before one (0) or directly after it (1). Places have the order of tuples.
Cut: TypeAlias = tuple[float, int]
Interval: TypeAlias = tuple[Cut, Cut]

LOWEST: Final[Cut] = (-math.inf, 0)
HIGHEST: Final[Cut] = (math.inf, 1)


@dataclass(frozen=True, slots=True)
class Values:
    """A set of values; equal where it holds the same ones.

    Attributes:
        numbers: Intervals that neither overlap nor touch, in order.
        texts: Those in it; or, where `but` is set, all those that are not in it.
        but: Whether `texts` are left out of all texts.
        missing: Whether None is in it.
    """

    numbers: tuple[Interval, ...] = ()
    texts: frozenset[str] = frozenset()
    but: bool = False
    missing: bool = False

    def __contains__(self, value: object) -> bool:
        if value is None:
            return self.missing
        if isinstance(value, str):
            return (value in self.texts) is not self.but
        return isinstance(value, int | float) and any(
            low <= (value, 0) and (value, 1) <= high for low, high in self.numbers
        )

    def __bool__(self) -> bool:
        return bool(self.numbers or self.texts or self.but or self.missing)

    def __or__(self, other: Values) -> Values:
        return Values.complement(Values.complement(self) & Values.complement(other))

    def __and__(self, other: Values) -> Values:
        overlaps = (
            (max(one[0], another[0]), min(one[1], another[1])) for one in self.numbers for another in other.numbers
        )
        return Values(
            numbers=tuple(overlap for overlap in overlaps if overlap[0] < overlap[1]),
            texts=self._shared_texts(other),
            but=self.but and other.but,
            missing=self.missing and other.missing,
        )

    def complement(self) -> Values:
        """Everything that is not in it."""
        cuts = [LOWEST, *(cut for interval in self.numbers for cut in interval), HIGHEST]
        gaps = zip(cuts[::2], cuts[1::2], strict=True)
        return Values(tuple(gap for gap in gaps if gap[0] < gap[1]), self.texts, not self.but, not self.missing)

    def _shared_texts(self, other: Values) -> frozenset[str]:
        if self.but and other.but:
            return self.texts | other.texts
        if self.but:
            return other.texts - self.texts
        return self.texts - other.texts if other.but else self.texts & other.texts


NOTHING: Final = Values()
EVERYTHING: Final = NOTHING.complement()
MISSING: Final = Values(missing=True)
ALL_NUMBERS: Final = Values(numbers=((LOWEST, HIGHEST),))
ALL_TEXTS: Final = Values(but=True)


def between(low: float, high: float, *, with_low: bool = True, with_high: bool = True) -> Values:
    """Numbers from one to another; empty where there are none."""
    bounds: Interval = ((low, 0 if with_low else 1), (high, 1 if with_high else 0))
    return Values(numbers=(bounds,)) if bounds[0] < bounds[1] else NOTHING


def number(value: float) -> Values:
    """The set of one number."""
    return between(value, value)


def texts(some: Iterable[str]) -> Values:
    """The set of some texts."""
    return Values(texts=frozenset(some))
