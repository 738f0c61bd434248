"""Ways in which a record can be bad; each is named by the reason that its dead letter must give."""

from __future__ import annotations

import json
from typing import Any, Final

MALFORMED: Final[dict[str, bytes | None]] = {
    "not_json": b'{"transaction_id": "t", "event_time": 1,}',
    "not_an_object": b'["t", 1]',
    "invalid_utf8": b'{"transaction_id": "\xff\xfe", "event_time": 1}',
    "wrong_type": b'{"transaction_id": "t", "event_time": 1, "amount": "12.50"}',
    "missing_field": b'{"event_time": 1, "amount": 12.5}',
    "empty_id": b'{"transaction_id": "", "event_time": 1}',
    "non_finite": b'{"transaction_id": "t", "event_time": 1, "amount": NaN}',
    "invalid_event_time": b'{"transaction_id": "t", "event_time": "2026-01-31T12:00:00"}',
    "empty_value": b"",
    "tombstone": None,
}

# Of a record that is sent in order to be refused: with which reason.
REASON_HEADER: Final = "kind"

_ACCOUNTS: Final = 17
_EPOCH_MS: Final = 1_700_000_000_000


def transaction(number: int, **fields: Any) -> dict[str, Any]:
    """A good record, for `Stream.produce`: transaction t-<number> of one of a few accounts."""
    own = {"transaction_id": f"t-{number}", "event_time": _EPOCH_MS + number, "amount": number % 300}
    return {"key": _account(number), "value": json.dumps({**own, **fields}).encode()}


def poison(number: int, reason: str, value: bytes | None) -> dict[str, Any]:
    """A bad record, for `Stream.produce`, of one of the same accounts."""
    return {"key": _account(number), "value": value, "headers": [(REASON_HEADER, reason.encode())]}


def malformed(number: int) -> dict[str, Any]:
    """A bad record of a kind that goes by its number."""
    reason = list(MALFORMED)[number % len(MALFORMED)]
    return poison(number, reason, MALFORMED[reason])


def mixed(count: int, *, first: int = 0, every: int = 50) -> list[dict[str, Any]]:
    """Transactions t-<first> and following, in which a bad record of each kind in turn stands at every such place."""
    numbers = range(first, first + count)
    return [malformed(number // every) if number % every == 7 else transaction(number) for number in numbers]


def _account(number: int) -> bytes:
    return f"account-{number % _ACCOUNTS}".encode()
