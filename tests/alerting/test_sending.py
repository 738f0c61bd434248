"""Threads that only send: what they are given ends, whatever a channel does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.attempts import BEGINS_WITHIN, Attempt, Ended
from alerting.breaker import Breaker
from alerting.channels import WhenUnsure
from alerting.delivery import FailureReason, Refused, Retry, Unsure
from alerting.destinations import Destination, Grouping, Recipient
from alerting.messages import Message
from alerting.notices import notice
from alerting.sending import Sending
from tests.alerting.telling import message
from tests.alerting.verdicts import verdict
from tests.harness.waiting import wait_until

PRIVATE = "4111111111111111"
ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Scripted:
    """A channel that does what a test wants."""

    name = "webhook"
    at_once = 2
    when_unsure = WhenUnsure.SEND_AGAIN
    one_provider = True

    def __init__(self, act: Callable[[Message], str]) -> None:
        self._act = act
        self.closed = 0
        self.looked = 0

    def deliver(self, message: Message, recipient: Recipient) -> str:  # noqa: ARG002
        return self._act(message)

    def find(self, message: Message, recipient: Recipient) -> str | None:  # noqa: ARG002
        self.looked += 1
        return None

    def close(self) -> None:
        self.closed += 1


def attempt(number: int = 0, *, asks: bool = False) -> Attempt:
    destination = Destination("desk", "webhook", Recipient("x"), "analyst", Grouping(), "route")
    delivery = notice(
        f"alert-{number}", verdict(), destination, group=None, now=NOW, expires_at=NOW + timedelta(hours=1)
    )
    return Attempt(0, delivery, Recipient("x"), asks)


def sending(channel: Scripted, compose: Callable[[Attempt], Message] = lambda _: message()) -> Sending:
    return Sending({"webhook": channel}, compose, timer=time.monotonic, now=lambda: NOW)


def outcome(channel: Scripted, compose: Callable[[Attempt], Message] = lambda _: message(), **asked: bool) -> Ended:
    with sending(channel, compose) as working:
        working.begin(attempt(**asked))
        (ended,) = working.ended(wait_s=20)
    return ended


def test_what_is_accepted_has_the_provider_s_name_for_it() -> None:
    ended = outcome(Scripted(lambda _: "receipt"))

    assert (ended.provider_id, ended.failure, ended.at) == ("receipt", None, NOW)


@pytest.mark.parametrize("receipt", [None, 7])
def test_a_receipt_that_is_no_word_is_one_in_the_ledger(receipt: Any) -> None:
    """None is what a method returns that forgets to; what raised nothing was taken."""
    ended = outcome(Scripted(lambda _: receipt))

    assert ended.failure is None
    assert ended.provider_id == ("7" if receipt == 7 else message().id)


def test_a_look_asks_and_tells_nobody() -> None:
    channel = Scripted(lambda _: "receipt")
    ended = outcome(channel, asks=True)

    assert (ended.provider_id, ended.failure, channel.looked) == (None, None, 1)


def test_a_failure_is_handed_on() -> None:
    def refuse(_: Message) -> str:
        raise Refused(FailureReason.CLIENT_ERROR, "no")

    assert isinstance(outcome(Scripted(refuse)).failure, Refused)


def test_an_unforeseen_failure_is_in_doubt_and_told_by_its_class_alone() -> None:
    def fail(_: Message) -> str:
        raise RuntimeError(PRIVATE)

    failure = outcome(Scripted(fail)).failure

    assert isinstance(failure, Unsure)
    assert failure.message == "RuntimeError in channel webhook"


@pytest.mark.parametrize("leaving", [SystemExit, asyncio.CancelledError])
def test_a_channel_cannot_end_what_it_runs_on(leaving: type[BaseException]) -> None:
    """The classes that are no Exception: a thread would end with them, and nobody hear of the attempt."""

    def leave(_: Message) -> str:
        raise leaving(PRIVATE)

    channel = Scripted(leave)
    with sending(channel) as working:
        for number in range(2 * channel.at_once):
            working.begin(attempt(number))
        ended: list[Ended] = []
        while some := working.ended(wait_s=20):
            ended += some

    assert len(ended) == 2 * channel.at_once
    for one in ended:
        assert isinstance(one.failure, Unsure)
        assert PRIVATE not in one.failure.message


def test_what_cannot_be_composed_never_left() -> None:
    def fail(_: Attempt) -> Message:
        raise RuntimeError(PRIVATE)

    failure = outcome(Scripted(lambda _: "receipt"), fail).failure

    assert isinstance(failure, Retry)
    assert PRIVATE not in failure.message


def test_room_is_what_threads_need_and_a_little_more() -> None:
    go = threading.Event()

    def wait(_: Message) -> str:
        go.wait(20)
        return "receipt"

    with sending(Scripted(wait)) as working:
        assert working.room() == {"webhook": 4}
        for number in range(4):
            working.begin(attempt(number))
        assert (working.room(), working.on_their_way, working.has_ended) == ({"webhook": 0}, 4, False)
        go.set()
        wait_until(lambda: working.has_ended, within_s=10, what="nothing ended")
        ended: list[Ended] = []
        while len(ended) < 4:
            ended += working.ended(wait_s=10)
        assert (working.room(), working.on_their_way) == ({"webhook": 4}, 0)


def test_closing_waits_for_what_is_on_its_way() -> None:
    done: list[str] = []

    def slow(one: Message) -> str:
        time.sleep(0.2)
        done.append(one.id)
        return "receipt"

    channel = Scripted(slow)
    working = sending(channel)
    working.begin(attempt())
    working.close()

    assert (len(done), channel.closed) == (1, 1)


def test_what_came_too_late_to_its_channel_does_not_begin() -> None:
    channel = Scripted(lambda _: "receipt")
    late = NOW + BEGINS_WITHIN + timedelta(seconds=1)
    with Sending({"webhook": channel}, lambda _: message(), timer=time.monotonic, now=lambda: late) as working:
        working.begin(attempt())
        working.begin(attempt(1, asks=True))
        both: list[Ended] = []
        while len(both) < 2:
            both += working.ended(wait_s=20)

    assert [(one.begun, one.provider_id, one.failure) for one in both] == [(False, None, None)] * 2
    assert channel.looked == 0


def test_a_message_that_cannot_be_written_says_nothing_of_the_provider() -> None:
    def fail(_: Attempt) -> Message:
        raise RuntimeError(PRIVATE)

    ended = outcome(Scripted(lambda _: "receipt"), fail)
    breaker = Breaker()
    for _ in range(100):
        assert ended.failure is not None
        breaker.failed("webhook", ended.failure, NOW)

    assert isinstance(ended.failure, Retry)
    assert PRIVATE not in str(ended.failure)
    assert breaker.ready("webhook", NOW)


def test_closing_does_not_wait_for_what_never_ends() -> None:
    """The worker ends though a channel hangs: the ledger has its attempt as being sent, and settles it later."""
    go = threading.Event()

    def hang(_: Message) -> str:
        go.wait(60)
        return "receipt"

    channel = Scripted(hang)
    working = sending(channel)
    for number in range(3 * channel.at_once):
        working.begin(attempt(number))
    closing = threading.Thread(target=lambda: working.close(within_s=0.1), daemon=True)
    closing.start()
    closing.join(20)

    assert not closing.is_alive()
    assert channel.closed == 1
    go.set()


def test_a_process_ends_though_a_channel_hangs() -> None:
    script = """
import threading
from tests.alerting.test_sending import Scripted, attempt, sending
working = sending(Scripted(lambda _: threading.Event().wait() or ""))
working.begin(attempt())
working.close(within_s=0.1)
print("closed", flush=True)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )

    assert ended.stdout == "closed\n"
