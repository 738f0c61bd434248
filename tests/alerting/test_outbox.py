"""Who is told, and when: nothing twice, nothing never, and not all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alerting.alert import Alert
from alerting.attempts import OVER_AFTER, Attempt, Ended, Patience
from alerting.channels import WhenUnsure
from alerting.delivery import ChannelStopped, Failure, FailureReason, RecipientStopped, Refused, Retry
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery, Entry, Held, State
from alerting.limits import DEFAULTS, Limiter
from alerting.notices import OPERATOR
from alerting.outbox import Outbox
from alerting.policies import ChannelPolicy
from alerting.routing.tree import Told, Untold, UntoldReason
from stream.contracts import Source, Verdict
from tests.alerting.verdicts import verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROOM = {"sms": 100, "webhook": 100_000}


class Desk:
    """One receiver with a phone and a webhook."""

    def __init__(self, *channels: str, by: tuple[str, ...] = ("account_id",)) -> None:
        self._channels = channels
        self._grouping = Grouping(by)
        self.untold: tuple[Untold, ...] = ()

    def alert(self, verdict: Verdict) -> Alert:
        return Alert(verdict, "high")

    def told(self, alert: Alert) -> Told:  # noqa: ARG002
        return Told(tuple(self.operators()), self.untold)

    def operators(self) -> Sequence[Destination]:
        return [
            Destination("desk", channel, Recipient(f"{channel}-address"), "analyst", self._grouping, "route")
            for channel in self._channels
        ]


class Gate:
    """Lets everything pass that is not shut by hand."""

    def __init__(self) -> None:
        self.shut: set[str] = set()

    def ready(self, key: str, now: datetime) -> bool:  # noqa: ARG002
        return key not in self.shut

    def accepted(self, key: str, now: datetime) -> None:  # noqa: ARG002
        self.shut.discard(key)

    def failed(self, key: str, failure: Failure, now: datetime) -> bool:  # noqa: ARG002
        if not isinstance(failure, ChannelStopped) or key in self.shut:
            return False
        self.shut.add(key)
        return True

    def open_keys(self) -> frozenset[str]:
        return frozenset(self.shut)


class World:
    """An outbox, what the ledger came to hold, and a clock."""

    def __init__(self, routes: Desk, *, name: str = "w-0", ledger: dict[tuple[int, str], Entry] | None = None) -> None:
        self.book = Book()
        self.hush: Held | None = None
        self.stops: set[tuple[str, str]] = set()
        self.gate = Gate()
        self.ledger: dict[tuple[int, str], Entry] = ledger if ledger is not None else {}
        policy = ChannelPolicy(WhenUnsure.SEND_AGAIN, Patience(1.0, 8.0), timedelta(minutes=15))
        self.outbox = Outbox(
            self.book,
            routes,
            Limiter(DEFAULTS),
            {"sms": policy, "webhook": policy},
            name=name,
            hushed=lambda *_: self.hush,
            stops=self.stops,
            gate=self.gate,
            random=lambda: 1.0,
        )
        self.now = NOW
        for partition in range(4):
            own = [entry for (at, _), entry in self.ledger.items() if at == partition]
            self.outbox.open(partition, own, self.now)

    def take(self, number: int, *, account: str = "A", amount: float = 10.1) -> None:
        ruled = verdict(
            transaction_id=f"t-{number}",
            account_id=account,
            amount=amount,
            source=Source("transactions", number % 4, number),
        )
        self.outbox.take(number % 4, ruled, self.now)

    def begin(self) -> list[Attempt]:
        attempts = self.outbox.due(self.now, ROOM)
        for partition in self.outbox.doubtful():
            page = [entry for (at, _), entry in self.ledger.items() if at == partition]
            self.outbox.look_again(partition, page, self.now)
            attempts += self.outbox.due(self.now, ROOM)
        for change in self.book.changes():
            if change.entry is None:
                self.ledger.pop((change.partition, change.key), None)
            else:
                self.ledger[change.partition, change.key] = change.entry
        return attempts

    def run(self, failure: Failure | None = None) -> list[Delivery]:
        """Everything that is due now, until nothing is; all of it accepted, or all failed."""
        done: list[Delivery] = []
        while attempts := self.begin():
            for attempt in attempts:
                done.append(attempt.delivery)
                found = None if failure else f"id-{attempt.delivery.id}"
                self.outbox.ended(Ended(attempt, self.now, 0.01, found, failure))
            if failure is not None:
                self.begin()
                break
        return done

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def states(self) -> Counter[tuple[str, State, Held | None]]:
        return Counter((one.channel, one.state, one.held) for one in self.ledger.values() if isinstance(one, Delivery))


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
    assert {one.digest for one in held} == {digest.alert_id}


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
    world.hush = Held.SILENCE
    world.take(0)

    assert world.run() == []
    assert world.states() == {("webhook", State.PARKED, Held.SILENCE): 1}


def test_a_group_that_was_acknowledged_has_no_digest_and_its_count_is_kept() -> None:
    world = World(Desk("webhook"))
    world.take(0)
    world.take(1)
    world.run()
    world.hush = Held.ACKNOWLEDGED
    world.later(300)

    assert world.run() == []
    assert world.states()["webhook", State.PARKED, Held.ACKNOWLEDGED] == 1
    (kept,) = [one for one in world.ledger.values() if isinstance(one, Delivery) and one.tally]
    assert kept.tally is not None
    assert kept.tally.count == 1


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


def test_what_stands_before_a_closed_gate_still_expires() -> None:
    world = World(Desk("webhook"))
    world.gate.shut.add("webhook")
    world.take(0)
    assert world.run() == []
    world.later(901)
    assert world.run() == []

    (lost,) = world.outbox.lost()
    assert lost.delivery.reason == "expired"


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
