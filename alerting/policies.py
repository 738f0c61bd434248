"""What the outbox asks others, and what it knows of channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    def free_at(self, channel: str, recipient: str, now: datetime, *, but: str = "") -> tuple[datetime, Held]:
        """When one more notice is allowed, `now` where it is at once; otherwise what holds it back."""

    def take(self, notice: str, channel: str, recipient: str, at: datetime) -> None:
        """Counts a notice once, at this time."""

    def give_back(self, notice: str, channel: str, recipient: str) -> None:
        """Counts a notice no more."""


class Quiet(Protocol):
    """What people want to hear no more of."""

    def hushed(self, alert: Alert, group: str, now: datetime) -> Held | None:
        """What holds an alert of a group back; None where nothing does."""

    def ends(self, group: str, account: str | None, now: datetime) -> Held | None:
        """What holds a group's digest back: somebody answered the group, or its account is blocked.

        Args:
            group: Its id.
            account: That all its alerts are of; None where they are of several.
            now: With a zone.
        """

    def stopped(self, channel: str, recipient: str) -> bool:
        """Whether a recipient, by fingerprint, wants nothing more on a channel."""

    def stop(self, channel: str, recipient: str) -> None:
        """Notes that a recipient wants nothing more on a channel."""


class Gate(Protocol):
    """Keeps attempts back from what does not answer: a breaker for each key."""

    def ready(self, key: str, now: datetime) -> bool:
        """Whether an attempt may begin."""

    def accepted(self, key: str, now: datetime) -> None:
        """One was answered."""

    def failed(self, key: str, failure: Failure, now: datetime) -> bool:
        """One was not accepted; whether that closed the gate just now."""

    def untried(self, key: str) -> None:
        """An attempt that was let through does not take place."""

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
        at_once: How many the channel sends at once.
    """

    when_unsure: WhenUnsure
    patience: Patience
    life: timedelta
    one_provider: bool = True
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decisions go by.

    Attributes:
        routes: The rules.
        policies: Of each channel.
        limits: How much is too much.
        quiet: What people want to hear no more of.
        gate: Keeps attempts back from what does not answer.
        most_waiting: Notices of a channel that wait to be sent by themselves.
        random: Uniform in [0, 1).
        mark: What stands for an account in links and answers; None where alerts are not answered.
    """

    routes: Routes
    policies: Mapping[str, ChannelPolicy]
    limits: Limits
    quiet: Quiet
    gate: Gate
    most_waiting: int
    random: Callable[[], float]
    mark: Callable[[str], str] | None = None


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
