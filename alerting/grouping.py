"""Group and suppress: the first alert of a group at once, what follows as one digest; silences hold back (no I/O)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.attempts import expired, gone
from alerting.destinations import Destination
from alerting.ledger.book import Book
from alerting.ledger.entries import Group, Held, Tally
from alerting.limiting import Limiting
from alerting.notices import (
    ACCOUNT,
    digest_id,
    group_id,
    nobody_left,
    notice,
    notice_of_alert,
    parked,
    pool_id,
    unreachable,
)
from alerting.policies import Surroundings
from alerting.recording import Recorder
from alerting.tally import merged, with_alert
from stream.contracts import Verdict


class Groups:
    """Decides for alerts that are told of together. Used by one thread.

    Args:
        book: Where groups stand.
        around: The rules, what people want to hear no more of, and the channels' policies.
        limiting: Takes notices in.
        recorder: Notes what is decided.
    """

    def __init__(self, book: Book, around: Surroundings, limiting: Limiting, recorder: Recorder) -> None:
        self._book = book
        self._routes = around.routes
        self._policies = around.policies
        self._quiet = around.quiet
        self._mark = around.mark
        self._limiting = limiting
        self._recorder = recorder

    def take(self, partition: int, verdict: Verdict, now: datetime, *, since: datetime) -> None:
        """Decides who is told of a fraud, at once or later.

        Args:
            partition: Where the verdict stands.
            verdict: Of a fraud.
            now: With a zone.
            since: When the verdict was written: the life of its notices counts from there, whenever it is read.
        """
        alert = self._routes.alert(verdict)
        told = self._routes.told(alert)
        for destination in told.destinations:
            self._tell(partition, alert, destination, now, since=min(since, now))
        for untold in told.untold:
            self._recorder.put(partition, unreachable(alert, untold, now), lost=verdict)

    def come_due(self, name: str, now: datetime) -> None:
        """Tells of what waits for a recipient, where its time has come; forgets a group in which nothing does."""
        everywhere = self._book.everywhere(name)
        waiting = [(at, pool) for at, pool in everywhere if pool.waiting.count]
        if not waiting:
            self._forget(everywhere, now)
            return
        first = waiting[0][1]
        latest = [pool.latest for _, pool in waiting if pool.latest]
        alert = self._routes.alert(max(latest, key=attrgetter("scored_at")))
        destination = self._destination(first, alert)
        interval = timedelta(seconds=0.0 if destination is None else destination.grouping.interval_s)
        if first.of is None:
            free_at = self._limiting.room_at(first.channel, first.recipient, now)
        else:
            told_at = _told_at([pool for _, pool in everywhere], now)
            free_at = now if told_at is None else told_at + interval
        if destination is not None and free_at > now:
            # Every partition's by itself: whichever stays wakes the pool.
            for at, _ in everywhere:
                self._book.wake(at, name, free_at)
            return
        self._digest(waiting, alert, destination, now)
        until = now if first.of is None else now + interval
        for at, pool in everywhere:
            told = replace(
                pool, told_at=now, since=now, until=until, digests=pool.digests + 1, waiting=Tally(), latest=None
            )
            self._book.put(at, told)
            self._book.wake(at, name, until)

    def _tell(self, partition: int, alert: Alert, destination: Destination, now: datetime, *, since: datetime) -> None:
        """Decides on an alert for one recipient."""
        expires_at = since + self._policies[destination.channel].life
        delivery = notice_of_alert(alert, destination, self._mark, now=now, expires_at=expires_at)
        group = delivery.group or ""
        if self._book.knows(partition, delivery.id):
            self._recorder.repeated += 1
            return
        if expires_at <= now:
            self._recorder.put(partition, expired(delivery, now), before=delivery)
            return
        name = pool_id(group, delivery.channel, delivery.recipient)
        interval = timedelta(seconds=destination.grouping.interval_s)
        everywhere = [pool for _, pool in self._book.everywhere(name)]
        told_at = _told_at(everywhere, now)
        next_at = now if told_at is None else told_at + interval
        waits = next_at > now or any(pool.waiting.count for pool in everywhere)
        pool = self._book.group(partition, name) or Group(
            id=name,
            receiver=destination.receiver,
            channel=delivery.channel,
            recipient=delivery.recipient,
            of=group,
            fields=delivery.fields,
            told_at=told_at or now,
            since=now,
        )
        held = self._quiet.hushed(alert, group, now)
        if held is not None:
            self._recorder.put(partition, parked(delivery, held))
        elif waits:
            digest = digest_id(pool, partition)
            self._book.put(partition, replace(pool, waiting=with_alert(pool.waiting, alert), latest=alert.verdict))
            self._book.wake(partition, name, next_at)
            self._recorder.put(partition, parked(delivery, Held.GROUP, digest))
        else:
            self._book.put(partition, replace(pool, told_at=now, until=now + interval))
            self._book.wake(partition, name, now + interval)
            self._limiting.send(partition, delivery, now)

    def _digest(
        self, waiting: Sequence[tuple[int, Group]], alert: Alert, destination: Destination | None, now: datetime
    ) -> None:
        """Takes in the digest of what waits, of all partitions that are here; dead where the rules name nobody more."""
        partition, first = waiting[0]
        tally = Tally()
        for _, pool in waiting:
            tally = merged(tally, pool.waiting)
        counts = tuple(digest_id(pool, at) for at, pool in waiting)
        if destination is None:
            digest = nobody_left(first, alert.verdict, tally, counts=counts, now=now)
            self._recorder.put(partition, gone(digest, now), before=digest)
            return
        # What a digest counts may be hours old; that it was held back is news.
        expires_at = now + self._policies[destination.channel].life
        group, of_one = first.of or first.id, ACCOUNT in first.fields
        account = alert.verdict.account_id if of_one else None
        digest = replace(
            notice(counts[0], alert.verdict, destination, group=group, now=now, expires_at=expires_at),
            transaction_id=None,
            tally=tally,
            fields=first.fields,
            counts=counts,
            source=None,
            account=self._marked(account),
        )
        held = None if first.of is None else self._quiet.ends(first.of, account, now)
        if held is None:
            self._limiting.send(partition, digest, now)
        else:
            self._recorder.put(partition, parked(digest, held))

    def _marked(self, account_id: str | None) -> str | None:
        return None if self._mark is None or account_id is None else self._mark(account_id)

    def _destination(self, pool: Group, alert: Alert) -> Destination | None:
        """Who gets a digest, as the rules are now."""
        for one in self._routes.told(alert).destinations:
            if (one.receiver, one.channel) == (pool.receiver, pool.channel):
                same_group = pool.of is None or pool.of == group_id(one.receiver, one.grouping, alert)
                if same_group and one.recipient.fingerprint(one.channel) == pool.recipient:
                    return one
        return None

    def _forget(self, everywhere: Sequence[tuple[int, Group]], now: datetime) -> None:
        """Deletes a group that the next alert would begin anew; of an overflow nothing needs to be kept."""
        for at, pool in everywhere:
            if pool.until is not None and pool.until > now:
                self._book.wake(at, pool.id, pool.until)
            else:
                self._book.forget(at, pool.id)


def _told_at(pools: Iterable[Group], now: datetime) -> datetime | None:
    """When a group was told last; what a clock wrote that was put back since does not count."""
    return max((pool.told_at for pool in pools if pool.told_at <= now), default=None)
