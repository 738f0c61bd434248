"""Which records call for an alert."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from msgspec.structs import replace

from alerting.reading import MOST_BYTES, Unreadable, fraud_in, written_at
from stream.contracts import SCHEMA_VERSION_HEADER, VERDICT_HEADER, Reason, Ruling
from tests.alerting.verdicts import ACCOUNT, record, verdict

FRAUD = record(verdict())
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
LEGITIMATE = record(verdict(verdict=Ruling.LEGITIMATE))


def test_a_fraud_calls_for_an_alert() -> None:
    assert fraud_in(FRAUD) == verdict()


def test_a_legitimate_verdict_is_passed_over_by_its_header_alone() -> None:
    assert fraud_in(LEGITIMATE) is None
    assert fraud_in(replace(LEGITIMATE, value=b"never looked at")) is None


@pytest.mark.parametrize("headers", [(), ((VERDICT_HEADER, None),), ((VERDICT_HEADER, b"perhaps"),)])
def test_without_a_header_that_says_so_the_value_decides(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    assert fraud_in(replace(FRAUD, headers=headers)) == verdict()
    assert fraud_in(replace(LEGITIMATE, headers=headers)) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"transaction_id": "t", "account_id": "' + ACCOUNT.encode() + b'", "event_time": "yesterday"}',
    ],
)
def test_what_is_no_verdict_is_said_to_be_none_without_its_values(value: bytes | None) -> None:
    with pytest.raises(Unreadable) as refusal:
        fraud_in(replace(FRAUD, value=value))

    assert refusal.value.message
    assert ACCOUNT not in refusal.value.message
    assert "yesterday" not in refusal.value.message


def test_a_verdict_of_a_newer_version_is_said_to_be_one() -> None:
    newer = ((VERDICT_HEADER, b"fraud"), (SCHEMA_VERSION_HEADER, b"2"))
    with pytest.raises(Unreadable) as refusal:
        fraud_in(replace(FRAUD, headers=newer))

    assert "schema version '2'" in refusal.value.message
    assert "upgrade" in refusal.value.message


def test_a_verdict_that_would_not_fit_into_the_ledger_is_said_to_be_too_long() -> None:
    ruled = msgspec.json.encode(verdict(reasons=(Reason(feature="f" * MOST_BYTES, value=1.0, contribution=0.1),)))
    with pytest.raises(Unreadable, match=f"{MOST_BYTES} at most"):
        fraud_in(replace(FRAUD, value=ruled))
    longest = verdict(reasons=tuple(Reason(feature="f" * 100, value=1.0, contribution=0.1) for _ in range(1_000)))
    assert fraud_in(replace(FRAUD, value=msgspec.json.encode(longest))) == longest


@pytest.mark.parametrize(
    ("milliseconds", "at"),
    [
        (1_769_860_806_000, datetime(2026, 1, 31, 12, 0, 6, tzinfo=UTC)),
        (0, NEVER),
        (-1, NEVER),
        (1_769_860_806_000_000, NEVER),
        (2**63 - 1, NEVER),
    ],
)
def test_when_a_record_was_written_is_known_where_its_timestamp_is_one(milliseconds: int, at: datetime) -> None:
    assert written_at(replace(FRAUD, timestamp_ms=milliseconds), otherwise=NEVER) == at
