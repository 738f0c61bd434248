"""Record: a notice's new state goes into the book; what reached nobody is a dead letter besides."""

from __future__ import annotations

from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery, State
from alerting.policies import Limits, Lost
from stream.contracts import Verdict


class Recorder:
    """Notes what notices become. Used by one thread.

    Args:
        book: Where they stand.
        limits: What reached nobody does not count.

    Attributes:
        repeated: Notices that came again.
    """

    def __init__(self, book: Book, limits: Limits) -> None:
        self._book = book
        self._limits = limits
        self._lost: list[Lost] = []
        self.repeated = 0

    def put(
        self, partition: int, delivery: Delivery, *, before: Delivery | None = None, lost: Verdict | None = None
    ) -> None:
        """Notes a state.

        Args:
            partition: Where it stands.
            delivery: The state.
            before: What it was, with what it was to tell; where it is dead now.
            lost: What it was to tell, where it was dead from the beginning.
        """
        self._book.put(partition, delivery)
        if delivery.state is not State.DEAD:
            return
        if not delivery.unsure:
            self._limits.give_back(delivery.id, delivery.channel, delivery.recipient)
        if before is not None or lost is not None:
            verdict, tally = (lost, None) if before is None else (before.verdict, before.tally)
            self._lost.append(Lost(partition, delivery, verdict, tally))

    def lost(self) -> list[Lost]:
        """Notices that are dead since it was asked last."""
        lost, self._lost = self._lost, []
        return lost
