"""Conditions: what an alert's field must be for a rule to match.

A condition is a list of alternatives, of which one must hold:

- a text or a number is what the field must be, and None that it must have nothing;
- `>=5`, `>5`, `<=5`, `<5` compare, and `100..500` is a range with both its ends, in fields that hold numbers;
- `!=x` is anything else, nothing included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from alerting.alert import FIELDS, Alert, Value
from alerting.routing.nearest import hint
from alerting.routing.values import (
    ALL_NUMBERS,
    ALL_TEXTS,
    MISSING,
    NOTHING,
    Values,
    between,
    number,
    texts,
)
from alerting.text import masked_account, one_line
from stream.errors import Mendable

_PROBABILITY: Final = between(0, 1)
_FOUND_OUT: Final = ALL_TEXTS | MISSING
# What a field can be at all: with numbers in it, it is compared as one.
DOMAINS: Final[Mapping[str, Values]] = dict.fromkeys(FIELDS, ALL_TEXTS) | {
    "account_id": _FOUND_OUT,
    "amount": ALL_NUMBERS | MISSING,
    "currency": _FOUND_OUT,
    "fraud_probability": _PROBABILITY,
    "threshold": _PROBABILITY,
    "source.partition": between(0, math.inf),
    "account.segment": _FOUND_OUT,
    "account.country": _FOUND_OUT,
    "account.locale": _FOUND_OUT,
}

_LONGEST_SHOWN: Final = 60
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_OPERATOR: Final = re.compile(r"(!=|>=|<=|>|<)\s*(.*)", re.DOTALL)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_COMPARED: Final[Mapping[str, Callable[[float], Values]]] = {
    ">=": lambda bound: between(bound, math.inf),
    ">": lambda bound: between(bound, math.inf, with_low=False),
    "<=": lambda bound: between(-math.inf, bound),
    "<": lambda bound: between(-math.inf, bound, with_high=False),
}


class ConditionUnclear(Mendable):
    """A condition that cannot be understood, or that says what nobody can mean."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a field must be. May hold an account's number: `shown` is for people.

    Attributes:
        alternatives: As they were written; None for nothing.
        accepted: The values that satisfy it.
    """

    alternatives: tuple[str | None, ...] = field(repr=False)
    accepted: Values = field(repr=False)

    def holds(self, value: Value) -> bool:
        """Whether a field's value satisfies it."""
        return value in self.accepted


Conditions: TypeAlias = Mapping[str, Condition]


def matches(conditions: Conditions, alert: Alert) -> bool:
    """Whether all conditions hold, each by its field's name."""
    return failing(conditions, alert) is None


def failing(conditions: Conditions, alert: Alert) -> str | None:
    """The first field whose condition does not hold."""
    return next((name for name, condition in conditions.items() if not condition.holds(alert.value(name))), None)


def condition(name: str, alternatives: Sequence[str | None]) -> Condition:
    """What was written about a field, understood.

    Args:
        name: The field's.
        alternatives: One of them must hold.

    Raises:
        ConditionUnclear: The field does not exist, an alternative makes no sense for it, or the list accepts
            nothing or everything. No account number is quoted.
    """
    _require_field(name)
    if not alternatives:
        raise ConditionUnclear("an empty list matches nothing", remedy="write a value, or leave the condition out")
    accepted = NOTHING
    for one in alternatives:
        accepted |= accepted_by(name, one)
    if len(alternatives) > 1 and _leaves_nothing_out(name, accepted):
        raise ConditionUnclear(
            "one of these always holds, and one is enough",
            remedy="for numbers write a range, such as 3..5; for texts let an earlier rule take what is not meant",
        )
    return Condition(tuple(alternatives), accepted)


def accepted_by(name: str, said: str | None) -> Values:
    """What one alternative accepts; something that the field can be, always.

    Args:
        name: The field's.
        said: As it was written; None for nothing.

    Raises:
        ConditionUnclear: As for `condition`.
    """
    _require_field(name)
    accepted = MISSING if said is None else _understood(name, said)
    if not accepted & DOMAINS[name]:
        raise ConditionUnclear(f"{shown_value(name, said)} matches nothing", remedy=_domain_in_words(name))
    return accepted


def shown(name: str, said: Condition) -> str:
    """A condition for people, account numbers masked."""
    listed = [shown_value(name, one) for one in said.alternatives]
    return listed[0] if len(listed) == 1 else f"one of {', '.join(listed)}"


def shown_value(name: str, value: Value) -> str:
    """A field's value for people, account numbers masked."""
    if value is None:
        return "nothing"
    if name != "account_id" or not isinstance(value, str):
        return one_line(str(value), _LONGEST_SHOWN)
    unlike = "!=" if value.startswith("!=") else ""
    return unlike + masked_account(value.removeprefix(unlike).strip())


def _require_field(name: str) -> None:
    if name not in FIELDS:
        raise ConditionUnclear(f"there is no field '{name}'", remedy=hint(name, FIELDS))


def _understood(name: str, said: str) -> Values:
    operator = _OPERATOR.fullmatch(said.strip())
    if operator is None:
        return _equal(name, said)
    sign, operand = operator.groups()
    if sign == "!=":
        return _equal(name, operand).complement()
    if not DOMAINS[name].numbers:
        raise ConditionUnclear(
            f"{name} holds texts, which {sign} does not compare", remedy="write a text, a list of them, or !=TEXT"
        )
    return _COMPARED[sign](_number(name, operand))


def _equal(name: str, said: str) -> Values:
    if not said.strip():
        raise ConditionUnclear("an empty text matches nothing", remedy="write null for alerts that have nothing there")
    if DOMAINS[name].numbers:
        low, dots, high = said.partition("..")
        if not dots:
            return number(_number(name, said))
        accepted = between(_number(name, low), _number(name, high))
        if not accepted:
            raise ConditionUnclear(f"{said} is a range with nothing in it", remedy="write the lower end first")
        return accepted
    if name == "account.country" and not _COUNTRY.fullmatch(said):
        raise ConditionUnclear("this is no code of a country", remedy="write two capital letters, such as DE")
    return texts([said])


def _number(name: str, said: str) -> float:
    value = float(said) if _NUMBER.fullmatch(said.strip()) else math.nan
    if not math.isfinite(value):
        raise ConditionUnclear(
            f"{name} holds numbers, and {said.strip()!r} is none", remedy="write a number, >=5, <5, !=5, or 100..500"
        )
    return value


def _domain_in_words(name: str) -> str:
    bounds = DOMAINS[name].numbers
    if not bounds:
        return f"{name} always has a value"
    return f"{name} goes from {bounds[0][0][0]:g} to {bounds[-1][1][0]:g}"


def _leaves_nothing_out(name: str, accepted: Values) -> bool:
    """Whether no value that the field can have is left out; alerts with nothing there do not count."""
    return not accepted.complement() & DOMAINS[name] & MISSING.complement()
