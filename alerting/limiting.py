"""Limit: a notice is sent where the limits let it through, and is counted in a digest where they do not (no I/O)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alerting.attempts import stopped
from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery, Group, Held, Tally
from alerting.notices import digest_id, overflow_id, parked
from alerting.policies import Surroundings
from alerting.recording import Recorder
from alerting.tally import merged, with_alert

# What a channel that does not keep up leaves over is looked at again after so long.
_BACKLOG: Final = timedelta(seconds=5)


class Limiting:
    """Decides for one notice. Used by one thread.

    Args:
        book: Where notices stand, and what limits hold back.
        around: The rules, the limits, and who wants nothing more.
        recorder: Notes what is decided.
    """

    def __init__(self, book: Book, around: Surroundings, recorder: Recorder) -> None:
        self._book = book
        self._routes = around.routes
        self._limits = around.limits
        self._quiet = around.quiet
        self._recorder = recorder
        self._most_waiting = around.most_waiting

    def send(self, partition: int, delivery: Delivery, now: datetime) -> None:
        """Takes a new notice in, to be sent at once, or holds it back."""
        if self._quiet.stopped(delivery.channel, delivery.recipient):
            self._recorder.put(partition, stopped(delivery, now), before=delivery)
        elif self._book.open_on(delivery.channel) >= self._most_waiting:
            self._hold(partition, delivery, Held.STORM, now + _BACKLOG, now)
        elif self.fits(partition, delivery, now):
            self.count(delivery, now)
            self._recorder.put(partition, delivery)

    def fits(self, partition: int, delivery: Delivery, now: datetime) -> bool:
        """Whether a notice may leave now; held back where it may not, since others have left since it was taken in.

        One that may have been sent waits instead: in a digest it would be told under another id.
        """
        free_at, held = self._limits.free_at(delivery.channel, delivery.recipient, now, but=delivery.id)
        if free_at <= now:
            return True
        if delivery.unsure:
            self._recorder.put(partition, replace(delivery, due_at=min(free_at, delivery.expires_at)))
        else:
            self._hold(partition, delivery, held, free_at, now)
        return False

    def count(self, delivery: Delivery, at: datetime) -> None:
        """Counts a notice, from when it was taken in; anew at every attempt, so that it leaves room when it is sent."""
        self._limits.take(delivery.id, delivery.channel, delivery.recipient, at)

    def room_at(self, channel: str, recipient: str, now: datetime) -> datetime:
        """When what is held back from a recipient may be told of, `now` where it is at once."""
        if self._book.open_on(channel) >= self._most_waiting:
            return now + _BACKLOG
        return self._limits.free_at(channel, recipient, now)[0]

    def _hold(self, partition: int, delivery: Delivery, held: Held, until: datetime, now: datetime) -> None:
        """Counts a notice in the digest of what is held back from its recipient."""
        self._limits.give_back(delivery.id, delivery.channel, delivery.recipient)
        name = overflow_id(delivery.receiver, delivery.channel, delivery.recipient)
        pool = self._book.group(partition, name) or Group(
            id=name,
            receiver=delivery.receiver,
            channel=delivery.channel,
            recipient=delivery.recipient,
            fields={},
            told_at=now,
            since=now,
        )
        assert delivery.verdict is not None
        more = delivery.tally or with_alert(Tally(), self._routes.alert(delivery.verdict))
        self._book.put(partition, replace(pool, waiting=merged(pool.waiting, more), latest=delivery.verdict))
        self._recorder.put(partition, parked(delivery, held, digest_id(pool, partition)))
        self._book.wake(partition, name, until)
