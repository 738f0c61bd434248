"""What each field of an alert can be at all: a number, a moment, or a text of some form."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from alerting.alert import FIELDS, Value
from alerting.routing.values import ALL_NUMBERS, ALL_TEXTS, MISSING, Values, between
from stream.contracts import MAX_CURRENCY_LENGTH, MAX_ID_LENGTH

MOMENT: Final = "event_time"
# Of these a rule compares whole numbers only.
WHOLE: Final = frozenset({"source.partition"})
LONGEST_SEGMENT: Final = 100
LOCALE: Final = r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}"

_PROBABILITY: Final = between(0, 1)
_FOUND_OUT: Final = ALL_TEXTS | MISSING
_YEARS: Final = between(
    datetime(1, 1, 2, tzinfo=UTC).timestamp(), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC).timestamp()
)
# With numbers in it, a field is compared as one.
DOMAINS: Final[Mapping[str, Values]] = dict.fromkeys(FIELDS, ALL_TEXTS) | {
    "account_id": _FOUND_OUT,
    MOMENT: _YEARS,
    "amount": ALL_NUMBERS | MISSING,
    "currency": _FOUND_OUT,
    "fraud_probability": _PROBABILITY,
    "threshold": _PROBABILITY,
    "source.partition": between(0, math.inf),
    "account.segment": _FOUND_OUT,
    "account.country": _FOUND_OUT,
    "account.locale": _FOUND_OUT,
}

_LONGEST: Final = {
    "transaction_id": MAX_ID_LENGTH,
    "account_id": MAX_ID_LENGTH,
    "currency": MAX_CURRENCY_LENGTH,
    "account.segment": LONGEST_SEGMENT,
    "source.topic": 249,  # Kafka's own limit
}
_FORMS: Final = {
    "account.country": (r"[A-Z]{2}", "this is no code of a country", "write two capital letters, such as DE"),
    "account.locale": (LOCALE, "this is no language", "write one such as de or de-AT"),
    "source.topic": (r"[A-Za-z0-9._-]+", "this is no topic's name", "write letters, digits, full stops, _ and -"),
}


def comparable(name: str, value: Value) -> Value:
    """An alert's value as conditions on the field see it: moments are seconds since 1970."""
    return datetime.fromisoformat(value).timestamp() if name == MOMENT and isinstance(value, str) else value


def flaw_of_text(name: str, text: str) -> tuple[str, str] | None:
    """Why a field can never be a text, and what to do about it; None where it can."""
    longest = _LONGEST.get(name, math.inf)
    if len(text) > longest:
        return f"{name} never has more than {longest} characters", "write a value that it can have"
    if not text.isprintable():
        return "a line break or control character stands in it", "write the value in one line"
    pattern, problem, remedy = _FORMS.get(name, (".*", "", ""))
    return None if re.fullmatch(pattern, text, re.ASCII | re.DOTALL) else (problem, remedy)
