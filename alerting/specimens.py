"""Alerts and digests that never were: what every template is tried on, and what a test alert is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from alerting.accounts import Account
from alerting.alert import Alert
from alerting.digest import Digest
from alerting.facts import Links
from alerting.ledger.entries import Line, Tally
from stream.contracts import ModelRef, Reason, Ruling, Source, Verdict

# A template that shows a value as it is lets a producer write HTML into a mail.
MARKUP: Final = "<i>markup</i>"

_VERDICT: Final = Verdict(
    transaction_id="00000000-0000-4000-8000-000000000001",
    account_id="DE00123456780000001234",
    event_time=datetime(2026, 1, 31, 23, 5, 5, tzinfo=UTC),
    amount=1234.5,
    currency="EUR",
    verdict=Ruling.FRAUD,
    fraud_probability=0.973,
    threshold=0.5,
    model=ModelRef(name="specimen", version="1"),
    source=Source(topic="transactions", partition=0, offset=0),
    scored_at=datetime(2026, 1, 31, 23, 5, 6, tzinfo=UTC),
    reasons=(
        Reason("amount", 1234.5, 0.31),
        Reason("is_night", 1.0, 0.12),
        Reason("terminal_risk_7d", 0.25, 0.051),
        Reason("V14", -4.2, 0.02),
        Reason("merchant_age", None, 0.004),
    ),
)
_BARE: Final = replace(_VERDICT, account_id=None, amount=None, currency=None, reasons=())
_MARKED: Final = replace(_VERDICT, transaction_id=MARKUP, currency=MARKUP, model=ModelRef(MARKUP, MARKUP))

USUAL_ALERT: Final = Alert(_VERDICT, "critical", Account(segment="private", country="DE", locale="de"))


def _line(alert: Alert) -> Line:
    verdict = alert.verdict
    return Line(
        alert_id=alert.id,
        transaction_id=verdict.transaction_id,
        account=None if verdict.account_id is None else "****1234",
        event_time=verdict.event_time,
        amount=verdict.amount,
        currency=verdict.currency,
        fraud_probability=verdict.fraud_probability,
        severity=alert.severity,
    )


def _digest(tally: Tally, fields: Mapping[str, str]) -> Digest:
    severity = "critical" if "critical" in tally.severities else "low"
    return Digest("00000000-0000-5000-8000-000000000002", _VERDICT.scored_at, fields, tally, severity)


USUAL_DIGEST: Final = _digest(
    Tally(
        count=1037,
        sums={"EUR": "128000.5", "USD": "20"},
        without_amount=3,
        severities={"critical": 37, "high": 1000},
        first=datetime(2026, 1, 31, 22, 55, tzinfo=UTC),
        last=_VERDICT.event_time,
        strongest=(_line(USUAL_ALERT),) * 5,
    ),
    {"account_id": "****1234"},
)

ALERTS: Final[Mapping[str, Alert]] = {
    "a usual alert": USUAL_ALERT,
    "an alert with everything unknown": Alert(_BARE, "low"),
    "an alert with markup in its texts": Alert(_MARKED, MARKUP, Account(segment=MARKUP, country=MARKUP)),
}
DIGESTS: Final[Mapping[str, Digest]] = {
    "a usual digest": USUAL_DIGEST,
    "a digest of one alert": _digest(
        Tally(
            count=1,
            without_amount=1,
            first=_VERDICT.event_time,
            last=_VERDICT.event_time,
            strongest=(_line(Alert(_BARE, "low")),),
        ),
        {},
    ),
    "a digest with markup in its texts": _digest(
        Tally(count=2, sums={MARKUP: "1"}, strongest=(_line(Alert(_MARKED, MARKUP)),)), {"account.segment": MARKUP}
    ),
}
LINKS: Final = (Links(), Links(acknowledge="https://alerts.bank.example/ack/0", code="A1B2"))
