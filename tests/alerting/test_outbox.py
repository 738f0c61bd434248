"""Who is told, and when: nothing twice, nothing never, and not all at once."""

from __future__ import annotations

from datetime import timedelta

from alerting.attempts import OVER_AFTER, Ended
from alerting.channels import WhenUnsure
from alerting.delivery import ChannelStopped, FailureReason, RecipientStopped, Refused, Retry, Unsure
from alerting.ledger.entries import Delivery, State
from alerting.notices import OPERATOR
from alerting.routing.tree import Untold, UntoldReason
from tests.alerting.world import NOW, Desk, World


def test_a_restart_goes_on_where_the_ledger_says() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    begun = world.begin()
    assert {one.delivery.channel for one in begun} == {"sms", "webhook"}
    world.take(1)
    world.begin()

    again = World(Desk("sms", "webhook"), ledger=world.ledger)
    repeated = again.run()
    again.later(300)
    digests = again.run()

    assert {one.id for one in repeated} == {one.delivery.id for one in begun}, "the same ids, for receivers to tell"
    assert [one.tally.count for one in digests if one.tally] == [1, 1]


def test_another_worker_waits_until_the_attempt_must_have_ended() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.begin()

    other = World(Desk("webhook"), name="w-1", ledger=world.ledger)
    assert other.run() == []
    other.later(OVER_AFTER.total_seconds())
    assert len(other.run()) == 1


def test_what_another_worker_wrote_down_after_it_lost_the_partition_is_not_sent_again() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    (attempt,) = world.begin()
    other = World(Desk("webhook"), name="w-1", ledger=world.ledger)
    assert other.run() == []
    world.book.close(0)
    world.outbox.ended(Ended(attempt, world.now, 0.01, "id", None))
    world.begin()

    other.later(OVER_AFTER.total_seconds())
    assert other.run() == []
    assert other.states() == {("webhook", State.SENT, None): 1}
    assert other.book.open_deliveries == 0


def test_what_was_sent_is_never_sent_again() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    world.run()

    again = World(Desk("sms", "webhook"), ledger=world.ledger)
    again.later(10_000)
    assert again.run() == []


def test_a_channel_that_fails_keeps_nobody_else_waiting() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    for attempt in world.begin():
        failure = Retry(FailureReason.UNREACHABLE, "away") if attempt.delivery.channel == "sms" else None
        world.outbox.ended(Ended(attempt, world.now, 0.01, None if failure else "id", failure))
    world.begin()
    assert world.states() == {("sms", State.PENDING, None): 1, ("webhook", State.SENT, None): 1}

    world.later(1)
    assert [one.channel for one in world.run()] == ["sms"]


def test_what_nobody_will_take_is_lost_with_its_reason_and_its_verdict() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.run(Refused(FailureReason.CLIENT_ERROR, "404"))

    (lost,) = world.outbox.lost()
    assert (lost.delivery.state, lost.delivery.reason) == (State.DEAD, "client_error")
    assert lost.verdict is not None
    assert lost.verdict.transaction_id == "t-0"


def test_a_recipient_whom_the_rules_name_no_more_is_not_told() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.begin()

    again = World(Desk("sms"), ledger=world.ledger)
    assert again.run() == []
    (lost,) = again.outbox.lost()
    assert lost.delivery.reason == "recipient_gone"


def test_a_channel_that_stands_still_has_operators_paged_on_the_others_and_goes_on_once_mended() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    for attempt in world.begin():
        is_sms = attempt.delivery.channel == "sms"
        failure = ChannelStopped(FailureReason.AUTH_ERROR, "the token is wrong") if is_sms else None
        world.outbox.ended(Ended(attempt, world.now, 0.01, None if failure else "id", failure))
    (page,) = world.run()
    world.later(10)

    assert (page.channel, page.template, page.fields["channel"]) == ("webhook", OPERATOR, "sms")
    assert world.run() == [], "nothing is tried before the gate opens"
    world.gate.shut.clear()
    world.later(1)
    assert [one.channel for one in world.run()] == ["sms"]


def test_who_wants_nothing_more_gets_nothing_more_on_that_channel() -> None:
    world = World(Desk("sms"))
    world.take(0)
    world.run(RecipientStopped(FailureReason.RECIPIENT_STOPPED, "21610"))
    world.later(60)
    world.take(1, account="B")

    assert world.run() == []
    assert [one.delivery.reason for one in world.outbox.lost()] == ["recipient_stopped", "recipient_stopped"]


def test_a_holder_of_whom_no_address_is_known_is_a_dead_letter() -> None:
    desk = Desk("webhook")
    desk.untold = (Untold("holder", "sms", "route/routes/0", UntoldReason.NO_ADDRESS),)
    world = World(desk)
    world.take(0)
    world.run()

    (lost,) = world.outbox.lost()
    assert (lost.delivery.receiver, lost.delivery.reason, lost.verdict is not None) == ("holder", "no_address", True)
    assert world.states()["sms", State.DEAD, None] == 1


