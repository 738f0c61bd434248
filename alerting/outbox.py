"""What is to be told to whom, and when: decisions about verdicts, ended attempts and the clock (no I/O).

Everything that is decided is an entry of the ledger, in the `Book`; the worker writes what changed and only then acts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.attempts import OVER_AFTER, Attempt, Ended, after, begun, expired, gone, not_begun, orphaned, stopped
from alerting.delivery import ChannelStopped, RecipientStopped
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.book import Book
from alerting.ledger.entries import Confirmation, Delivery, Entry, Group, Held, State, Tally
from alerting.notices import (
    OPERATOR,
    digest_id,
    group_id,
    is_for,
    notice,
    overflow_id,
    page_id,
    parked,
    shown_fields,
    unreachable,
)
from alerting.policies import ChannelPolicy, Gate, Limits, Lost, Routes, Stopped
from alerting.tally import merged, with_alert
from stream.contracts import Verdict

# What stands before a breaker asks again after so long.
_BEFORE_A_BREAKER_S: Final = 1.0
# Operators are not paged for the same channel more often.
_PAGED_EVERY: Final = timedelta(hours=1)


class Outbox:
    """Decides for the partitions that the book has open. Used by one thread.

    Args:
        book: Where decisions stand.
        routes: The rules.
        limits: How much is too much.
        policies: Of each channel.
        name: The worker's, stable over restarts.
        hushed: What a silence or an acknowledgement holds an alert of a group back for; None where nothing does.
        stops: Channel and fingerprint of those who want nothing more on a channel; added to.
        gate: Keeps attempts back from what does not answer.
        random: Uniform in [0, 1).
    """

    def __init__(
        self,
        book: Book,
        routes: Routes,
        limits: Limits,
        policies: Mapping[str, ChannelPolicy],
        *,
        name: str,
        hushed: Callable[[Alert, str, datetime], Held | None],
        stops: set[tuple[str, str]],
        gate: Gate,
        random: Callable[[], float],
    ) -> None:
        self._book = book
        self._routes = routes
        self._limits = limits
        self._policies = policies
        self._name = name
        self._hushed = hushed
        self._stops = stops
        self._gate = gate
        self._random = random
        self._on_their_way: set[str] = set()
        self._doubtful: set[int] = set()
        self._paged: dict[str, datetime] = {}
        self._waiting: dict[str, deque[tuple[int, str]]] = {channel: deque() for channel in policies}
        self._lost: list[Lost] = []
        self._stopped: list[Stopped] = []

    def open(self, partition: int, entries: Iterable[Entry], now: datetime) -> None:
        """Goes on with a partition where the ledger says that it was left."""
        latest = {(type(entry), entry.id): entry for entry in entries}
        self._book.open(partition, latest.values())
        for entry in latest.values():
            if isinstance(entry, Confirmation):
                continue
            if isinstance(entry, Group):
                self._book.wake(partition, entry.id, now)
            elif entry.state is State.SENDING:
                self._take_over(partition, entry, now)
            elif entry.state is State.SENT:
                self._limits.taken(entry.channel, entry.recipient, entry.changed_at)

    def take(self, partition: int, verdict: Verdict, now: datetime) -> None:
        """Decides who is told of a fraud, at once or later."""
        alert = self._routes.alert(verdict)
        told = self._routes.told(alert)
        together: dict[str, list[Destination]] = {}
        for one in told.destinations:
            together.setdefault(group_id(one.receiver, one.grouping, alert), []).append(one)
        for name, some in together.items():
            self._tell(partition, alert, name, some, now)
        for untold in told.untold:
            self._put(partition, unreachable(alert, untold, now), lost=verdict)

    def ended(self, ended: Ended) -> Delivery:
        """Decides what becomes of a delivery after an attempt."""
        attempt, failure = ended.attempt, ended.failure
        if not ended.begun:
            return self.not_begun(attempt)
        policy = self._policies[attempt.delivery.channel]
        self._on_their_way.discard(attempt.delivery.id)
        delivery = after(ended, when_unsure=policy.when_unsure, patience=policy.patience, random=self._random)
        if attempt.partition in self._book.partitions:
            self._put(attempt.partition, delivery, before=attempt.delivery)
        elif delivery.state is State.SENT:
            # Another worker's by now, which would send it again if it did not find out.
            self._book.put(attempt.partition, delivery)
        if failure is None:
            self._gate.accepted(self._key(delivery), ended.at)
        elif self._gate.failed(self._key(delivery), failure, ended.at) and isinstance(failure, ChannelStopped):
            self._page(attempt, failure, ended.at)
        if isinstance(failure, RecipientStopped):
            self._stops.add((delivery.channel, delivery.recipient))
            self._stopped.append(Stopped(delivery.channel, delivery.recipient, failure.message, ended.at))
        return delivery

    def not_begun(self, attempt: Attempt) -> Delivery:
        """Takes back an attempt that was decided on."""
        delivery = not_begun(attempt)
        self._on_their_way.discard(delivery.id)
        if attempt.partition in self._book.partitions:
            self._book.put(attempt.partition, delivery)
        return delivery

    def due(self, now: datetime, room: Mapping[str, int]) -> list[Attempt]:
        """What the clock brings: digests, expiries, and attempts, as many as channels have room for."""
        for partition, name in self._book.due(now):
            delivery = self._book.delivery(partition, name)
            if delivery is None:
                self._group_due(name, now)
            elif delivery.state is not State.SENDING:
                self._waiting[delivery.channel].append((partition, name))
            elif name not in self._on_their_way:
                self._doubtful.add(partition)
        attempts: list[Attempt] = []
        for channel, waiting in self._waiting.items():
            free = room[channel]
            while waiting and free > 0:
                attempt = self._begin(*waiting.popleft(), now)
                if attempt is not None:
                    attempts.append(attempt)
                    free -= 1
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
            elif delivery.changed_at + OVER_AFTER <= now:
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
        lost, self._lost = self._lost, []
        return lost

    def _tell(
        self, partition: int, alert: Alert, name: str, destinations: Sequence[Destination], now: datetime
    ) -> None:
        """Decides on an alert for those who get it together, as one of the group of that name."""
        receiver, grouping = destinations[0].receiver, destinations[0].grouping
        known = [group.told_at for _, group in self._book.everywhere(name)]
        held = self._hushed(alert, name, now) or _grouped(known, grouping, now)
        told_at = max(known, default=now)
        mine = self._book.group(partition, name) or Group(
            id=name, receiver=receiver, fields=shown_fields(grouping, alert), told_at=told_at
        )
        if held is None:
            until = now + timedelta(seconds=grouping.interval_s)
            self._book.put(partition, replace(mine, told_at=now, until=until))
            self._book.wake(partition, name, until)
        elif held is Held.GROUP:
            self._book.put(partition, replace(mine, waiting=with_alert(mine.waiting, alert), latest=alert.verdict))
            self._book.wake(partition, name, told_at + timedelta(seconds=grouping.interval_s))
        digest = digest_id(name, self._name, told_at) if held is Held.GROUP else None
        for destination in destinations:
            delivery = self._notice(alert.id, alert.verdict, destination, name, now)
            if held is None:
                self._send(partition, delivery, now)
            else:
                self._book.put(partition, parked(delivery, held, digest))

    def _send(self, partition: int, delivery: Delivery, now: datetime) -> None:
        """Has a notice sent at once where the limits allow it, and counted in a digest where not."""
        if (delivery.channel, delivery.recipient) in self._stops:
            self._put(partition, stopped(delivery, now), before=delivery)
            return
        free_at, held = self._limits.free_at(delivery.channel, delivery.recipient, now)
        if free_at <= now:
            self._limits.taken(delivery.channel, delivery.recipient, now)
            self._put(partition, delivery)
            return
        name = overflow_id(delivery.receiver, delivery.channel, delivery.recipient)
        known = [group.told_at for _, group in self._book.everywhere(name)]
        told_at = max(known, default=now)
        pool = self._book.group(partition, name) or Group(
            id=name,
            receiver=delivery.receiver,
            channel=delivery.channel,
            recipient=delivery.recipient,
            fields={},
            told_at=told_at,
        )
        assert delivery.verdict is not None
        more = delivery.tally or with_alert(Tally(), self._routes.alert(delivery.verdict))
        self._book.put(partition, replace(pool, waiting=merged(pool.waiting, more), latest=delivery.verdict))
        self._book.put(partition, parked(delivery, held, digest_id(name, self._name, told_at)))
        self._book.wake(partition, name, free_at)

    def _group_due(self, name: str, now: datetime) -> None:
        """Tells of what waits in a group, where its time has come; forgets one in which nothing does."""
        everywhere = self._book.everywhere(name)
        waiting = [(at, group) for at, group in everywhere if group.waiting.count]
        if not waiting:
            self._forget(everywhere, now)
            return
        partition, first = waiting[0]
        verdict = max((group.latest for _, group in waiting if group.latest), key=attrgetter("scored_at"))
        alert = self._routes.alert(verdict)
        destinations = [one for one in self._routes.told(alert).destinations if one.receiver == first.receiver]
        told_at = max(group.told_at for _, group in everywhere)
        if first.channel is not None and first.recipient is not None:
            destinations = [one for one in destinations if _is(one, first.channel, first.recipient)]
            free_at, _ = self._limits.free_at(first.channel, first.recipient, now)
        else:
            free_at = told_at + _interval(destinations)
        if free_at > now:
            self._book.wake(partition, name, free_at)
            return
        tally = Tally()
        for _, group in waiting:
            tally = merged(tally, group.waiting)
        held = self._hushed(alert, name, now)
        for destination in destinations:
            delivery = replace(
                self._notice(digest_id(name, self._name, told_at), verdict, destination, name, now),
                transaction_id=None,
                tally=tally,
                fields=first.fields,
            )
            if held is not None:
                self._book.put(partition, parked(delivery, held))
            else:
                self._send(partition, delivery, now)
        until = now + _interval(destinations) if first.channel is None else now
        for at, group in everywhere:
            told = replace(group, told_at=now, until=until, digests=group.digests + 1, waiting=Tally(), latest=None)
            self._book.put(at, told)
            self._book.wake(at, name, until)

    def _forget(self, everywhere: Sequence[tuple[int, Group]], now: datetime) -> None:
        """Deletes a group that the next alert would begin anew; of an overflow nothing needs to be kept."""
        for at, group in everywhere:
            if group.until is not None and group.until > now:
                self._book.wake(at, group.id, group.until)
            else:
                self._book.forget(at, group.id)

    def _begin(self, partition: int, name: str, now: datetime) -> Attempt | None:
        delivery = self._book.delivery(partition, name)
        if delivery is None or delivery.due_at is None or delivery.due_at > now:
            return None
        if delivery.expires_at <= now:
            self._put(partition, expired(delivery, now), before=delivery)
            return None
        recipient = self._recipient(delivery)
        if recipient is None:
            self._put(partition, gone(delivery, now), before=delivery)
            return None
        if not self._gate.ready(self._key(delivery), now):
            self._book.wake(partition, name, now + timedelta(seconds=_BEFORE_A_BREAKER_S))
            return None
        asks = delivery.state is State.AMBIGUOUS
        current = replace(delivery, due_at=None, changed_at=now) if asks else begun(delivery, by=self._name, now=now)
        self._book.put(partition, current)
        self._on_their_way.add(delivery.id)
        return Attempt(partition, current, recipient, asks)

    def _recipient(self, delivery: Delivery) -> Recipient | None:
        """Whom a fingerprint stands for, as the rules are now."""
        if delivery.verdict is None:
            return None
        if delivery.template == OPERATOR:
            destinations = self._routes.operators()
        else:
            destinations = self._routes.told(self._routes.alert(delivery.verdict)).destinations
        return next((one.recipient for one in destinations if is_for(one, delivery)), None)

    def _take_over(self, partition: int, delivery: Delivery, now: datetime) -> None:
        """A delivery that the ledger has as being sent: whoever was at it has gone, or lost the partition."""
        if delivery.id in self._on_their_way:
            return  # the partition went and came back meanwhile
        if delivery.channel not in self._policies:
            self._put(partition, gone(delivery, now), before=delivery)
        elif delivery.by == self._name:
            self._orphan(partition, delivery, now)
        else:
            self._book.wake(partition, delivery.id, max(now, delivery.changed_at + OVER_AFTER))

    def _orphan(self, partition: int, delivery: Delivery, now: datetime) -> None:
        left = orphaned(delivery, when_unsure=self._policies[delivery.channel].when_unsure, now=now)
        self._put(partition, left, before=delivery)

    def _page(self, attempt: Attempt, failure: ChannelStopped, now: datetime) -> None:
        """Tells operators, through the other channels, that one stands still until somebody mends it."""
        channel, verdict = attempt.delivery.channel, attempt.delivery.verdict
        last = self._paged.get(channel)
        if verdict is None or attempt.partition not in self._book.partitions:
            return
        if last is not None and now < last + _PAGED_EVERY:
            return
        self._paged[channel] = now
        for destination in self._routes.operators():
            if destination.channel != channel:
                page = self._notice(page_id(channel, self._name, now), verdict, destination, None, now)
                fields = {"channel": channel, "reason": failure.reason.value, "detail": failure.message}
                self._put(
                    attempt.partition, replace(page, transaction_id=None, template=OPERATOR, fields=fields, group=None)
                )

    def _put(
        self, partition: int, delivery: Delivery, *, before: Delivery | None = None, lost: Verdict | None = None
    ) -> None:
        self._book.put(partition, delivery)
        if delivery.state is State.DEAD and (before is not None or lost is not None):
            verdict, tally = (lost, None) if before is None else (before.verdict, before.tally)
            self._lost.append(Lost(partition, delivery, verdict, tally))

    def _notice(
        self, about: str, verdict: Verdict, destination: Destination, group: str | None, now: datetime
    ) -> Delivery:
        life = self._policies[destination.channel].life
        return notice(about, verdict, destination, group=group, now=now, life=life)

    def _key(self, delivery: Delivery) -> str:
        """What may be down by itself: a channel's provider, or one recipient's host."""
        if self._policies[delivery.channel].one_provider:
            return delivery.channel
        return f"{delivery.channel}/{delivery.recipient}"


def _grouped(known: Sequence[datetime], grouping: Grouping, now: datetime) -> Held | None:
    """Whether a group's last notice is too recent for another."""
    interval = timedelta(seconds=grouping.interval_s)
    return Held.GROUP if any(now < told_at + interval for told_at in known) else None


def _interval(destinations: Sequence[Destination]) -> timedelta:
    return timedelta(seconds=destinations[0].grouping.interval_s if destinations else 0.0)


def _is(destination: Destination, channel: str, recipient: str) -> bool:
    return destination.channel == channel and destination.recipient.fingerprint(channel) == recipient
