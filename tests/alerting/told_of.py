"""Alerts and digests for the tests of what is said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerting.accounts import UNKNOWN, Account
from alerting.alert import Alert
from alerting.digest import Digest
from alerting.ledger.entries import Line, Tally
from tests.alerting.verdicts import MASKED, verdict

HOSTILE = [
    "x",
    "x" * 100_000,
    "€" * 512,
    "a\r\nBcc: everybody@example.com\r\n\r\nbody",
    "\x00\x1b]0;title\x07\u202e\u2028",
    "🚨" * 200,
    "{}[]~|\\^" * 60,
    "{{ alert.account }}{% for i in range(9) %}",
    "<script>alert(1)</script>\"'&",
]


def alert(*, severity: str = "high", account: Account = UNKNOWN, **changed: Any) -> Alert:
    """The alert for the usual verdict, but for what is changed."""
    return Alert(verdict(**changed), severity, account)


def line(**changed: Any) -> Line:
    """A digest's line, but for what is changed."""
    usual: dict[str, Any] = {
        "alert_id": "0f0e9a36-6dd5-5c2c-8f4f-3a1f2f7d1a11",
        "transaction_id": "tx-0001",
        "account": MASKED,
        "event_time": datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC),
        "amount": 900.0,
        "currency": "EUR",
        "fraud_probability": 0.991,
        "severity": "high",
    }
    return Line(**{**usual, **changed})


def digest(*, fields: dict[str, str] | None = None, **changed: Any) -> Digest:
    """Twelve alerts of one account, but for what is changed of the tally."""
    usual: dict[str, Any] = {
        "count": 12,
        "sums": {"EUR": "14000.10"},
        "without_amount": 0,
        "first": datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC),
        "last": datetime(2026, 1, 31, 12, 4, 59, tzinfo=UTC),
        "strongest": (line(), line(transaction_id="tx-0002", fraud_probability=0.98)),
    }
    return Digest(
        id="5d3c7f0e-2f2c-5d46-8a44-6a7f4f0f9b10",
        made_at=datetime(2026, 1, 31, 12, 5, tzinfo=UTC),
        fields={"account_id": MASKED} if fields is None else fields,
        tally=Tally(**{**usual, **changed}),
    )
