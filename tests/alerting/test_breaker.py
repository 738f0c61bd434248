"""What does not answer is left alone, tried with one attempt, and let in again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from alerting.breaker import Breaker
from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DOWN = Retry(FailureReason.UNREACHABLE, "nobody answers")
STOPPED = ChannelStopped(FailureReason.AUTH_ERROR, "the token is wrong")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened() -> Breaker:
    """Open since `NOW`."""
    breaker = Breaker()
    assert [breaker.failed("sms", DOWN, NOW) for _ in range(5)] == [False] * 4 + [True]
    return breaker


@pytest.mark.parametrize(
    "failure",
    [
        DOWN,
        Unsure(FailureReason.TIMEOUT, "no answer"),
        Retry(FailureReason.TLS_ERROR, "no handshake"),
        Retry(FailureReason.SERVER_ERROR, "503"),
        Refused(FailureReason.AUTH_ERROR, "401"),
    ],
)
def test_five_failures_in_a_row_open_it(failure: Failure) -> None:
    breaker = Breaker()

    for _ in range(4):
        assert not breaker.failed("sms", failure, NOW)
        assert breaker.ready("sms", NOW)
    assert breaker.failed("sms", failure, NOW)

    assert not breaker.ready("sms", at(4.9))
    assert breaker.open_keys() == {"sms"}


def test_mailboxes_that_take_nothing_for_now_stop_mail_for_nobody_else() -> None:
    breaker = Breaker()

    assert not any(breaker.failed("email", Retry(FailureReason.PUT_OFF, "451"), NOW) for _ in range(100))
    assert breaker.ready("email", NOW)


def test_what_was_accepted_in_between_counts_anew() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker.failed("sms", DOWN, NOW)

    breaker.accepted("sms", NOW)

    assert not any(breaker.failed("sms", DOWN, NOW) for _ in range(4))
    assert breaker.ready("sms", NOW)


@pytest.mark.parametrize(
    "reason", [FailureReason.RATE_LIMITED, FailureReason.CLIENT_ERROR, FailureReason.INVALID_RECIPIENT]
)
def test_whoever_refuses_is_there(reason: FailureReason) -> None:
    breaker = opened()
    assert breaker.ready("sms", at(5))

    assert not breaker.failed("sms", Refused(reason, "no"), at(5))

    assert all(breaker.ready("sms", at(5)) for _ in range(3))
    assert breaker.open_keys() == frozenset()


def test_after_the_pause_one_is_let_through_until_it_has_ended() -> None:
    breaker = opened()

    assert [breaker.ready("sms", at(5)) for _ in range(3)] == [True, False, False]
    breaker.accepted("sms", at(6))

    assert all(breaker.ready("sms", at(6)) for _ in range(3))


def test_pauses_double_to_a_minute_while_probes_fail_and_are_no_news() -> None:
    breaker, now, pauses = opened(), NOW, []
    for _ in range(6):
        pause = next(seconds for seconds in range(100) if breaker.ready("sms", now + timedelta(seconds=seconds)))
        pauses.append(pause)
        now += timedelta(seconds=pause)
        assert not breaker.failed("sms", DOWN, now)

    assert pauses == [5, 10, 20, 40, 60, 60]


def test_a_probe_that_is_never_heard_of_does_not_keep_it_shut() -> None:
    breaker = opened()
    assert breaker.ready("sms", at(5))

    assert not breaker.ready("sms", at(64))
    assert breaker.ready("sms", at(65))


def test_a_probe_that_asked_nobody_makes_room_for_another() -> None:
    breaker = opened()
    assert breaker.ready("sms", at(5))

    breaker.failed("sms", Refused(FailureReason.ADDRESS_REFUSED, "a private address"), at(5))

    assert breaker.open_keys() == {"sms"}
    assert [breaker.ready("sms", at(5)) for _ in range(2)] == [True, False]


def test_failures_of_attempts_that_had_begun_before_do_not_lengthen_the_pause() -> None:
    breaker = opened()

    assert not any(breaker.failed("sms", DOWN, at(3)) for _ in range(20))

    assert breaker.ready("sms", at(5))


def test_a_channel_that_somebody_must_mend_rests_for_five_minutes_at_once() -> None:
    breaker = Breaker()

    assert breaker.failed("sms", STOPPED, NOW)

    assert not breaker.ready("sms", at(299))
    assert breaker.ready("sms", at(300))
    assert not breaker.failed("sms", STOPPED, at(300)), "that is known"
    assert not breaker.ready("sms", at(599))


def test_that_it_must_be_mended_is_news_of_what_only_did_not_answer() -> None:
    breaker = opened()

    assert breaker.failed("sms", STOPPED, at(1))

    assert not breaker.ready("sms", at(300))
    assert breaker.ready("sms", at(301))


def test_one_dead_host_shuts_no_other() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed("webhook/aaaa", DOWN, NOW)

    assert not breaker.ready("webhook/aaaa", NOW)
    assert breaker.ready("webhook/bbbb", NOW)


@pytest.mark.parametrize("seed", range(5))
def test_while_it_is_open_no_two_attempts_begin_within_a_pause(seed: int) -> None:
    dice, breaker, now, begun = random.Random(seed), opened(), NOW, [NOW]
    for _ in range(5_000):
        now += timedelta(seconds=dice.expovariate(2))
        if breaker.ready("sms", now):
            begun.append(now)
            if dice.random() < 0.8:
                breaker.failed("sms", DOWN, now)

    assert all(late - early >= timedelta(seconds=5) for early, late in pairwise(begun))
    assert len(begun) > 20
