"""Alerts counted together: how many, how much of each currency exactly, and the strongest (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.ledger.entries import Line, Tally
from alerting.text import clipped, masked_account
from stream.contracts import MAX_CURRENCY_LENGTH, MAX_ID_LENGTH

_STRONGEST: Final = 5
# Producers choose currencies: more than these are summed under one name that is none.
_CURRENCIES: Final = 50
OTHER_CURRENCIES: Final = "other"


def with_alert(tally: Tally, alert: Alert) -> Tally:
    """One more alert in a tally."""
    return merged(tally, of_one(alert))


def of_one(alert: Alert) -> Tally:
    """A tally of one alert."""
    verdict = alert.verdict
    currency = clipped(verdict.currency or "", MAX_CURRENCY_LENGTH)
    return Tally(
        count=1,
        sums={} if verdict.amount is None else {currency: repr(verdict.amount)},
        without_amount=int(verdict.amount is None),
        severities={alert.severity: 1},
        first=verdict.event_time,
        last=verdict.event_time,
        strongest=(line_of(alert),),
    )


def merged(one: Tally, other: Tally) -> Tally:
    """Two tallies as one: the same whatever is merged first."""
    if not one.count or not other.count:
        return one if one.count else other
    return replace(
        one,
        count=one.count + other.count,
        sums=_sums(one.sums, other.sums),
        without_amount=one.without_amount + other.without_amount,
        severities=dict(sorted((Counter(one.severities) + Counter(other.severities)).items())),
        first=_earlier(one.first, other.first),
        last=_later(one.last, other.last),
        strongest=tuple(sorted((*one.strongest, *other.strongest), key=_strength)[:_STRONGEST]),
    )


def line_of(alert: Alert) -> Line:
    """One alert as a digest lists it, its account masked."""
    verdict = alert.verdict
    return Line(
        alert_id=alert.id,
        transaction_id=clipped(verdict.transaction_id, MAX_ID_LENGTH),
        account=None if verdict.account_id is None else masked_account(verdict.account_id),
        event_time=verdict.event_time,
        amount=verdict.amount,
        currency=None if verdict.currency is None else clipped(verdict.currency, MAX_CURRENCY_LENGTH),
        fraud_probability=verdict.fraud_probability,
        severity=alert.severity,
    )


def _sums(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    sums = {name: Decimal(amount) for name, amount in one.items()}
    for name, amount in other.items():
        known = name in sums or len(sums) < _CURRENCIES
        place = name if known else OTHER_CURRENCIES
        sums[place] = _exactly(sums.get(place, Decimal(0)), Decimal(amount))
    return {name: str(amount) for name, amount in sorted(sums.items())}


def _exactly(one: Decimal, other: Decimal) -> Decimal:
    """A sum without rounding, however far apart the two are: doubles reach from 5e-324 to 1e308."""
    exponent = min(_exponent(one), _exponent(other))
    total = _scaled(one, exponent) + _scaled(other, exponent)
    return Decimal((int(total < 0), tuple(map(int, str(abs(total)))), exponent))


def _scaled(number: Decimal, exponent: int) -> int:
    sign, digits, own = number.as_tuple()
    assert isinstance(own, int)
    whole: int = int("".join(map(str, digits))) * 10 ** (own - exponent)
    return -whole if sign else whole


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _strength(line: Line) -> tuple[float, float, str]:
    amount = -float("inf") if line.amount is None else line.amount
    return -line.fraud_probability, -amount, line.alert_id
