"""Alerts that are told of together: exactly counted, nobody forgotten, and nobody told of what is another's."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from alerting.alert import Alert
from alerting.attempts import Ended
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.entries import Delivery, Entry, Group, Held, State
from alerting.routing.tree import Told
from tests.alerting.world import NOW, Desk, World


def test_the_first_alert_of_a_group_goes_out_at_once_and_the_others_as_one_digest() -> None:
    world = World(Desk("webhook"))
    for number in range(10):
        world.take(number)
    first = world.run()
    world.later(299)
    assert world.run() == []
    world.later(1)
    (digest,) = world.run()

    assert [one.transaction_id for one in first] == ["t-0"]
    assert digest.tally is not None
    assert (digest.tally.count, digest.tally.sums) == (9, {"EUR": "90.9"})
    held = [one for one in world.ledger.values() if isinstance(one, Delivery) and one.held is Held.GROUP]
    assert len(held) == 9
    assert {one.digest for one in held} == set(digest.counts), "each partition's part has a name of its own"


def test_a_restart_within_the_interval_still_gathers_a_digest() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.run()

    again = World(Desk("webhook"), ledger=world.ledger)
    again.later(10)
    again.run()
    again.take(1)
    assert again.run() == []
    again.later(290)
    assert [one.tally.count for one in again.run() if one.tally] == [1]


def test_a_silence_holds_back_and_is_listed() -> None:
    world = World(Desk("webhook"))
    world.quiet.hush = Held.SILENCE
    world.take(0)

    assert world.run() == []
    assert world.states() == {("webhook", State.PARKED, Held.SILENCE): 1}


def test_a_group_that_was_acknowledged_has_no_digest_and_its_count_is_kept() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.take(1)
    world.run()
    world.quiet.ended = Held.ACKNOWLEDGED
    world.later(300)

    assert world.run() == []
    assert world.states()["webhook", State.PARKED, Held.ACKNOWLEDGED] == 1
    (kept,) = [one for one in world.ledger.values() if isinstance(one, Delivery) and one.tally]
    assert kept.tally is not None
    assert kept.tally.count == 1


class Household(Desk):
    """Tells each account's holder, with all alerts together."""

    def told(self, alert: Alert) -> Told:
        phone = Recipient(f"phone of {alert.verdict.account_id}")
        return Told((Destination("holders", "sms", phone, "holder", Grouping(("currency",)), "route"),))


class Moving(Desk):
    """Whose people change."""

    def __init__(self, *people: str) -> None:
        super().__init__("webhook")
        self.people = people

    def told(self, alert: Alert) -> Told:  # noqa: ARG002
        grouping = Grouping(("account_id",))
        return Told(
            tuple(Destination("desk", "webhook", Recipient(one), "analyst", grouping, "") for one in self.people)
        )


def told_of(notices: Sequence[Delivery]) -> int:
    return sum(one.tally.count if one.tally else 1 for one in notices)


def test_a_digest_goes_to_whom_it_counts_alerts_of_and_to_nobody_else() -> None:
    world = World(Household())
    for number, account in enumerate("ABCAB"):
        world.take(number, account=account)
    first = world.run()
    world.later(300)
    digests = world.run()

    assert len({one.recipient for one in first}) == 3
    assert sorted(one.tally.count for one in digests if one.tally) == [1, 1]
    for digest in digests:
        assert digest.verdict is not None
        assert digest.recipient == Recipient(f"phone of {digest.verdict.account_id}").fingerprint("sms")


def test_who_is_told_of_later_alerts_elsewhere_still_gets_the_digest_of_the_earlier_ones() -> None:
    desk = Moving("anna", "carl")
    world = World(desk)
    world.take(0)
    world.run()
    world.take(1)
    desk.people = ("carl",)
    world.take(2)
    desk.people = ("anna", "carl")
    world.later(300)

    counts = {one.recipient: one.tally.count for one in world.run() if one.tally}
    assert counts == {Recipient("anna").fingerprint("webhook"): 1, Recipient("carl").fingerprint("webhook"): 2}


def test_a_digest_for_somebody_whom_the_rules_name_no_more_is_a_dead_letter_with_all_that_it_counts() -> None:
    desk = Moving("anna", "carl")
    world = World(desk)
    for number in range(4):
        world.take(number)
    world.run()
    world.begin()

    desk.people = ("carl",)
    again = World(desk, ledger=world.ledger, now=NOW + timedelta(seconds=300))
    (digest,) = again.run()
    (lost,) = again.outbox.lost()

    assert digest.tally is not None
    assert lost.tally is not None
    assert (digest.tally.count, lost.tally.count) == (3, 3)
    assert (lost.delivery.reason, lost.delivery.channel) == ("recipient_gone", "webhook")
    assert lost.delivery.recipient == Recipient("anna").fingerprint("webhook")
    assert set(lost.delivery.counts) == {
        one.digest
        for one in again.ledger.values()
        if isinstance(one, Delivery) and one.held is Held.GROUP and one.recipient == lost.delivery.recipient
    }


