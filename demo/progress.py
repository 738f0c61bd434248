"""How far the stream has come (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Counts while the demo runs.

    Attributes:
        expected: Transactions to be sent.
        sent: Transactions in the topic.
        verdicts: Verdicts that were read.
        frauds: Those of them that say fraud.
        dead_letters: Transactions that could not be scored.
        told: Deliveries, by channel.
        alert_dead_letters: Alerts that could not be delivered, on whatever channel.
    """

    expected: int
    sent: int
    verdicts: int
    frauds: int
    dead_letters: int
    told: Mapping[str, int]
    alert_dead_letters: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come: each transaction is accounted for, and each fraud on each channel."""
        deliveries = sum(min(count, self.frauds) for count in self.told.values())
        return (
            self.verdicts + self.dead_letters >= self.expected
            and deliveries + self.alert_dead_letters >= self.frauds * len(self.told)
        )
