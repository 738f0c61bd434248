"""What is said about a fraud verdict: in one line, in a text message, in a mail, in JSON (pure)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from alerting.contracts import AlertData, FraudDetected
from alerting.text import clipped, clipped_septets, gsm7, masked_account, one_line, septets
from stream.contracts import MAX_ID_LENGTH, Source, Verdict

# One text message; Twilio and the recipient's provider charge for each segment.
SHORT_TEXT_SEPTETS: Final = 160

_NAMESPACE: Final = uuid.UUID("6f0d4f4e-5f0b-5c0e-9d0a-3a4c0f3f7b61")
_LONGEST_ID_SHOWN: Final = 120
_LONGEST_CURRENCY_SHOWN: Final = 8
_LONGEST_PLAIN_AMOUNT: Final = 1e15
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Alert:
    """One fraud, ready to be told. Account numbers are masked in all of it.

    Attributes:
        id: The same at every attempt and restart: what receivers recognise a repetition by.
        event_time: When the transaction happened.
        judged_at: When the verdict was reached.
        subject: One line without control characters.
        short_text: GSM-7, one text message.
        long_text: A mail's body, lines ended by line feeds.
        payload: JSON, `alerting.contracts.FraudDetected`.
    """

    id: str
    event_time: datetime
    judged_at: datetime
    subject: str
    short_text: str
    long_text: str
    payload: bytes


def alert_of(verdict: Verdict) -> Alert:
    """The alert for a verdict; the same verdict always gives the same alert, byte for byte."""
    alert_id = _alert_id(verdict.source)
    account = None if verdict.account_id is None else masked_account(verdict.account_id)
    return Alert(
        id=alert_id,
        event_time=verdict.event_time,
        judged_at=verdict.scored_at,
        subject=_subject(verdict, account),
        short_text=_short_text(verdict, account),
        long_text=_long_text(verdict, account, alert_id),
        payload=_payload(verdict, account, alert_id),
    )


def _alert_id(source: Source) -> str:
    """From where the transaction stands: its own id is the producer's and may come twice (RFC 9562, version 5)."""
    return str(uuid.uuid5(_NAMESPACE, f"{source.topic}/{source.partition}/{source.offset}"))


def _subject(verdict: Verdict, account: str | None) -> str:
    return f"Fraud suspected: {_amount(verdict)}{_on_account(account)}"


def _short_text(verdict: Verdict, account: str | None) -> str:
    facts = gsm7(
        f"Fraud suspected: {_amount(verdict)}{_on_account(account)}, {_said(verdict.event_time, 'minutes')}, "
        f"probability {verdict.fraud_probability:.1%}, transaction "
    )
    transaction = gsm7(one_line(verdict.transaction_id, SHORT_TEXT_SEPTETS))
    return facts + clipped_septets(transaction, SHORT_TEXT_SEPTETS - septets(facts))


def _long_text(verdict: Verdict, account: str | None, alert_id: str) -> str:
    model = one_line(f"{verdict.model.name} {verdict.model.version}", _LONGEST_ID_SHOWN)
    source = verdict.source
    facts = {
        "Amount": _amount(verdict),
        "Account": account or "not known",
        "Time": _said(verdict.event_time, "seconds"),
        "Probability": f"{verdict.fraud_probability:.1%} (threshold {verdict.threshold:.1%})",
        "Transaction": one_line(verdict.transaction_id, _LONGEST_ID_SHOWN),
        "Judged": f"{_said(verdict.scored_at, 'seconds')} by {model}",
        "Record": f"{one_line(source.topic, _LONGEST_ID_SHOWN)}, partition {source.partition}, offset {source.offset}",
        "Alert": alert_id,
    }
    lines = [f"{name + ':':<13}{value}" for name, value in facts.items()]
    return "\n".join(["A card transaction was judged fraudulent.", "", *lines, ""])


def _payload(verdict: Verdict, account: str | None, alert_id: str) -> bytes:
    # Machines match on the exact id, and JSON escapes what a terminal or a header would act on.
    data = AlertData(
        alert_id=alert_id,
        transaction_id=clipped(verdict.transaction_id, MAX_ID_LENGTH),
        account=account,
        event_time=verdict.event_time,
        amount=verdict.amount,
        currency=None if verdict.currency is None else clipped(verdict.currency, MAX_ID_LENGTH),
        fraud_probability=verdict.fraud_probability,
        threshold=verdict.threshold,
        model=verdict.model,
        source=verdict.source,
    )
    return _encode(FraudDetected(timestamp=verdict.scored_at, data=data))


def _amount(verdict: Verdict) -> str:
    if verdict.amount is None:
        return "amount not known"
    # A double may have 300 digits.
    plain = abs(verdict.amount) < _LONGEST_PLAIN_AMOUNT
    figure = f"{verdict.amount:,.2f}" if plain else f"{verdict.amount:.6g}"
    return f"{one_line(verdict.currency, _LONGEST_CURRENCY_SHOWN)} {figure}" if verdict.currency else figure


def _on_account(account: str | None) -> str:
    return "" if account is None else f", account {account}"


def _said(moment: datetime, timespec: str) -> str:
    try:
        return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(' ', timespec)} UTC"
    except OverflowError:  # the first and the last hours that a datetime can hold
        return moment.isoformat(" ", timespec)
