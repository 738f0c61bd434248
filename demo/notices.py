"""What became of the demo's notices, counted by channel from the ledger (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.ledger.entries import Delivery, State

_OVER = frozenset({State.SENT, State.PARKED, State.DEAD})


@dataclass(frozen=True)
class Notices:
    """What became of one channel's notices.

    Attributes:
        told: Transactions that somebody was told of by themselves.
        held: How many others are counted in a digest.
        digests: How many digests were sent.
        counted: How many alerts those count.
        lost: How many reached nobody.
    """

    told: frozenset[str]
    held: int
    digests: int
    counted: int
    lost: int

    @property
    def settled(self) -> int:
        """Frauds of which it is decided what becomes of them."""
        return len(self.told) + self.held + self.lost


def notices_of(deliveries: Iterable[Delivery], channel: str) -> Notices:
    """What the ledger says of a channel."""
    own = [one for one in deliveries if one.channel == channel and one.state in _OVER]
    alerts = [one for one in own if one.tally is None]
    digests = [one.tally.count for one in own if one.tally is not None and one.state is State.SENT]
    return Notices(
        told=frozenset(one.transaction_id or "" for one in alerts if one.state is State.SENT),
        held=sum(one.state is State.PARKED for one in alerts),
        digests=len(digests),
        counted=sum(digests),
        lost=sum(one.state is State.DEAD for one in own),
    )
