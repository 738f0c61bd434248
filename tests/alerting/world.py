"""An outbox, what the ledger came to hold, and a clock: for the tests of what is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.alert import Alert
from alerting.attempts import Attempt, Ended, Patience
from alerting.channels import WhenUnsure
from alerting.delivery import ChannelStopped, Failure
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.book import OPEN, Book
from alerting.ledger.entries import Delivery, Entry, Held, State
from alerting.limits import DEFAULTS, Limiter
from alerting.outbox import Outbox
from alerting.policies import ChannelPolicy, Routes, Surroundings
from alerting.routing.tree import Told, Untold
from stream.contracts import Source, Verdict
from tests.alerting.verdicts import verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROOM = {"sms": 100, "webhook": 100_000, "sns": 100, "email": 100}


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
        return key.partition("/")[0] not in self.shut

    def untried(self, key: str) -> None:
        pass

    def accepted(self, key: str, now: datetime) -> None:  # noqa: ARG002
        self.shut.discard(key)

    def failed(self, key: str, failure: Failure, now: datetime) -> bool:  # noqa: ARG002
        if not isinstance(failure, ChannelStopped) or key in self.shut:
            return False
        self.shut.add(key)
        return True

    def open_keys(self) -> frozenset[str]:
        return frozenset(self.shut)


class Quiet:
    """Says what a test wants held back."""

    def __init__(self) -> None:
        self.hush: Held | None = None
        self.ended: Held | None = None
        self.of_accounts: dict[str, Held] = {}
        self.stops: set[tuple[str, str]] = set()

    def hushed(self, alert: Alert, group: str, now: datetime) -> Held | None:  # noqa: ARG002
        return self.of_accounts.get(alert.verdict.account_id or "", self.hush)

    def ends(self, group: str, account: str | None, now: datetime) -> Held | None:  # noqa: ARG002
        return self.of_accounts.get(account or "", self.ended)

    def stopped(self, channel: str, recipient: str) -> bool:
        return (channel, recipient) in self.stops

    def stop(self, channel: str, recipient: str) -> None:
        self.stops.add((channel, recipient))


class World:
    """An outbox, what the ledger came to hold, and a clock."""

    def __init__(
        self,
        routes: Routes,
        *,
        name: str = "w-0",
        ledger: dict[tuple[int, str], Entry] | None = None,
        now: datetime = NOW,
        channels: Sequence[str] = ("sms", "webhook"),
        most_waiting: int = 1_000_000,
        when_unsure: WhenUnsure = WhenUnsure.SEND_AGAIN,
        partitions: Iterable[int] = range(4),
    ) -> None:
        self.book = Book()
        self.quiet = Quiet()
        self.gate = Gate()
        self.ledger: dict[tuple[int, str], Entry] = ledger if ledger is not None else {}
        policy = ChannelPolicy(when_unsure, Patience(1.0, 8.0), timedelta(minutes=15), at_once=100)
        self.policies = {
            name: replace(policy, one_provider=name != "webhook", at_once=8 if name == "webhook" else 100)
            for name in channels
        }
        around = Surroundings(
            routes=routes,
            policies=self.policies,
            limits=Limiter(DEFAULTS),
            quiet=self.quiet,
            gate=self.gate,
            most_waiting=most_waiting,
            random=lambda: 1.0,
        )
        self.outbox = Outbox(self.book, around, name=name)
        self.now = now
        for partition in partitions:
            self.open(partition)

    def open(self, partition: int) -> None:
        own = [entry for (at, _), entry in self.ledger.items() if at == partition]
        over = [one.id for one in own if isinstance(one, Delivery) and one.state not in OPEN]
        self.outbox.open(partition, own, self.now, over=over)

    def leave(self) -> None:
        """The ledger as whoever comes after finds it."""
        self.begin()

    def take(
        self, number: int, *, account: str | None = "A", amount: float = 10.1, late_s: float = 0, **changed: Any
    ) -> None:
        usual = {"scored_at": self.now, "source": Source("transactions", number % 4, number)}
        ruled = verdict(transaction_id=f"t-{number}", account_id=account, amount=amount, **{**usual, **changed})
        self.outbox.take(number % 4, ruled, self.now, since=self.now - timedelta(seconds=late_s))

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