def test_an_attempt_that_is_under_way_is_no_orphan_where_its_partition_comes_back() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    (attempt,) = world.begin()
    world.book.close(0)
    world.outbox.open(0, [entry for (at, _), entry in world.ledger.items() if at == 0], world.now)

    assert world.run() == []
    world.outbox.ended(Ended(attempt, world.now, 0.01, "id", None))
    world.begin()
    assert world.states() == {("webhook", State.SENT, None): 1}


def test_what_ends_late_does_not_undo_what_another_attempt_came_to() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    (attempt,) = world.begin()
    world.book.close(0)
    other = World(Desk("webhook"), name="w-1", ledger=world.ledger)
    other.later(OVER_AFTER.total_seconds())
    assert len(other.run()) == 1
    world.now = other.now
    world.open(0)

    world.outbox.ended(Ended(attempt, world.now, 30.0, None, Retry(FailureReason.TIMEOUT, "late")))
    assert world.run() == []
    assert world.states() == {("webhook", State.SENT, None): 1}


def test_a_channel_that_is_configured_no_more_leaves_dead_letters_in_every_state() -> None:
    world = World(Desk("sms", "webhook"), when_unsure=WhenUnsure.HOLD)
    failures = (
        Retry(FailureReason.UNREACHABLE, "away"),
        Unsure(FailureReason.TIMEOUT, "no answer"),
        None,
    )
    for number, failure in enumerate(failures):
        world.take(number, account=f"account-{number}")
        world.later(61)
        for attempt in world.begin():
            if failure is not None:
                world.outbox.ended(Ended(attempt, world.now, 0.01, None, failure))
    world.begin()

    left = World(Desk("webhook"), ledger=world.ledger, now=world.now, channels=["webhook"])
    left.run()
    left.later(60)
    left.run()

    lost = left.outbox.lost()
    assert {(one.delivery.channel, one.delivery.reason) for one in lost} == {("sms", "recipient_gone")}
    assert sum(one.tally.count if one.tally else 1 for one in lost) == 3


def test_a_verdict_that_is_read_again_is_told_of_once() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    first = world.run()
    for seconds in (1, 400):
        world.later(seconds)
        world.take(0, scored_at=NOW)
        assert world.run() == []
    again = World(Desk("sms", "webhook"), ledger=world.ledger, now=world.now)
    again.take(0, scored_at=NOW)

    assert again.run() == []
    assert len(first) == 2
    assert (world.outbox.repeated(), again.outbox.repeated()) == (4, 2)
    assert {one.state for one in world.ledger.values() if isinstance(one, Delivery)} == {State.SENT}


def test_what_is_in_doubt_and_nobody_finds_out_is_a_dead_letter_once_its_life_is_over() -> None:
    world = World(Desk("webhook"), when_unsure=WhenUnsure.HOLD)
    world.take(0)
    (attempt,) = world.begin()
    world.outbox.ended(Ended(attempt, world.now, 0.01, None, Unsure(FailureReason.TIMEOUT, "no answer")))
    world.later(899)
    assert world.run() == []
    world.later(2)
    assert world.run() == []

    (lost,) = world.outbox.lost()
    assert (lost.delivery.reason, lost.delivery.unsure, lost.verdict is not None) == ("timeout", True, True)
    assert world.book.open_deliveries == 0


def test_a_verdict_that_is_read_hours_late_is_no_news_any_more() -> None:
    world = World(Desk("webhook"))
    world.take(0, late_s=5 * 3600)
    world.take(1, late_s=14 * 60)

    (told,) = world.run()
    (lost,) = world.outbox.lost()
    assert (lost.delivery.transaction_id, lost.delivery.reason) == ("t-0", "expired")
    assert told.transaction_id == "t-1", "what was too late is no reason for it to wait"
    assert told.expires_at == NOW + timedelta(minutes=1)


def test_a_clock_that_was_put_back_by_a_day_before_a_restart_holds_nobody_back() -> None:
    world = World(Desk("sms"), now=NOW + timedelta(days=1))
    world.take(0)
    world.run()
    world.take(1, account="B")
    world.begin()

    again = World(Desk("sms"), ledger=world.ledger, now=NOW)
    again.take(2, account="C")
    again.later(60)
    told = again.run()
    again.later(60)
    told += again.run()

    assert sum(one.tally.count if one.tally else 1 for one in told) == 2


def test_who_said_stop_meanwhile_does_not_get_what_was_put_off() -> None:
    world = World(Desk("sms"))
    world.take(0)
    world.run(Retry(FailureReason.UNREACHABLE, "away"))
    world.quiet.stops = {("sms", one.recipient) for one in world.ledger.values() if isinstance(one, Delivery)}
    world.later(10)

    assert world.run() == []
    (lost,) = world.outbox.lost()
    assert lost.delivery.reason == "recipient_stopped"


def test_operators_are_paged_though_the_attempt_s_partition_has_gone() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    attempts = {one.delivery.channel: one for one in world.begin()}
    world.book.close(0)
    stopped = ChannelStopped(FailureReason.AUTH_ERROR, "the token is wrong")
    world.outbox.ended(Ended(attempts["sms"], world.now, 0.01, None, stopped))

    assert [(one.channel, one.template) for one in world.run()] == [("webhook", OPERATOR)]
