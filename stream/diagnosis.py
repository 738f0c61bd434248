"""Why a record could not be decoded, in words that its producer can act on (pure; the slow path).

Messages name fields and JSON types, never values: a value may be a card number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from stream.contracts import (
    LATEST_EPOCH_MS,
    MAX_CURRENCY_LENGTH,
    MAX_EMAIL_LENGTH,
    MAX_ID_LENGTH,
    MAX_LOCALE_LENGTH,
    MAX_PHONE_LENGTH,
    DeadLetterReason,
    Instant,
)

# A transaction is flat; unknown fields may hold a little structure, which is skipped. Far below the depth at
# which any decoder's recursion ends.
MAX_NESTING: Final = 32


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a record is a dead letter."""

    reason: DeadLetterReason
    message: str


class _NotFinite(ValueError):
    pass


def nesting(value: bytes) -> int:
    """The greatest depth of brackets outside strings, in JSON that need not be valid."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in value:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:  # backslash
                escaped = True
            elif byte == 0x22:  # quote
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def diagnose(value: bytes, inputs: Sequence[str], refusal: Exception | None) -> Rejection:
    """Names the first thing that is wrong with a value that the fast path refused.

    Args:
        value: Nested no deeper than `MAX_NESTING`.
        inputs: The model's inputs.
        refusal: What the fast path raised, where it did: the last resort for a message.
    """
    if not value.strip():
        return Rejection(DeadLetterReason.EMPTY_VALUE, "the value is empty")
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Rejection(DeadLetterReason.INVALID_UTF8, f"byte {error.start} is not UTF-8; send JSON in UTF-8")
    try:
        record = json.loads(value, parse_constant=_refuse_constant, parse_int=_integer)
    except _NotFinite as error:
        return Rejection(DeadLetterReason.NON_FINITE, f"{error} is no JSON number; send a finite number or null")
    except ValueError as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        return Rejection(DeadLetterReason.NOT_JSON, f"not valid JSON{place}; send one JSON object")
    if not isinstance(record, dict):
        found = _json_type(record)
        return Rejection(DeadLetterReason.NOT_AN_OBJECT, f"the value is {found}; send one JSON object")
    return (
        _wrong_id(record)
        or _wrong_event_time(record)
        or _wrong_text(record, "account_id", MAX_ID_LENGTH)
        or _wrong_text(record, "currency", MAX_CURRENCY_LENGTH)
        or _wrong_text(record, "holder_phone", MAX_PHONE_LENGTH)
        or _wrong_text(record, "holder_email", MAX_EMAIL_LENGTH)
        or _wrong_text(record, "holder_locale", MAX_LOCALE_LENGTH)
        or _wrong_number(record, ("amount", *inputs))
        # Escapes such as a lone surrogate, which the json module lets pass.
        or Rejection(DeadLetterReason.NOT_JSON, _without_values(refusal))
    )


def _refuse_constant(name: str) -> float:
    raise _NotFinite(name)


def _integer(digits: str) -> int | float:
    """As `int`, but for numerals so long that Python refuses them: infinite, as they are for a float."""
    return int(digits) if len(digits) < 400 else float(digits)  # the largest double has 309 digits


def _wrong_id(record: Mapping[str, Any]) -> Rejection | None:
    found = record.get("transaction_id")
    if found is None:
        return Rejection(DeadLetterReason.MISSING_FIELD, "transaction_id is missing")
    if found == "":
        return Rejection(DeadLetterReason.EMPTY_ID, "transaction_id is empty")
    return _wrong_text(record, "transaction_id", MAX_ID_LENGTH)


def _wrong_event_time(record: Mapping[str, Any]) -> Rejection | None:
    found = record.get("event_time")
    if found is None:
        return Rejection(DeadLetterReason.MISSING_FIELD, "event_time is missing")
    if isinstance(found, bool) or not isinstance(found, int | str):
        message = f"event_time is {_json_type(found)}; send RFC 3339 text or integer milliseconds"
        return Rejection(DeadLetterReason.WRONG_TYPE, message)
    if isinstance(found, int):
        if 0 <= found <= LATEST_EPOCH_MS:
            return None
        message = "event_time is not between the years 1970 and 9999; send milliseconds since 1970-01-01 UTC"
        return Rejection(DeadLetterReason.INVALID_EVENT_TIME, message)
    try:
        msgspec.convert(found, Instant)
    except msgspec.ValidationError:
        message = "event_time is not RFC 3339 with an offset; send, for example, 2026-01-31T12:00:00Z"
        return Rejection(DeadLetterReason.INVALID_EVENT_TIME, message)
    return None


def _wrong_text(record: Mapping[str, Any], field: str, longest: int) -> Rejection | None:
    found = record.get(field)
    if found is None:
        return None
    if not isinstance(found, str):
        return Rejection(DeadLetterReason.WRONG_TYPE, f"{field} is {_json_type(found)}; send a string")
    if len(found) > longest:
        message = f"{field} has {len(found)} characters; send {longest} at most"
        return Rejection(DeadLetterReason.TOO_LONG, message)
    return None


def _wrong_number(record: Mapping[str, Any], fields: Sequence[str]) -> Rejection | None:
    for field in fields:
        found = record.get(field)
        if found is None:
            continue
        if isinstance(found, bool) or not isinstance(found, int | float):
            message = f"{field} is {_json_type(found)}; send a JSON number or null"
            return Rejection(DeadLetterReason.WRONG_TYPE, message)
        if not _fits_a_double(found):
            message = f"{field} is beyond the range of a double; send a finite number or null"
            return Rejection(DeadLetterReason.NON_FINITE, message)
    return None


def _fits_a_double(number: float) -> bool:
    try:
        return abs(float(number)) != float("inf")
    except OverflowError:
        return False


def _json_type(found: object) -> str:
    names = {bool: "a boolean", str: "a string", list: "an array", dict: "an object", type(None): "null"}
    return names.get(type(found), "a number")


def _without_values(refusal: Exception | None) -> str:
    """msgspec's messages hold types, fields and byte positions, but no values."""
    detail = str(refusal) if isinstance(refusal, msgspec.DecodeError) else "the decoder refuses the value"
    return f"{detail}; send one JSON object"
