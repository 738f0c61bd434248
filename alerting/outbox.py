"""What is to be told to whom, and when: decisions about verdicts, ended attempts and the clock (no I/O).

Everything that is decided is an entry of the ledger, in the `Book`; the worker writes what changed and only then acts.
The stages have files of their own: `grouping`, `limiting`, `queueing`, `recording`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from alerting.attempts import OVER_AFTER, Attempt, Ended, after, begun, expired, gone, not_begun, orphaned, stopped
from alerting.channels import WhenUnsure
from alerting.delivery import ChannelStopped, RecipientStopped
from alerting.grouping import Groups
from alerting.ledger.book import Book
from alerting.ledger.entries import Confirmation, Delivery, Entry, Group, Held, State
from alerting.limiting import Limiting
from alerting.notices import OPERATOR, parked, recipient_of
from alerting.paging import Paging
from alerting.policies import Lost, Stopped, Surroundings
from alerting.queueing import Place, Queue
from alerting.recording import Recorder
from stream.contracts import Verdict


class Outbox:
    """Decides for the partitions that the book has open. Used by one thread.

    Args:
        book: Where decisions stand.
        around: What they go by.
        name: The worker's, stable over restarts.
    """

    def __init__(self, book: Book, around: Surroundings, *, name: str) -> None:
        self._book = book
        self._routes = around.routes
        self._policies = around.policies
        self._quiet = around.quiet
        self._gate = around.gate
        self._random = around.random
        self._name = name
        self._recorder = Recorder(book, around.limits)
        self._limiting = Limiting(book, around, self._recorder)
        self._groups = Groups(book, around, self._limiting, self._recorder)
        self._queue = Queue(around.policies, around.gate)
        self._paging = Paging(around.routes, around.policies, name=name)
        self._on_their_way: set[str] = set()
        self._doubtful: set[int] = set()
        self._stopped: list[Stopped] = []

    def open(self, partition: int, entries: Iterable[Entry], now: datetime, *, over: Iterable[str] = ()) -> None:
        """Goes on with a partition where the ledger says that it was left.

        Args:
            partition: Which.
            entries: What is open, groups, and what was sent lately.
            now: With a zone.
            over: Ids of notices that are over.
        """
        latest = {(type(entry), entry.id): entry for entry in entries}
        self._book.open(partition, latest.values(), over=over)
        for entry in latest.values():
            if isinstance(entry, Confirmation):
                continue
            if isinstance(entry, Group):
                self._book.wake(partition, entry.id, now)
            elif entry.state in (State.PARKED, State.DEAD):
                continue
            elif entry.state is State.SENT or entry.channel in self._policies:
                # What a clock wrote that was put back since counts from now.
                self._limiting.count(entry, min(entry.changed_at, now))
                self._go_on(partition, entry, now)
            else:
                self._recorder.put(partition, gone(entry, now), before=entry)

    def take(self, partition: int, verdict: Verdict, now: datetime, *, since: datetime) -> None:
        """Decides who is told of a fraud, at once or later.

        Args:
            partition: Where the verdict stands.
            verdict: Of a fraud.
            now: With a zone.
            since: When the verdict was written.
        """
        self._groups.take(partition, verdict, now, since=since)

    def ended(self, ended: Ended) -> Delivery:
        """Decides what becomes of a delivery after an attempt."""
        attempt = ended.attempt
        self._is_over(attempt, is_accepted=ended.failure is None and ended.begun)
        if not ended.begun:
            self._gate.untried(self._queue.key(attempt.delivery))
            return self._taken_back(attempt)
        policy = self._policies[attempt.delivery.channel]
        delivery = after(ended, when_unsure=policy.when_unsure, patience=policy.patience, random=self._random)
        if self._is_at(attempt):
            self._recorder.put(attempt.partition, delivery, before=attempt.delivery)
        elif delivery.state is State.SENT:
            # Another worker's, or another attempt's, by now, which would send it again if it did not find out.
            self._book.put(attempt.partition, delivery)
        if delivery.state is State.SENT:
            self._limiting.count(delivery, ended.at)
        self._heed(ended)
        return delivery

    def not_begun(self, attempt: Attempt) -> None:
        """Takes back an attempt that was decided on."""
        self._is_over(attempt, is_accepted=False)
        self._gate.untried(self._queue.key(attempt.delivery))
        self._taken_back(attempt)

    def due(self, now: datetime, room: Mapping[str, int]) -> list[Attempt]:
        """What the clock brings: digests, expiries, and attempts, as many as channels have room for."""
        self._wake(now)

        def still_due(place: Place) -> Delivery | None:
            return self._still_due(*place, now)

        def may_leave(partition: int, delivery: Delivery) -> bool:
            return self._may_leave(partition, delivery, now)

        def fits(partition: int, delivery: Delivery) -> bool:
            # A look tells nobody anything, and operators are to hear of a channel whatever else they hear.
            is_free = delivery.state is State.AMBIGUOUS or delivery.template == OPERATOR
            return is_free or self._limiting.fits(partition, delivery, now)

        attempts: list[Attempt] = []
        for partition, delivery in self._queue.next(now, room, due=still_due, may_leave=may_leave, fits=fits):
            attempts.append(self._begin(partition, delivery, now))
        return attempts

    def doubtful(self) -> frozenset[int]:
        """Partitions with attempts of another worker that must have ended by now: to be looked at again."""
        doubtful, self._doubtful = frozenset(self._doubtful), set()
        return doubtful

    def look_again(self, partition: int, entries: Iterable[Entry], now: datetime) -> None:
        """Goes on with another worker's attempts: it may have written down what became of them meanwhile.

        Args:
            partition: Which.
            entries: What its ledger holds now.
            now: With a zone.
        """
        sent = {one.id: one for one in entries if isinstance(one, Delivery) and one.state is State.SENT}
        for delivery in self._book.deliveries(partition):
            if delivery.state is not State.SENDING or delivery.id in self._on_their_way:
                continue
            if delivery.id in sent:
                self._book.put(partition, sent[delivery.id])
                self._limiting.count(delivery, sent[delivery.id].changed_at)
            elif _over_at(delivery, now) <= now:
                self._orphan(partition, delivery, now)

    @property
    def left_alone(self) -> frozenset[str]:
        """Channels of which something is not tried for a while."""
        return frozenset(key.partition("/")[0] for key in self._gate.open_keys())

    def stopped(self) -> list[Stopped]:
        """Who wants nothing more, since it was asked last."""
        stopped, self._stopped = self._stopped, []
        return stopped

    def lost(self) -> list[Lost]:
        """Notices that are dead since it was asked last."""
        return self._recorder.lost()

    def repeated(self) -> int:
        """How many notices came again that the ledger has already, since it was asked last."""
        repeated, self._recorder.repeated = self._recorder.repeated, 0
        return repeated

    def _wake(self, now: datetime) -> None:
        """Sees to groups, and to attempts of others, whose time has come, and has notices stand in line."""
        for partition, name in self._book.due(now):
            delivery = self._book.delivery(partition, name)
            if delivery is None:
                self._groups.come_due(name, now)
            elif delivery.due_at is not None and delivery.due_at > now:
                self._book.wake(partition, name, delivery.due_at)
            elif delivery.state is not State.SENDING:
                if delivery.due_at is not None:
                    self._queue.add(partition, delivery)
            elif name not in self._on_their_way:
                self._come_to_doubt(partition, delivery, now)

    def _still_due(self, partition: int, name: str, now: datetime) -> Delivery | None:
        """A notice that stands in line; where its life is over, it is seen to."""
        delivery = self._book.delivery(partition, name)
        if delivery is None or delivery.state is State.SENDING or delivery.due_at is None:
            return None
        if delivery.expires_at <= now:
            self._recorder.put(partition, expired(delivery, now), before=delivery)
            return None
        return delivery if delivery.due_at <= now else None

    def _may_leave(self, partition: int, delivery: Delivery, now: datetime) -> bool:
        """Whether its recipient is still to be told of it; where not, something else becomes of it."""
        if recipient_of(delivery, self._routes) is None:
            self._recorder.put(partition, gone(delivery, now), before=delivery)
        elif delivery.state is State.AMBIGUOUS:
            if self._policies[delivery.channel].when_unsure is WhenUnsure.LOOK_UP:
                return True
            self._book.put(partition, replace(delivery, due_at=delivery.expires_at))  # nobody can be asked
        elif self._quiet.stopped(delivery.channel, delivery.recipient):
            self._recorder.put(partition, stopped(delivery, now), before=delivery)
        elif (held := self._hushed(delivery, now)) is not None:
            self._recorder.put(partition, parked(delivery, held))
        else:
            return True
        return False

    def _hushed(self, delivery: Delivery, now: datetime) -> Held | None:
        """What holds back by now an alert that waited to leave; what may have been sent is no matter of silence."""
        if delivery.verdict is None or delivery.tally is not None or delivery.template == OPERATOR or delivery.unsure:
            return None
        return self._quiet.hushed(self._routes.alert(delivery.verdict), delivery.group or "", now)

    def _begin(self, partition: int, delivery: Delivery, now: datetime) -> Attempt:
        recipient = recipient_of(delivery, self._routes)
        assert recipient is not None
        asks = delivery.state is State.AMBIGUOUS
        if not asks:
            self._limiting.count(delivery, now)
        current = replace(delivery, due_at=None, changed_at=now) if asks else begun(delivery, by=self._name, now=now)
        self._book.put(partition, current)
        self._queue.began(current)
        self._on_their_way.add(delivery.id)
        return Attempt(partition, current, recipient, asks)

    def _is_over(self, attempt: Attempt, *, is_accepted: bool) -> None:
        if attempt.delivery.id in self._on_their_way:
            self._on_their_way.discard(attempt.delivery.id)
            self._queue.ended(attempt.delivery, is_accepted=is_accepted)

    def _taken_back(self, attempt: Attempt) -> Delivery:
        delivery = not_begun(attempt)
        if self._is_at(attempt):
            self._book.put(attempt.partition, delivery)
        return delivery

    def _is_at(self, attempt: Attempt) -> bool:
        """Whether the book still has the very attempt; its partition may have been another worker's meanwhile."""
        current = self._book.delivery(attempt.partition, attempt.delivery.id)
        return current is not None and current.changed_at == attempt.delivery.changed_at

    def _heed(self, ended: Ended) -> None:
        """What an attempt says of its provider and recipient."""
        attempt, failure, delivery = ended.attempt, ended.failure, ended.attempt.delivery
        key = self._queue.key(delivery)
        if failure is None:
            self._gate.accepted(key, ended.at)
            return
        is_news = self._gate.failed(key, failure, ended.at)
        if is_news and isinstance(failure, ChannelStopped) and self._book.partitions:
            # Beside the attempt, where its partition is still here.
            own = attempt.partition in self._book.partitions
            partition = attempt.partition if own else min(self._book.partitions)
            for page in self._paging.pages(attempt, failure, ended.at):
                self._recorder.put(partition, page)
        if isinstance(failure, RecipientStopped):
            self._quiet.stop(delivery.channel, delivery.recipient)
            self._stopped.append(Stopped(delivery.channel, delivery.recipient, failure.message, ended.at))

    def _go_on(self, partition: int, delivery: Delivery, now: datetime) -> None:
        """A delivery as the ledger has it; whoever was at an attempt has gone, or lost the partition."""
        if delivery.id in self._on_their_way or delivery.state is State.SENT:
            return  # the partition went and came back meanwhile
        if delivery.state is State.SENDING:
            self._come_to_doubt(partition, delivery, now)
        elif delivery.due_at is None or delivery.changed_at > now:
            self._book.put(partition, replace(delivery, due_at=now))

    def _come_to_doubt(self, partition: int, delivery: Delivery, now: datetime) -> None:
        """An attempt that this worker is not at: its own of before, or another worker's, which may still be in it."""
        over_at = _over_at(delivery, now)
        if delivery.by == self._name:
            self._orphan(partition, delivery, now)
        elif over_at > now:
            self._book.wake(partition, delivery.id, over_at)
        else:
            self._doubtful.add(partition)

    def _orphan(self, partition: int, delivery: Delivery, now: datetime) -> None:
        policy = self._policies[delivery.channel]
        self._recorder.put(partition, orphaned(delivery, when_unsure=policy.when_unsure, now=now), before=delivery)


def _over_at(delivery: Delivery, now: datetime) -> datetime:
    """When an attempt of another worker's is over; at once where its clock is far ahead, and says nothing."""
    over_at = delivery.changed_at + OVER_AFTER
    return over_at if over_at <= now + 2 * OVER_AFTER else now
