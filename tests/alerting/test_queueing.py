"""What is due stands in line: a host that hangs leaves room to others, and what waits costs next to nothing."""

from __future__ import annotations

from alerting.alert import Alert
from alerting.attempts import Ended
from alerting.delivery import FailureReason, Retry
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.entries import State
from alerting.routing.tree import Told
from tests.alerting.world import NOW, Desk, World


def test_what_stands_before_a_closed_gate_still_expires() -> None:
    world = World(Desk("webhook"))
    world.gate.shut.add("webhook")
    world.take(0)
    assert world.run() == []
    world.later(901)
    assert world.run() == []

    (lost,) = world.outbox.lost()
    assert lost.delivery.reason == "expired"


def test_a_provider_that_is_dead_for_ten_minutes_gets_its_notices_after() -> None:
    world = World(Desk("sms", "webhook"))
    world.take(0)
    down = Retry(FailureReason.UNREACHABLE, "away")
    told_by_webhook = []
    for _ in range(60):
        for attempt in world.begin():
            is_sms = attempt.delivery.channel == "sms"
            told_by_webhook += [] if is_sms else [world.now]
            world.outbox.ended(Ended(attempt, world.now, 0.01, None if is_sms else "id", down if is_sms else None))
        world.later(10)
    assert told_by_webhook == [NOW], "at once, and nobody waited"

    world.later(10)
    assert [one.channel for one in world.run()] == ["sms"]
    assert world.outbox.lost() == []


class TwoHosts(Desk):
    """Two webhooks, one told of every alert before the other."""

    asked = 0

    def told(self, alert: Alert) -> Told:  # noqa: ARG002
        self.asked += 1
        grouping = Grouping(("transaction_id",))
        return Told(
            tuple(
                Destination("desk", "webhook", Recipient(host), "analyst", grouping, "") for host in ("slow", "quick")
            )
        )


def test_a_host_that_hangs_leaves_threads_to_the_others() -> None:
    world = World(TwoHosts())
    for number in range(100):
        world.take(number)
    quick = Recipient("quick").fingerprint("webhook")
    told = 0
    for _ in range(100):
        attempts = world.outbox.due(world.now, {"webhook": 16 - len(world.outbox._on_their_way), "sms": 0})  # noqa: SLF001
        for attempt in attempts:
            if attempt.delivery.recipient == quick:
                world.outbox.ended(Ended(attempt, world.now, 0.01, "id", None))
                told += 1

    assert told == 100


def test_what_waits_before_a_closed_gate_is_not_looked_at_one_by_one() -> None:
    desk = TwoHosts()
    world = World(desk)
    for number in range(500):
        world.take(number)
    world.gate.shut.add("webhook")
    world.begin()
    asked = desk.asked
    for _ in range(100):
        world.later(0.1)
        world.begin()

    assert desk.asked - asked <= 200, "only whoever stands first is"
    assert world.states()["webhook", State.PENDING, None] == 1000


def test_what_was_put_off_and_comes_due_again_stands_in_line_once() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    for _ in range(5):
        world.run(Retry(FailureReason.UNREACHABLE, "away"))
        world.later(20)
    world.begin()

    assert len(world.run()) <= 1


def test_a_long_line_does_not_take_all_the_room() -> None:
    world = World(TwoHosts())
    for number in range(200):
        world.take(number)
    slow = Recipient("slow").fingerprint("webhook")
    for _ in range(50):  # both have shown that they answer
        for attempt in world.outbox.due(world.now, {"webhook": 4, "sms": 0}):
            world.outbox.ended(Ended(attempt, world.now, 0.01, "id", None))
    shares = [one.delivery.recipient == slow for one in world.outbox.due(world.now, {"webhook": 8, "sms": 0})]

    assert sorted(shares) == [False] * 4 + [True] * 4
    again = [world.outbox.due(world.now, {"webhook": 1, "sms": 0})[0].delivery.recipient == slow for _ in range(4)]
    assert sorted(again) == [False, False, True, True], "with room for one they take turns"
