"""What limits hold back is told of in digests; limits hold when notices leave, not only when they are decided on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from alerting.attempts import Ended
from alerting.delivery import ChannelStopped, FailureReason, Refused, Retry, Unsure
from alerting.ledger.entries import Delivery, Held, State
from alerting.notices import OPERATOR
from tests.alerting.world import Desk, World

AWAY = Retry(FailureReason.UNREACHABLE, "away")


def test_a_storm_is_one_text_message_and_one_digest_with_the_exact_total() -> None:
    world = World(Desk("sms"))
    for number in range(10_000):
        world.take(number, account=f"account-{number}", amount=0.1)
        if number % 500 == 0:
            world.run()
            world.later(0.5)
    told = world.run()
    world.later(60)
    told += world.run()

    states = world.states()
    assert states["sms", State.SENT, None] == 2
    assert sum(states.values()) == 10_001, "an entry for each, and one for the digest"
    (digest,) = told
    assert digest.tally is not None
    assert digest.tally.count == 9_999
    assert Decimal(digest.tally.sums["EUR"]) == Decimal("999.9")
    assert world.book.open_deliveries == 0


def sent_at(world: World, seconds: int, failure: Retry | None = None) -> list[datetime]:
    """Runs for so long; when what was taken left."""
    times: list[datetime] = []
    for _ in range(seconds):
        times += [world.now] * len(world.run(failure))
        world.later(1)
    return [] if failure else times


def test_after_an_outage_the_limit_holds_for_what_had_waited() -> None:
    world = World(Desk("sms"))
    for minute in range(10):
        world.take(minute, account=f"account-{minute}")
        sent_at(world, 60, AWAY)
    told = [world.now] * len(world.run())
    told += sent_at(world, 300)

    assert all(later.timestamp() - earlier.timestamp() >= 60 for earlier, later in pairwise(told))
    counted = [one for one in world.ledger.values() if isinstance(one, Delivery) and one.state is State.SENT]
    assert sum(one.tally.count if one.tally else 1 for one in counted) == 10
    assert world.outbox.lost() == []


def test_a_restart_does_not_lift_limits() -> None:
    world = World(Desk("sms"))
    began = []
    for number in range(6):
        world.take(number, account=f"account-{number}")
        began += world.begin()
        world = World(Desk("sms"), ledger=world.ledger, now=world.now)
        world.later(2)
        began += world.begin()

    assert len({attempt.delivery.id for attempt in began}) == 1


def test_partitions_that_come_and_go_count_nothing_twice() -> None:
    world = World(Desk("sms"))
    world.take(0)
    world.run()
    for _ in range(30):
        world.open(0)
    world.later(60)
    world.take(4, account="B")

    assert len(world.run()) == 1


def test_what_reached_nobody_does_not_count_against_its_recipient() -> None:
    world = World(Desk("sms"))
    world.take(0)
    world.run(Refused(FailureReason.CLIENT_ERROR, "400"))
    world.take(1, account="B")

    assert [one.transaction_id for one in world.run()] == ["t-1"]


def test_a_channel_that_does_not_keep_up_holds_back_no_other_and_forgets_nothing() -> None:
    world = World(Desk("webhook", "sns", by=("transaction_id",)), channels=("webhook", "sns"), most_waiting=50)
    world.gate.shut.add("sns")
    told = []
    for number in range(500):
        world.take(number, account=f"account-{number}", amount=0.1)
        told += world.run()
    assert [one.channel for one in told] == ["webhook"] * 500
    assert world.book.open_on("sns") <= 50

    world.gate.shut.clear()
    notes: list[Delivery] = []
    for _ in range(60):
        world.later(61)
        notes += world.run()
    assert {one.channel for one in notes} == {"sns"}
    counted = sum(one.tally.count if one.tally else 1 for one in notes)
    assert counted + len(world.outbox.lost()) == 500
    assert world.states()["sns", State.PARKED, Held.STORM] >= 440


def test_an_alert_of_a_blocked_account_does_not_hold_back_what_a_limit_did() -> None:
    world = World(Desk("sms"))
    for number in range(20):
        world.take(number, account=f"account-{number}", amount=50_000.0)
    world.run()
    world.take(20, account="C", amount=2.0)
    world.quiet.of_accounts["C"] = Held.BLOCKED
    world.quiet.ended = Held.ACKNOWLEDGED
    world.later(60)

    (digest,) = world.run()
    assert digest.tally is not None
    assert digest.tally.count == 20
    assert Decimal(digest.tally.sums["EUR"]) == 950_002


def test_a_look_at_a_provider_is_no_notice_and_has_no_limit() -> None:
    world = World(Desk("sms"))
    world.take(0)
    (attempt,) = world.begin()
    world.outbox.ended(Ended(attempt, world.now, 0.1, "id", None))
    world.begin()

    assert world.states() == {("sms", State.SENT, None): 1}


def test_operators_hear_of_a_channel_that_stands_still_whatever_else_they_heard() -> None:
    world = World(Desk("sms", "email", by=("transaction_id",)), channels=("sms", "email"))
    for number in range(12):
        world.take(number, account=f"account-{number}")
    for attempt in world.begin():
        is_sms = attempt.delivery.channel == "sms"
        failure = ChannelStopped(FailureReason.AUTH_ERROR, "the token is wrong") if is_sms else None
        world.outbox.ended(Ended(attempt, world.now, 0.01, None if failure else "id", failure))
    told = world.run()
    world.later(61)
    told += world.run()

    mails = [one for one in told if one.channel == "email"]
    assert [one.template for one in mails].count(OPERATOR) == 1
    assert [one.tally.count for one in mails if one.tally] == [2], "a page is no fraud"


def test_what_waits_before_a_closed_gate_grows_no_younger_by_limits() -> None:
    world = World(Desk("sms"))
    world.gate.shut.add("sms")
    for minute in range(30):
        if minute < 2:
            world.take(minute, account=f"account-{minute}")
        world.run()
        world.later(60)

    assert world.book.open_deliveries == 0
    reasons = [lost.delivery.reason for lost in world.outbox.lost()]
    assert reasons == ["expired"] * len(reasons)
    assert sum(1 for _ in reasons) == 2


def test_what_may_have_been_sent_waits_for_the_limit_under_its_own_id() -> None:
    world = World(Desk("sms"))
    world.take(0)
    (attempt,) = world.begin()
    world.outbox.ended(Ended(attempt, world.now, 0.01, None, Unsure(FailureReason.TIMEOUT, "no answer")))
    world.later(61)
    world.take(1, account="B")
    world.gate.shut.clear()
    told = [one.alert_id for one in world.run()]
    for _ in range(10):
        world.later(61)
        told += [one.alert_id for one in world.run()]

    assert told.count(attempt.delivery.alert_id) == 1, "not once more in a digest"
    assert not [one for one in world.ledger.values() if isinstance(one, Delivery) and one.tally and one.tally.count > 1]


def test_an_alert_of_an_account_that_was_answered_while_it_waited_is_held_back() -> None:
    world = World(Desk("webhook"))
    world.gate.shut.add("webhook")
    world.take(0)
    world.run()
    world.quiet.of_accounts["A"] = Held.ACKNOWLEDGED
    world.gate.shut.clear()

    assert world.run() == []
    assert world.states() == {("webhook", State.PARKED, Held.ACKNOWLEDGED): 1}