def test_alerts_of_nobody_knows_whose_account_are_not_of_one_account() -> None:
    world = World(Desk("webhook"))
    for number in range(3):
        world.take(number, account=None)

    assert len(world.run()) == 3


def test_an_account_that_is_blocked_holds_back_its_own_digest_and_no_other() -> None:
    world = World(Desk("webhook", by=()))
    for number, account in enumerate("ABCB"):
        world.take(number, account=account)
    world.run()
    world.quiet.of_accounts["B"] = Held.BLOCKED
    world.take(4, account="B")
    world.later(300)

    (digest,) = world.run()
    assert digest.tally is not None
    assert digest.tally.count == 3, "what came before the block was not held back"
    assert world.states()["webhook", State.PARKED, Held.BLOCKED] == 1


def test_a_digest_of_one_account_is_held_back_once_that_is_blocked() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.take(1)
    world.run()
    world.quiet.of_accounts["A"] = Held.BLOCKED
    world.later(300)

    assert world.run() == []
    assert world.states()["webhook", State.PARKED, Held.BLOCKED] == 1


def test_a_group_in_many_partitions_takes_no_more_memory_as_time_goes_by() -> None:
    world = World(Desk("webhook", by=()))
    for number in range(2_000):
        world.take(number, account=f"account-{number}")
        world.run()
        world.later(10)

    assert len(world.book._due) < 50  # noqa: SLF001 (what memory and time are taken by)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_each_alert_is_counted_exactly_once(seed: int) -> None:
    dice = random.Random(seed)
    desk = Desk("webhook", by=dice.choice([(), ("account_id",), ("currency",)]))
    world = World(desk, name="w-0")
    told: list[Delivery] = []
    for number in range(300):
        world.take(number, account=dice.choice("ABC"), currency=dice.choice(["EUR", "USD"]))
        if dice.random() < 0.3:
            told += world.run()
        world.later(dice.expovariate(1 / 20))
        if dice.random() < 0.02:
            told += world.run()
            world.begin()
            world = World(desk, name=dice.choice(["w-0", "w-1"]), ledger=world.ledger, now=world.now)
    for _ in range(5):
        world.later(400)
        told += world.run()

    assert told_of(told) == 300
    assert world.outbox.lost() == []
    assert not [one for one in world.ledger.values() if isinstance(one, Group)], "nothing waits, nothing is kept"


@pytest.mark.parametrize("seed", range(30))
def test_while_partitions_move_between_workers_each_alert_is_counted_exactly_once(seed: int) -> None:
    dice = random.Random(seed)
    desk = Desk("sms", by=dice.choice([(), ("currency",), ("account_id",)]))
    ledger: dict[tuple[int, str], Entry] = {}
    workers = [World(desk, name=f"w-{slot}", ledger=ledger, partitions=[]) for slot in (0, 1)]
    owner = {partition: dice.randrange(2) for partition in range(4)}
    for partition, slot in owner.items():
        workers[slot].open(partition)
    told: list[Delivery] = []
    for number in range(400):
        if number < 300:
            workers[owner[number % 4]].take(
                number, account=f"account-{number % 7}", currency=dice.choice(["EUR", "USD"])
            )
        for worker in workers:
            told += worker.run()
            worker.later(30)
        if dice.random() < 0.1:
            partition = dice.randrange(4)
            workers[owner[partition]].book.close(partition)
            owner[partition] = 1 - owner[partition]
            workers[owner[partition]].open(partition)
    for _ in range(40):
        for worker in workers:
            told += worker.run()
            worker.later(400)

    assert told_of(told) == 300
    assert len({one.id for one in told}) == len(told)
    assert [worker.outbox.lost() for worker in workers] == [[], []]
    assert not [one for one in ledger.values() if isinstance(one, Group)], "nothing waits, nothing is kept"


def test_a_part_of_what_waits_is_told_of_though_another_part_moves() -> None:
    world = World(Desk("sms"))
    for number in range(8):
        world.take(number, account=f"account-{number}")
    (attempt,) = world.begin()
    world.later(20)
    world.outbox.ended(Ended(attempt, world.now, 20.0, "id", None))
    world.later(41)
    assert world.run() == [], "the limit counts from when the first was sent"
    world.book.close(0)
    world.later(1_000)

    (digest,) = world.run()
    assert digest.tally is not None
    assert digest.tally.count == 6
