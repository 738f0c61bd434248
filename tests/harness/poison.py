"""Ten ways in which a record can be bad; each is named by the reason that its dead letter must give."""

from __future__ import annotations

from typing import Final

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
