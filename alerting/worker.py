"""The alert worker's loop: read verdicts, decide who is told, write that down with the offsets, send; again.

All of Kafka is on this thread, and nothing waits on it: what has to wait is a time in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from alerting.attempts import Attempt
from alerting.dead_letters import unreadable_letter
from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery
from alerting.ledger.reading import Page
from alerting.metrics import AlertMetrics
from alerting.news import News
from alerting.outbox import Outbox
from alerting.reading import Unreadable, fraud_in, written_at
from alerting.sending import Sending
from alerting.unwritten import Destined, Unwritten
from stream.coverage import Coverage
from stream.errors import MemberFenced
from stream.health import Health
from stream.kafka import Stop
from stream.records import Record
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
# A transaction that is aborted may be so for a reason that is over: what is not written is sent again by a successor.
_WRITTEN_AT_THE_END: Final = 3


class AlertWorker:
    """A member of the alerting group, on one thread.

    Args:
        source: The verdicts.
        book: The ledger as this worker knows it.
        outbox: Decides.
        sending: The channels.
        writer: Where entries, dead letters and offsets go.
        topics: Their names.
        read_page: What the ledger holds of a partition; calls its second argument now and then.
        slot: Asked whether a newer worker has this one's place.
        coverage: Asked whether partitions are left that nobody reads.
        follow: Takes in what people silenced meanwhile.
        limits: How long a session lasts.
        health: Told of every turn.
        metrics: Told of what was decided, and of lag.
        stop: Ends the loop.
        timer: Monotonic seconds.
        now: The time of day, with a zone.
        age: How long ago something was that somebody else wrote down.
    """

    def __init__(
        self,
        source: Source,
        book: Book,
        outbox: Outbox,
        sending: Sending,
        writer: TransactionalWriter,
        *,
        topics: Destined,
        read_page: Callable[[int, Callable[[], None]], Page],
        slot: Slot,
        coverage: Coverage,
        follow: Callable[[], None],
        limits: Timeouts,
        health: Health,
        metrics: AlertMetrics,
        stop: Stop,
        timer: Callable[[], float],
        now: Callable[[], datetime],
        age: Callable[[datetime], timedelta],
    ) -> None:
        self._source = source
        self._book = book
        self._outbox = outbox
        self._sending = sending
        self._writer = writer
        self._dead_letters = topics.dead_letters
        self._read_page = read_page
        self._slot = slot
        self._coverage = coverage
        self._follow = follow
        self._limits = limits
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._now = now
        self._age = age
        self._news = News(timer)
        self._unwritten = Unwritten(topics)
        self._to_begin: list[Attempt] = []
        self._tenures: dict[int, int] = {}
        self._has_read = self._resting = False
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
            self._news.tell(self._outbox.left_alone)
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: what came is decided on and written down, and what is due begins.

        What could not be written is written before anything more is read or begun.
        """
        self._health.beat()
        records = self._turn_pages(self._gather())
        self._follow()
        for record in records:
            self._take(record)
        self._has_read |= bool(records)
        self._take_outcomes()
        if not self._unwritten:
            self._to_begin += self._outbox.due(self._now(), self._sending.room())
            for partition in self._outbox.doubtful():
                # The group is not served meanwhile: what was decided in this turn is of the partitions of this turn.
                page = self._read_page(partition, self._health.beat)
                self._outbox.look_again(partition, page.entries, self._now())
        self._decide()
        if self._unwritten or (self._has_read and self._timer() >= self._commit_due):
            self._write()
        self._tell()

    def _take(self, record: Record) -> None:
        try:
            verdict = fraud_in(record)
        except Unreadable as unreadable:
            self._unwritten.add_letter(unreadable_letter(record, unreadable.message, topic=self._dead_letters))
            self._metrics.unreadable()
            self._news.unreadable(unreadable.message)
            return
        if verdict is not None:
            now = self._now()
            age = self._age(written_at(record, otherwise=now))
            self._outbox.take(record.partition, verdict, now, since=now - age)

    def _take_outcomes(self, wait_s: float = 0.0) -> None:
        for ended in self._sending.ended(wait_s=wait_s):
            self._metrics.ended(ended, self._outbox.ended(ended))

    def _gather(self) -> list[Record]:
        """What came; where what was decided before is not written yet, only the group is served."""
        if self._unwritten:
            self._serve()
            return []
        wait_s = 0.0 if self._sending.has_ended else _BUSY_S if self._sending.on_their_way else self._until_due()
        if self._resting:
            self._resting = False
            self._source.wake()
        return self._source.gather(_GATHERED_AT_MOST, 0.0, patience_s=wait_s)

    def _serve(self) -> None:
        """A moment of membership without reading."""
        self._health.beat()
        self._resting = True
        self._source.rest(_BUSY_S)

    def _until_due(self) -> float:
        """Seconds until something comes due, as far as that is soon."""
        due = self._book.next_due()
        return _QUIET_S if due is None else min(max((due - self._now()).total_seconds(), 0.0), _QUIET_S)

    def _turn_pages(self, records: list[Record]) -> list[Record]:
        """Opens the ledger's partitions that came, and closes those that went.

        Args:
            records: That the last poll brought.

        Returns:
            Those of partitions that stayed: a long page takes time, in which the group goes on sharing.
        """
        of_records = self._source.tenures
        while (tenures := self._source.tenures) != self._tenures:
            if self._unwritten and self._tenures:
                self._start_over()
                return []
            for partition in [one for one, since in self._tenures.items() if tenures.get(one) != since]:
                self._close(partition)
            for partition, since in tenures.items():
                if partition not in self._tenures:
                    page = self._read_page(partition, self._serve)
                    self._outbox.open(partition, page.entries, self._now(), over=page.over)
                    self._tenures[partition] = since
            self._remember()
        return [one for one in records if self._tenures.get(one.partition) == of_records.get(one.partition)]

    def _close(self, partition: int) -> None:
        for attempt in self._to_begin:
            if attempt.partition == partition:
                self._outbox.not_begun(attempt)
        self._to_begin = [one for one in self._to_begin if one.partition != partition]
        self._book.close(partition)
        del self._tenures[partition]

    def _start_over(self) -> None:
        """Partitions went or came while what was decided was not written: a digest's parts may be of several of them.

        All is decided anew, from the ledger and the committed offsets, but for what was sent meanwhile.
        """
        log.warning("partitions went before what was decided could be written: it is decided anew")
        for attempt in self._to_begin:
            self._outbox.not_begun(attempt)
        self._to_begin = []
        for partition in self._book.partitions:
            self._book.close(partition)
        self._outbox.lost()
        self._tenures, self._has_read = {}, False
        self._unwritten.keep_facts()
        self._source.join_anew()

    def _remember(self) -> None:
        """Tells the pages that were opened what happened, and stands in no ledger yet."""
        for change in self._unwritten.facts():
            if change.partition in self._book.partitions and isinstance(change.entry, Delivery):
                self._book.put(change.partition, change.entry)

    def _decide(self) -> None:
        self._metrics.repeated(self._outbox.repeated())
        self._unwritten.add(self._book.changes(), self._outbox.lost(), self._outbox.stopped())

    def _write(self) -> None:
        """Commits what was decided, and only then begins attempts; what did not get through is written again.

        Entries are whole states, so that one that had got through nevertheless does no harm. Offsets go with all of
        them, new or not: a worker that was away for too long, and does not know it yet, gets nothing through.
        """
        outcome = self._writer.write(self._unwritten.records(), self._source.due, self._source.group_metadata())
        if outcome is not Outcome.COMMITTED:
            self._health.ready(False)
            if outcome is Outcome.UNKNOWN:
                self._require_slot()
                self._open()
            self._pause()
            return
        self._pause_s = _FIRST_PAUSE_S
        self._metrics.decided(self._unwritten.changes)
        self._news.written(self._unwritten.changes)
        self._unwritten.written()
        self._has_read = False
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
        self._decide()
        for _ in range(_WRITTEN_AT_THE_END):
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
        self._health.ready(self._source.joined and not self._unwritten)
        now = self._timer()
        if now < self._tell_due:
            return
        self._tell_due = now + _TELL_EVERY_S
        self._metrics.lag(self._source.lags())
        self._metrics.open_notifications(self._book.open_deliveries)
        self._metrics.breakers(self._outbox.left_alone)
        self._news.tell_if_due(self._outbox.left_alone)
        if unread := self._coverage.unread():
            log.warning("nobody reads some partitions: the group is to share anew", partitions=sorted(unread))
            self._source.rejoin()
