"""The ways to reach people, behind one protocol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from alerting.delivery import Failure
from alerting.destinations import Recipient
from alerting.ledger.entries import Confirmation
from alerting.messages import Message
from stream.pages import Asked


class WhenUnsure(StrEnum):
    """What is done about a message of which nobody knows whether it was sent."""

    LOOK_UP = "look up"
    """`Channel.find` tells; it is sent again only where the provider does not have it."""
    SEND_AGAIN = "send again"
    """The receiver recognises it by its id."""
    HOLD = "hold"
    """It stays `ambiguous` for people to decide."""


class Channel(Protocol):
    """A way to reach people. `deliver` and `find` are called by several threads at once, at most `at_once`."""

    @property
    def name(self) -> str:
        """Its name in the routing file, and a metric's label."""

    @property
    def at_once(self) -> int:
        """How many may be on their way at once."""

    @property
    def when_unsure(self) -> WhenUnsure:
        """What is done after `Unsure`, or a crash in the midst of an attempt."""

    @property
    def one_provider(self) -> bool:
        """Whether all recipients are behind the same host, so that one that is down is down for all."""

    def deliver(self, message: Message, recipient: Recipient) -> str:
        """Makes one attempt to tell one recipient.

        Returns:
            What the provider calls the delivery that it accepted.

        Raises:
            Retry: It was not accepted, and may be later.
            Unsure: It may have been accepted.
            Refused: It will not be accepted.
        """

    def find(self, message: Message, recipient: Recipient) -> str | None:
        """What the provider calls a delivery that may have been accepted; None where it has none of it.

        Only called where `when_unsure` is `LOOK_UP`.

        Raises:
            Failure: The provider does not say.
        """

    def close(self) -> None:
        """Lets go of connections; never raises."""


class CallbackRefused(Exception):
    """It does not come from the provider, or speaks of nothing that was sent."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said of a notice that it had taken.

    Attributes:
        confirmation: For the ledger.
        partition: Of the notice's entry.
        failure: What it means where nobody was reached; None where somebody was.
        recipient: Fingerprint.
    """

    confirmation: Confirmation
    partition: int
    failure: Failure | None = None
    recipient: str = ""


@runtime_checkable
class Confirming(Protocol):
    """A channel whose provider says later, over HTTP, what became of a message that it took."""

    @property
    def name(self) -> str:
        """The channel's."""

    @property
    def callback_path(self) -> str:
        """Where it says so."""

    def confirmation(self, asked: Asked, now: datetime) -> Heard | None:
        """What is said of which notice; None where it is still on its way.

        Raises:
            CallbackRefused: It does not come from the provider.
        """
