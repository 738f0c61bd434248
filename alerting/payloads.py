"""What machines are told of an alert or a digest: JSON, account numbers masked (pure).

Machines match on exact ids, and JSON escapes what a terminal or a header would act on: texts are clipped, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from alerting.alert import Alert
from alerting.contracts import AlertData, DigestData, DigestLine, FraudDetected, FraudDigest
from alerting.digest import Digest
from alerting.ledger.entries import Line
from alerting.text import clipped, masked_account, masked_fields
from stream.contracts import MAX_CURRENCY_LENGTH, MAX_ID_LENGTH

# A receiver takes 20 kB at least (Standard Webhooks 1.0.0), and a producer may write any number of currencies.
_MOST_CURRENCIES: Final = 20
_MOST_LINES: Final = 5
_MOST_BANDS: Final = 20
_LONGEST_SUM: Final = 64
_LONGEST_OF_MANY: Final = 256
_encode = msgspec.json.Encoder().encode


def alert_payload(alert: Alert, reasons: Sequence[str], *, acknowledge_url: str | None = None) -> bytes:
    """`FraudDetected` as JSON.

    Args:
        alert: The fraud.
        reasons: In words.
        acknowledge_url: Where it is answered.
    """
    verdict = alert.verdict
    data = AlertData(
        alert_id=alert.id,
        transaction_id=clipped(verdict.transaction_id, MAX_ID_LENGTH),
        account=None if verdict.account_id is None else masked_account(verdict.account_id),
        event_time=verdict.event_time,
        amount=verdict.amount,
        currency=None if verdict.currency is None else clipped(verdict.currency, MAX_ID_LENGTH),
        fraud_probability=verdict.fraud_probability,
        threshold=verdict.threshold,
        model=verdict.model,
        source=verdict.source,
        severity=clipped(alert.severity, _LONGEST_OF_MANY),
        reasons=tuple(reasons),
        acknowledge_url=acknowledge_url,
    )
    return _encode(FraudDetected(timestamp=verdict.scored_at, data=data))


def digest_payload(digest: Digest, *, acknowledge_url: str | None = None) -> bytes:
    """`FraudDigest` as JSON; arguments as for `alert_payload`."""
    tally = digest.tally
    strongest = tuple(_line(line) for line in tally.strongest[:_MOST_LINES])
    data = DigestData(
        digest_id=digest.id,
        group={name: clipped(value, _LONGEST_OF_MANY) for name, value in masked_fields(digest.fields).items()},
        count=tally.count,
        sums=_sums(tally.sums),
        currencies=len(tally.sums),
        without_amount=tally.without_amount,
        first=tally.first,
        last=tally.last,
        strongest=strongest,
        truncated=max(tally.count - len(strongest), 0),
        severity=clipped(digest.severity, _LONGEST_OF_MANY),
        severities={
            clipped(name, _LONGEST_OF_MANY): count for name, count in list(tally.severities.items())[:_MOST_LINES]
        },
        acknowledge_url=acknowledge_url,
    )
    return _encode(FraudDigest(timestamp=digest.made_at, data=data))


def _sums(sums: Mapping[str, str]) -> dict[str, str]:
    """A sum that is too long to be sent is left out rather than rounded."""
    sent = [
        (clipped(currency, MAX_CURRENCY_LENGTH), total)
        for currency, total in sums.items()
        if len(total) <= _LONGEST_SUM
    ]
    return dict(sorted(sent)[:_MOST_CURRENCIES])


def _line(line: Line) -> DigestLine:
    return DigestLine(
        alert_id=line.alert_id,
        transaction_id=clipped(line.transaction_id, _LONGEST_OF_MANY),
        account=None if line.account is None else masked_account(line.account),
        event_time=line.event_time,
        amount=line.amount,
        currency=None if line.currency is None else clipped(line.currency, MAX_CURRENCY_LENGTH),
        fraud_probability=line.fraud_probability,
        severity=clipped(line.severity, _LONGEST_OF_MANY),
    )
