"""What the outbox asks others, and what it knows of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerting.alert import Alert
from alerting.attempts import Patience
from alerting.channels import WhenUnsure
from alerting.delivery import Failure
from alerting.destinations import Destination
from alerting.ledger.entries import Delivery, Held, Tally
from alerting.routing.tree import Told
from stream.contracts import Verdict


class Routes(Protocol):
    """The rules, and what is known of accounts."""

    def alert(self, verdict: Verdict) -> Alert:
        """A verdict with its severity and account."""

    def told(self, alert: Alert) -> Told:
        """Everybody who is to be told, receiver after receiver, and who cannot be."""

    def operators(self) -> Sequence[Destination]:
        """Who is paged where a channel stands still."""


class Limits(Protocol):
    """How much is too much."""

    def free_at(self, channel: str, recipient: str, now: datetime) -> tuple[datetime, Held]:
        """When one more notice is allowed, `now` where it is at once; otherwise what holds it back."""

    def taken(self, channel: str, recipient: str, at: datetime) -> None:
        """Counts one."""


class Gate(Protocol):
    """Keeps attempts back from what does not answer: a breaker for each key."""

    def ready(self, key: str, now: datetime) -> bool:
        """Whether an attempt may begin."""

    def accepted(self, key: str, now: datetime) -> None:
        """One was answered."""

    def failed(self, key: str, failure: Failure, now: datetime) -> bool:
        """One was not accepted; whether that closed the gate just now."""

    def open_keys(self) -> frozenset[str]:
        """What is left alone now: a breaker that is open lets nothing pass."""


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """How a channel's notices are treated.

    Attributes:
        when_unsure: What is done where nobody knows whether one was sent.
        patience: How long attempts go on.
        life: A notice serves nobody later.
        one_provider: Whether all recipients are behind the same host, so that one that is down is down for all.
    """

    when_unsure: WhenUnsure
    patience: Patience
    life: timedelta
    one_provider: bool = True


@dataclass(frozen=True, slots=True)
class Lost:
    """A notice that reached nobody, for the dead letters.

    Attributes:
        partition: Where its entry stands.
        delivery: The entry, dead.
        verdict: What it was about; of a digest the last that it counts.
        tally: What a digest counts.
    """

    partition: int
    delivery: Delivery
    verdict: Verdict | None
    tally: Tally | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody who wants nothing more on a channel.

    Attributes:
        channel: Its name.
        recipient: Fingerprint.
        why: For people.
        at: When the provider said so.
    """

    channel: str
    recipient: str
    why: str
    at: datetime
