"""Conditions: what an alert's field must be for a rule to match.

A condition is a list of alternatives, of which one must hold:

- a text, a number or a moment is what the field must be, and None that it must have nothing;
- `>=5`, `>5`, `<=5`, `<5` compare, and `100..500` is a range with both its ends, in fields of numbers or moments;
- `!=x` is anything else, nothing included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from alerting.alert import FIELDS, Alert, Value
from alerting.routing.domains import DOMAINS, MOMENT, comparable, flaw_of_text
from alerting.routing.nearest import hint, presentable, quoted
from alerting.routing.operands import ConditionUnclear, compared, equal
from alerting.routing.values import MISSING, NOTHING, Values, texts
from alerting.text import masked_account

__all__ = [
    "Condition",
    "ConditionUnclear",
    "Conditions",
    "accepted_by",
    "condition",
    "failing",
    "matches",
    "satisfied",
    "shown",
]

_OPERATOR: Final = re.compile(r"(!=|>=|<=|>|<)\s*(.*)", re.DOTALL)
# What other languages write, and here would be compared letter by letter.
_FOREIGN: Final = ("=", "~", "!")
_NOTHING: Final = frozenset({"null", "Null", "NULL"})
_MOST_DIGITS: Final = 12


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
        """Whether a field's value, made comparable, satisfies it."""
        return value in self.accepted


Conditions: TypeAlias = Mapping[str, Condition]


def matches(conditions: Conditions, alert: Alert) -> bool:
    """Whether all conditions hold, each by its field's name."""
    return failing(conditions, alert) is None


def failing(conditions: Conditions, alert: Alert) -> str | None:
    """The first field whose condition does not hold."""
    for name, said in conditions.items():
        if not said.holds(comparable(name, alert.value(name))):
            return name
    return None


def satisfied(conditions: Conditions, alert: Alert) -> str:
    """What an alert has in the fields of conditions that it satisfies, and what they are, for people."""
    parts = []
    for name, said in conditions.items():
        value, wanted = shown_value(name, alert.value(name)), shown(name, said)
        parts.append(f"{name} is {value}" + (f" ({wanted})" if wanted != value else ""))
    return ", ".join(parts)


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
    if accepted & DOMAINS[name]:
        return accepted
    if said is None:
        raise ConditionUnclear(f"{name} always has a value", remedy="leave null out")
    raise ConditionUnclear(f"{shown_value(name, said)} matches nothing", remedy=_domain_in_words(name))


def shown(name: str, said: Condition) -> str:
    """A condition for people, account numbers masked."""
    listed = [shown_value(name, one) for one in said.alternatives]
    return listed[0] if len(listed) == 1 else f"one of {', '.join(listed)}"


def shown_value(name: str, value: Value) -> str:
    """A field's value for people, account numbers and what looks like an address masked."""
    if value is None:
        return "nothing"
    if not isinstance(value, str):
        return str(value)
    if name == "account_id":
        unlike = "!=" if value.startswith("!=") else ""
        return unlike + masked_account(value.removeprefix(unlike).strip())
    is_figure = name == MOMENT or (
        bool(DOMAINS[name].numbers) and sum(character.isdigit() for character in value) <= _MOST_DIGITS
    )
    return value if is_figure and value.isprintable() and len(value) <= 60 else presentable(value)


def _require_field(name: str) -> None:
    if name not in FIELDS:
        raise ConditionUnclear(f"there is no field {quoted(name)}", remedy=hint(name, FIELDS))


def _understood(name: str, said: str) -> Values:
    operator = _OPERATOR.fullmatch(said.strip())
    if operator is None:
        return _equal(name, said)
    sign, operand = operator.groups()
    if sign == "!=":
        if operand in _NOTHING:
            raise ConditionUnclear(
                "!=null would match nothing-there too", remedy="let an earlier rule with null take those alerts"
            )
        return _equal(name, operand).complement()
    if not DOMAINS[name].numbers:
        raise ConditionUnclear(
            f"{name} holds texts, which {sign} does not compare", remedy="write a text, a list of them, or !=TEXT"
        )
    return compared(name, sign, operand)


def _equal(name: str, said: str) -> Values:
    if not said.strip():
        raise ConditionUnclear("an empty text matches nothing", remedy="write null for alerts that have nothing there")
    if said.strip().startswith(_FOREIGN):
        raise ConditionUnclear(
            f"{said.strip()[0]} is no operator here", remedy="write the value alone, a list of values, or !=VALUE"
        )
    if DOMAINS[name].numbers:
        return equal(name, said)
    flaw = flaw_of_text(name, said)
    if flaw is not None:
        raise ConditionUnclear(flaw[0], remedy=flaw[1])
    return texts([said])


def _domain_in_words(name: str) -> str:
    bounds = DOMAINS[name].numbers
    if not bounds:
        return f"{name} always has a value"
    return f"{name} goes from {bounds[0][0][0]:g} to {bounds[-1][1][0]:g}"


def _leaves_nothing_out(name: str, accepted: Values) -> bool:
    """Whether no value that the field can have is left out; alerts with nothing there do not count."""
    return not accepted.complement() & DOMAINS[name] & MISSING.complement()
