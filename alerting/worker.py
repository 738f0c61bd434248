"""The alert worker's loop: read verdicts, decide who is told, write that down with the offsets, send; again.

All of Kafka is on this thread, and nothing waits on it: what has to wait is a time in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from alerting.attempts import Attempt
from alerting.dead_letters import lost_letter, unreadable_letter
from alerting.ledger.book import Book
from alerting.ledger.entries import Entry
from alerting.ledger.writing import records_of
from alerting.metrics import AlertMetrics
from alerting.outbox import Outbox
from alerting.reading import Unreadable, fraud_in
from alerting.sending import Sending
from alerting.silences import record_of_silence, silence_of
from stream.coverage import Coverage
from stream.errors import MemberFenced
from stream.health import Health
from stream.kafka import Stop
from stream.records import Outgoing, Record
from stream.slots import Slot, require_free
from stream.source import Source
from stream.timeouts import Timeouts
from stream.transaction import Outcome, TransactionalWriter

log = structlog.get_logger()

_GATHERED_AT_MOST: Final = 1_000
_QUIET_S: Final = 0.1
_BUSY_S: Final = 0.005
_COMMIT_EVERY_S: Final = 1.0
_TELL_EVERY_S: Final = 1.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_ENDING_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where entries and dead letters go.

    Attributes:
        topic: The ledger's.
        dead_letters: Where notices go that reached nobody.
        silences: Where it is kept who wants nothing more.
        read_page: What the ledger holds of a partition.
    """

    topic: str
    dead_letters: str
    silences: str
    read_page: Callable[[int], Iterable[Entry]]


