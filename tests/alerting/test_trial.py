"""A test alert: every recipient is tried, whatever a channel does, and no secret is said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from alerting.channels import Channel, WhenUnsure
from alerting.delivery import FailureReason, Unsure
from alerting.destinations import Recipient
from alerting.messages import Message
from alerting.rendering import Renderer
from alerting.routing.rules import Receiver, Target
from alerting.trial import Tried, try_receiver

SECRET = "https://hooks.bank.example/token-8271"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Scripted:
    """A channel that does what a test wants."""

    at_once = 1
    when_unsure = WhenUnsure.HOLD
    one_provider = True

    def __init__(self, name: str, act: Callable[[Message], Any]) -> None:
        self.name = name
        self._act = act

    def deliver(self, message: Message, recipient: Recipient) -> Any:  # noqa: ARG002
        return self._act(message)

    def find(self, message: Message, recipient: Recipient) -> str | None:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


def tried(act: Callable[[Message], Any]) -> list[Tried]:
    channels: dict[str, Channel] = {"odd": Scripted("odd", act), "fine": Scripted("fine", lambda _: "receipt")}
    targets = tuple(Target(name, Recipient(SECRET)) for name in channels)
    return try_receiver(Receiver("desk", targets), channels, Renderer(), now=NOW)


def breaks(_: Message) -> str:
    raise ConnectionError(f"cannot reach {SECRET}")


def leaves(_: Message) -> str:
    sys.exit(SECRET)


@pytest.mark.parametrize(("act", "kind"), [(breaks, "ConnectionError"), (leaves, "SystemExit")])
def test_what_a_channel_does_not_foresee_keeps_nobody_else_from_being_tried(
    act: Callable[[Message], str], kind: str
) -> None:
    odd, fine = tried(act)

    assert isinstance(odd.failure, Unsure)
    assert odd.failure.reason is FailureReason.SERVER_ERROR
    assert odd.failure.message == f"{kind} in channel odd"
    assert (fine.provider_id, fine.failure) == ("receipt", None)


def test_whoever_runs_it_can_end_it() -> None:
    def interrupted(_: Message) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tried(interrupted)


@pytest.mark.parametrize("receipt", [None, 7])
def test_a_receipt_is_a_word(receipt: object) -> None:
    odd, _ = tried(lambda _: receipt)

    assert odd.failure is None
    assert isinstance(odd.provider_id, str)
    assert odd.provider_id
