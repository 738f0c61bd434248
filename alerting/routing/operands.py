"""What a condition compares with: numbers and moments, each as the interval that it is.

A day is an interval of moments, so that `<=2026-01-31` takes in the whole of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from alerting.routing.domains import MOMENT, WHOLE
from alerting.routing.nearest import presentable
from alerting.routing.values import HIGHEST, LOWEST, Interval, Values
from stream.errors import Mendable

NUMBER: Final = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_COMPARED: Final[Mapping[str, Callable[[Interval], Interval]]] = {
    ">=": lambda one: (one[0], HIGHEST),
    ">": lambda one: (one[1], HIGHEST),
    "<=": lambda one: (LOWEST, one[1]),
    "<": lambda one: (LOWEST, one[0]),
}
# Between whole numbers there is nothing: above 2 is from 3 on.
_COMPARED_WHOLE: Final[Mapping[str, Callable[[Interval], Interval]]] = {
    **_COMPARED,
    ">": lambda one: ((one[1][0] + 1, 0), HIGHEST),
    "<": lambda one: (LOWEST, (one[0][0] - 1, 1)),
}


class ConditionUnclear(Mendable):
    """A condition that cannot be understood, or that says what nobody can mean."""


def compared(name: str, sign: str, said: str) -> Values:
    """What is above or below what was said.

    Raises:
        ConditionUnclear: It is nothing that the field is compared with.
    """
    how = (_COMPARED_WHOLE if name in WHOLE else _COMPARED)[sign]
    return _values(how(_interval(name, said)))


def equal(name: str, said: str) -> Values:
    """One number or moment, or a range with both its ends.

    Raises:
        ConditionUnclear: It is none.
    """
    low, dots, high = said.partition("..")
    if not dots:
        return _values(_interval(name, said))
    accepted = _values((_interval(name, low)[0], _interval(name, high)[1]))
    if not accepted:
        problem = f"{presentable(said.strip())} is a range with nothing in it"
        raise ConditionUnclear(problem, remedy="write the lower end first")
    return accepted


def _values(interval: Interval) -> Values:
    return Values(numbers=(interval,)) if interval[0] < interval[1] else Values()


def _interval(name: str, said: str) -> Interval:
    said = said.strip()
    if name == MOMENT:
        return _moments(said)
    value = float(said) if re.fullmatch(NUMBER, said, re.ASCII) else math.nan
    if not math.isfinite(value) or (name in WHOLE and not value.is_integer()):
        kind = "whole numbers" if name in WHOLE else "numbers"
        raise ConditionUnclear(
            f"{name} holds {kind}, and '{presentable(said)}' is none",
            remedy="write a number, >=5, <5, !=5, or 100..500",
        )
    return (value, 0), (value, 1)


def _moments(said: str) -> Interval:
    try:
        moment = datetime.fromisoformat(said)
        if _DAY.fullmatch(said):
            first = moment.replace(tzinfo=UTC)
            return (first.timestamp(), 0), ((first + timedelta(days=1)).timestamp(), 0)
        value = moment.timestamp() if moment.tzinfo is not None else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if math.isnan(value):
        raise ConditionUnclear(
            f"{MOMENT} holds moments, and '{presentable(said)}' is none",
            remedy="write a day of UTC, such as 2026-01-31, or a time with its offset: >=2026-01-31T23:00:00Z",
        )
    return (value, 0), (value, 1)