class AlertWorker:
    """A member of the alerting group, on one thread.

    Args:
        source: The verdicts.
        book: The ledger as this worker knows it.
        outbox: Decides.
        sending: The channels.
        writer: Where entries, dead letters and offsets go.
        ledger: Where they stand.
        slot: Asked whether a newer worker has this one's place.
        coverage: Asked whether partitions are left that nobody reads.
        follow: Takes in what people silenced meanwhile.
        most_waiting: Reading pauses while as many notices wait.
        limits: How long a session lasts.
        health: Told of every turn.
        metrics: Told of what was decided, and of lag.
        stop: Ends the loop.
        timer: Monotonic seconds.
        now: The time of day, with a zone.
    """

    def __init__(
        self,
        source: Source,
        book: Book,
        outbox: Outbox,
        sending: Sending,
        writer: TransactionalWriter,
        *,
        ledger: Ledger,
        slot: Slot,
        coverage: Coverage,
        follow: Callable[[], None],
        most_waiting: int,
        limits: Timeouts,
        health: Health,
        metrics: AlertMetrics,
        stop: Stop,
        timer: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._book = book
        self._outbox = outbox
        self._sending = sending
        self._writer = writer
        self._ledger = ledger
        self._slot = slot
        self._coverage = coverage
        self._follow = follow
        self._most_waiting = most_waiting
        self._limits = limits
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._now = now
        self._has_read = False
        self._unwritten: list[Outgoing] = []
        self._to_begin: list[Attempt] = []
        self._resting = False
        self._commit_due = self._tell_due = timer()
        self._pause_s = _FIRST_PAUSE_S

    def run(self) -> None:
        """Runs until `stop`; attempts on their way are waited for and written down, and the group left.

        Raises:
            Mendable: Verdicts are gone that were not read, or a grant is missing.
            WorkerFailed: The process cannot go on; what was not written is decided on again.
        """
        try:
            self._open()
            self._source.subscribe()
            while not self._stop.is_set():
                try:
                    self.run_once()
                except MemberFenced as fenced:
                    log.warning("asking whether this slot has another worker", detail=str(fenced))
                    self._require_slot()
                    self._source.join_anew()
            self._finish()
        finally:
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: what came is decided on and written down, and what is due begins."""
        self._health.beat()
        records = self._gather()
        self._turn_pages()
        self._follow()
        for record in records:
            self._take(record)
        self._take_outcomes()
        self._to_begin += self._outbox.due(self._now(), self._sending.room())
        for partition in self._outbox.doubtful():
            self._outbox.look_again(partition, self._ledger.read_page(partition), self._now())
        self._has_read |= bool(records)
        self._unwritten += self._decided()
        if self._unwritten or (self._has_read and self._timer() >= self._commit_due):
            self._write()
        self._tell()

    def _take(self, record: Record) -> None:
        try:
            verdict = fraud_in(record)
        except Unreadable as unreadable:
            self._unwritten.append(unreadable_letter(record, unreadable.message, topic=self._ledger.dead_letters))
            self._metrics.unreadable()
            return
        if verdict is not None:
            self._outbox.take(record.partition, verdict, self._now())

    def _take_outcomes(self, wait_s: float = 0.0) -> None:
        for ended in self._sending.ended(wait_s=wait_s):
            self._metrics.ended(ended, self._outbox.ended(ended))

    def _gather(self) -> list[Record]:
        """What came, where there is room for it; short of that only the group is served."""
        busy = self._sending.on_their_way or self._unwritten
        wait_s = 0.0 if self._sending.has_ended else _BUSY_S if busy else self._until_due()
        if self._book.open_deliveries >= self._most_waiting:
            self._resting = True
            self._source.rest(wait_s)
            return []
        if self._resting:
            self._resting = False
            self._source.wake()
        return self._source.gather(_GATHERED_AT_MOST, 0.0, patience_s=wait_s)

    def _until_due(self) -> float:
        """Seconds until something comes due, as far as that is soon."""
        due = self._book.next_due()
        return _QUIET_S if due is None else min(max((due - self._now()).total_seconds(), 0.0), _QUIET_S)

    def _turn_pages(self) -> None:
        """Opens the ledger's partitions that came with the last poll, and closes those that went."""
        owned = self._source.owned
        for partition in self._book.partitions - owned:
            self._book.close(partition)
            self._unwritten = [one for one in self._unwritten if one.partition != partition]
            for attempt in self._to_begin:
                if attempt.partition == partition:
                    self._outbox.not_begun(attempt)
            self._to_begin = [one for one in self._to_begin if one.partition != partition]
        for partition in owned - self._book.partitions:
            self._outbox.open(partition, self._ledger.read_page(partition), self._now())
            self._health.beat()

    def _decided(self) -> list[Outgoing]:
        changes = self._book.changes()
        self._metrics.decided(changes)
        letters = [lost_letter(lost, topic=self._ledger.dead_letters) for lost in self._outbox.lost()]
        silences = [
            record_of_silence(silence_of(stopped), topic=self._ledger.silences) for stopped in self._outbox.stopped()
        ]
        return [*records_of(changes, topic=self._ledger.topic), *letters, *silences]

    def _write(self) -> None:
        """Commits what was decided, and only then begins attempts; what did not get through is written again.

        Entries are whole states, so that one that had got through nevertheless does no harm. Offsets go with all of
        them, new or not: a worker that was away for too long, and does not know it yet, gets nothing through.
        """
        outcome = self._writer.write(self._unwritten, self._source.due, self._source.group_metadata())
        if outcome is not Outcome.COMMITTED:
            if outcome is Outcome.UNKNOWN:
                self._require_slot()
                self._open()
            self._pause()
            return
        self._pause_s = _FIRST_PAUSE_S
        self._unwritten, self._has_read = [], False
        self._commit_due = self._timer() + _COMMIT_EVERY_S
        for attempt in self._to_begin:
            self._sending.begin(attempt)
        self._to_begin = []

    def _finish(self) -> None:
        """Writes down what becomes of attempts on their way; what does not end in time is left as `sending`."""
        until = self._timer() + _ENDING_S
        for attempt in self._to_begin:
            self._outbox.not_begun(attempt)
        self._to_begin = []
        while self._sending.on_their_way and self._timer() < until:
            self._health.beat()
            self._take_outcomes(_QUIET_S)
        self._unwritten += self._decided()
        if self._unwritten or self._has_read:
            self._write()

    def _require_slot(self) -> None:
        session_s = self._limits.session_ms / 1000
        member_id = self._source.member_id
        require_free(self._slot, member_id, session_s=session_s, stop=self._stop, pause=self._pause, timer=self._timer)

    def _open(self) -> None:
        while not self._stop.is_set() and not self._writer.open():
            self._pause()

    def _pause(self) -> None:
        self._health.beat()
        self._stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _tell(self) -> None:
        self._health.ready(self._source.joined)
        now = self._timer()
        if now < self._tell_due:
            return
        self._tell_due = now + _TELL_EVERY_S
        self._metrics.lag(self._source.lags())
        self._metrics.open_notifications(self._book.open_deliveries)
        self._metrics.breakers(self._outbox.left_alone)
        if unread := self._coverage.unread():
            log.warning("nobody reads some partitions: the group is to share anew", partitions=sorted(unread))
            self._source.rejoin()
