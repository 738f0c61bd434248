"""What a delivery becomes by an attempt: nothing is lost, nothing is sent twice that need not be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerting.attempts import Attempt, Ended, Patience, after, begun, expired, orphaned
from alerting.channels import WhenUnsure
from alerting.delivery import Failure, FailureReason, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.ledger.entries import Delivery, State
from tests.alerting.verdicts import verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PATIENCE = Patience(first_wait_s=1.0, longest_wait_s=8.0)


def delivery(**changed: object) -> Delivery:
    usual = {
        "id": "d",
        "alert_id": "a",
        "transaction_id": "t",
        "receiver": "desk",
        "channel": "sms",
        "recipient": "0" * 16,
        "template": "analyst",
        "state": State.PENDING,
        "created_at": NOW,
        "changed_at": NOW,
        "due_at": NOW,
        "expires_at": NOW + timedelta(minutes=15),
        "verdict": verdict(),
    }
    return Delivery(**{**usual, **changed})  # type: ignore[arg-type]


def attempted(
    failure: Failure | None = None, *, asks: bool = False, found: str | None = None, **changed: object
) -> Ended:
    sending = begun(delivery(**changed), by="w", now=NOW)
    return Ended(Attempt(0, sending, Recipient("+15550100"), asks), NOW, 0.1, found, failure)


def ended(one: Ended, when_unsure: WhenUnsure = WhenUnsure.SEND_AGAIN) -> Delivery:
    return after(one, when_unsure=when_unsure, patience=PATIENCE, random=lambda: 1.0)


def retry(after_s: float | None = None) -> Retry:
    return Retry(FailureReason.RATE_LIMITED, "429", after_s=after_s)


def unsure() -> Unsure:
    return Unsure(FailureReason.TIMEOUT, "no answer")


def test_what_was_accepted_is_over_and_holds_nothing_to_send() -> None:
    sent = ended(attempted(found="SM1"))

    assert (sent.state, sent.provider_id, sent.verdict, sent.due_at) == (State.SENT, "SM1", None, None)


@pytest.mark.parametrize(("before", "wait"), [(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0), (9, 8.0)])
def test_the_wait_doubles_up_to_its_bound(before: int, wait: float) -> None:
    waiting = ended(attempted(retry(), attempts=before))

    assert waiting.state is State.PENDING
    assert waiting.due_at == NOW + timedelta(seconds=wait)
    assert waiting.verdict is not None


def test_the_provider_is_not_asked_again_before_it_wants_to_be() -> None:
    def due(chance: float) -> datetime | None:
        put_off = attempted(retry(7.0))
        return after(put_off, when_unsure=WhenUnsure.HOLD, patience=PATIENCE, random=lambda: chance).due_at

    assert (due(0.0), due(1.0)) == (NOW + timedelta(seconds=7), NOW + timedelta(seconds=7.7))


def test_what_would_come_too_late_is_given_up() -> None:
    dead = ended(attempted(retry(3600.0)))

    assert (dead.state, dead.reason, dead.due_at) == (State.DEAD, "rate_limited", None)


def test_attempts_are_bounded_where_the_settings_say_so() -> None:
    one = attempted(retry(), attempts=3)
    few = Patience(first_wait_s=1.0, longest_wait_s=8.0, attempts=4)

    assert after(one, when_unsure=WhenUnsure.HOLD, patience=few, random=lambda: 0.5).state is State.DEAD


def test_what_is_refused_is_not_tried_again() -> None:
    dead = ended(attempted(Refused(FailureReason.INVALID_RECIPIENT, "no number")))

    assert (dead.state, dead.reason, dead.detail) == (State.DEAD, "invalid_recipient", "no number")


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (WhenUnsure.SEND_AGAIN, State.PENDING),
        (WhenUnsure.LOOK_UP, State.AMBIGUOUS),
        (WhenUnsure.HOLD, State.AMBIGUOUS),
    ],
)
def test_sent_or_not_is_the_channels_to_decide(policy: WhenUnsure, state: State) -> None:
    left = ended(attempted(unsure()), policy)
    found = orphaned(begun(delivery(), by="w", now=NOW), when_unsure=policy, now=NOW)

    for one in (left, found):
        assert (one.state, one.unsure) == (state, True)
        assert one.due_at is not None
        assert (one.due_at == one.expires_at) is (policy is WhenUnsure.HOLD), "people have its life to find out"
        assert one.verdict is not None


def test_what_the_provider_has_is_not_sent_again() -> None:
    assert ended(attempted(asks=True, found="SM1", state=State.AMBIGUOUS)).state is State.SENT


def test_what_the_provider_has_not_after_some_looks_is_sent_again() -> None:
    one = delivery(state=State.AMBIGUOUS)
    looks = 0
    while one.state is State.AMBIGUOUS:
        looks += 1
        one = ended(Ended(Attempt(0, one, Recipient("+15550100"), asks=True), NOW, 0.1), WhenUnsure.LOOK_UP)

    assert looks == 3
    assert (one.state, one.due_at, one.looks) == (State.PENDING, NOW, 0)


def test_a_provider_that_does_not_say_is_asked_later() -> None:
    later = ended(attempted(retry(), asks=True, state=State.AMBIGUOUS), WhenUnsure.LOOK_UP)

    assert later.due_at == NOW + timedelta(seconds=1)


def test_an_expired_delivery_keeps_why_it_was_not_sent() -> None:
    assert expired(delivery(reason="timeout"), NOW).reason == "timeout"
    assert expired(delivery(), NOW).reason == "expired"
