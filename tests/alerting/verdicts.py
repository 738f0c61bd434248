"""Verdicts for the tests of alerts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from alerting.alert import Alert
from stream.contracts import VERDICT_HEADER, ModelRef, Ruling, Source, Verdict
from stream.records import Record

ACCOUNT = "DE89370400440532013000"
MASKED = "****3000"


def verdict(**changed: Any) -> Verdict:
    """A fraud verdict, but for what is changed."""
    usual: dict[str, Any] = {
        "transaction_id": "tx-0001",
        "account_id": ACCOUNT,
        "event_time": datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC),
        "amount": 1234.5,
        "currency": "EUR",
        "verdict": Ruling.FRAUD,
        "fraud_probability": 0.973,
        "threshold": 0.5,
        "model": ModelRef(name="simulated", version="1"),
        "source": Source(topic="transactions", partition=0, offset=0),
        "scored_at": datetime(2026, 1, 31, 12, 0, 6, tzinfo=UTC),
    }
    return Verdict(**{**usual, **changed})


def alert(**changed: Any) -> Alert:
    """The alert for `verdict`."""
    return Alert(verdict(**changed), "high")


def record(ruled: Verdict, *, offset: int = 0) -> Record:
    """The verdict as the scorer writes it."""
    return Record(
        topic="verdicts",
        partition=0,
        offset=offset,
        key=ACCOUNT.encode(),
        value=msgspec.json.encode(ruled),
        headers=((VERDICT_HEADER, ruled.verdict.encode()),),
        timestamp_ms=1_769_860_806_000,
    )
