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
        told: Notices that its receiver got, by channel.
        settled: By channel, frauds of which it is decided what becomes of them: told, counted in a digest, or lost.
        waiting: Alerts that are still to be told of in a digest.
    """

    expected: int
    sent: int
    verdicts: int
    frauds: int
    dead_letters: int
    told: Mapping[str, int]
    settled: Mapping[str, int]
    waiting: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come: each transaction is accounted for, and each fraud on each channel."""
        return (
            self.verdicts + self.dead_letters >= self.expected
            and all(settled >= self.frauds for settled in self.settled.values())
            and not self.waiting
        )
