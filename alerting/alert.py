"""An alert: one fraud verdict, with what else is known of its account."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from alerting.accounts import UNKNOWN, Account
from stream.contracts import Source, Verdict

_NAMESPACE: Final = uuid.UUID("6f0d4f4e-5f0b-5c0e-9d0a-3a4c0f3f7b61")

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Alert:
    """One fraud, before anybody is chosen to be told. Holds personal data: not for logs.

    Attributes:
        verdict: The ruling.
        severity: The band that it falls in, of the routing file's.
        account: What is known of the account besides.
    """

    verdict: Verdict
    severity: str
    account: Account = UNKNOWN

    @property
    def id(self) -> str:
        """The same at every attempt and restart, and for every receiver."""
        return alert_id(self.verdict.source)

    def value(self, name: str) -> Value:
        """What rules and groups see under a name; None where the verdict has nothing there.

        Args:
            name: One of `FIELDS`.

        Raises:
            KeyError: There is no such field.
        """
        return FIELDS[name](self)


def alert_id(source: Source) -> str:
    """From where the transaction stands: its own id is the producer's and may come twice (RFC 9562, version 5)."""
    return str(uuid.uuid5(_NAMESPACE, f"{source.topic}/{source.partition}/{source.offset}"))


# What rules and groups may name: the verdict's fields, the severity, and the account's.
FIELDS: Final[Mapping[str, Callable[[Alert], Value]]] = {
    "transaction_id": lambda alert: alert.verdict.transaction_id,
    "account_id": lambda alert: alert.verdict.account_id,
    "event_time": lambda alert: alert.verdict.event_time.isoformat(),
    "amount": lambda alert: alert.verdict.amount,
    "currency": lambda alert: alert.verdict.currency,
    "fraud_probability": lambda alert: alert.verdict.fraud_probability,
    "threshold": lambda alert: alert.verdict.threshold,
    "model.name": lambda alert: alert.verdict.model.name,
    "model.version": lambda alert: alert.verdict.model.version,
    "source.topic": lambda alert: alert.verdict.source.topic,
    "source.partition": lambda alert: alert.verdict.source.partition,
    "severity": lambda alert: alert.severity,
    "account.segment": lambda alert: alert.account.segment,
    "account.country": lambda alert: alert.account.country,
    "account.locale": lambda alert: alert.account.locale,
}
