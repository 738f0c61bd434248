"""The scorer's loop: gather a batch, judge it, write it in one transaction with its offsets; again.

A batch that is full is written while the next one is judged: more is waiting, and the time in which the broker takes
a batch in would be lost. A smaller one is written at once, for nothing is waiting but itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from stream.breaker import Breaker
from stream.coverage import Coverage
from stream.errors import MemberFenced
from stream.health import Health
from stream.judging import Judged
from stream.kafka import Stop
from stream.metrics import ScorerMetrics
from stream.positions import Partition
from stream.records import Record, first_offsets, offsets_after
from stream.settings import ScorerSettings
from stream.slots import Slot, require_free
from stream.source import Source
from stream.timeouts import Timeouts
from stream.transaction import Outcome, TransactionalWriter

log = structlog.get_logger()

_LAG_EVERY_S: Final = 1.0
_NEWS_EVERY_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
# A transaction is not kept open for a model that takes longer over a batch.
_SHORT_S: Final = 0.5


@dataclass(frozen=True)
class _Batch:
    """Records, and what they came to.

    Attributes:
        records: As they came.
        judged: One answer for each.
        rebalances: How many there had been when they were read.
    """

    records: Sequence[Record]
    judged: Judged
    rebalances: int


class Judging(Protocol):
    """Who judges: the same from one batch to the next, or somebody new."""

    def judge(self, records: Sequence[Record]) -> Judged:
        """One answer for each record of a batch, in its order."""

    def committed(self, judged: Judged) -> None:
        """Told of each batch whose answers stand for good."""


class Worker:
    """One member of the scoring group, on one thread.

    Args:
        source: Where records come from.
        court: What is made of them.
        writer: Where verdicts, dead letters and offsets go.
        slot: Asked whether a newer worker has this one's place.
        coverage: Asked whether partitions are left that nobody reads.
        settings: Batch bounds, and when to pause.
        limits: How long a session lasts.
        health: Told of every turn.
        metrics: Told of every batch.
        stop: Ends the loop after the batch in hand.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        court: Judging,
        writer: TransactionalWriter,
        slot: Slot,
        coverage: Coverage,
        *,
        settings: ScorerSettings,
        limits: Timeouts,
        health: Health,
        metrics: ScorerMetrics,
        stop: Stop,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._court = court
        self._writer = writer
        self._slot = slot
        self._coverage = coverage
        self._settings = settings
        self._limits = limits
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._breaker = Breaker(settings.breaker, timer)
        self._resting = False
        self._before: _Batch | None = None
        self._lag_due = timer()
        self._news = _News(timer)
        self._pause_s = _FIRST_PAUSE_S

    def run(self) -> None:
        """Runs until `stop`; the batch in hand is finished, and the group left.

        Raises:
            Mendable: Records are gone that were not read, or a grant is missing.
            WorkerFailed: The process cannot go on; nothing uncommitted was kept.
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
            if self._before is not None:
                self._write(self._before)
        finally:
            self._news.tell()
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: at most one batch is read and judged, and at most two are committed, or to be read again."""
        self._health.beat()
        before, self._before = self._before, None
        if before is None and self._rests():
            return
        records = self._gather(wait=before is None)
        if before is None:
            batch = self._judged(records)
        elif self._source.rebalances == before.rebalances:
            batch = self._judged_meanwhile(before, records)
        else:
            # Its partitions may have been another's meanwhile, even where they are this member's again.
            self._source.rewind(first_offsets([*before.records, *records]))
            return
        if batch is None:
            self._writer.serve()
        elif self._may_wait(batch):
            self._before = batch
        else:
            self._write(batch)

    def _gather(self, *, wait: bool) -> list[Record]:
        settings = self._settings
        records = self._source.gather(
            settings.batch_size, settings.batch_wait_ms / 1000, most_bytes=settings.batch_bytes, wait=wait
        )
        self._tell()
        return records

    def _judged(self, records: Sequence[Record]) -> _Batch | None:
        if not records:
            return None
        judged = self._court.judge(records)
        self._health.beat()
        return _Batch(records, judged, self._source.rebalances)

    def _judged_meanwhile(self, before: _Batch, records: Sequence[Record]) -> _Batch | None:
        """Writes a batch, and judges the next while the broker takes it in; None where none is left to be written."""
        batch: _Batch | None = None

        def judge() -> None:
            nonlocal batch
            batch = self._judged(records)

        return batch if self._write(before, read=records, meanwhile=judge) else None

    def _may_wait(self, batch: _Batch) -> bool:
        """Whether the next batch is read before this one is written."""
        return (
            len(batch.records) >= self._settings.batch_size
            and batch.judged.scoring_seconds < _SHORT_S
            and not self._breaker.is_open
        )

    def _write(
        self, batch: _Batch, *, read: Sequence[Record] = (), meanwhile: Callable[[], None] | None = None
    ) -> bool:
        """Commits a batch; where that fails, it and what was read after it are to be read again, and this is False."""
        offsets, metadata = offsets_after(batch.records), self._source.group_metadata()
        outcome = self._writer.write(batch.judged.outgoing, offsets, metadata, meanwhile=meanwhile)
        self._metrics.batch_ended(outcome, batch.judged)
        if outcome is Outcome.COMMITTED:
            self._committed(batch.judged)
            return True
        start = first_offsets([*batch.records, *read])
        if outcome is Outcome.ABORTED:
            self._source.rewind(start)
        else:
            self._recover(start)
        self._pause()
        return False

    def _committed(self, judged: Judged) -> None:
        self._news.add(judged)
        self._pause_s = _FIRST_PAUSE_S
        if self._breaker.count(len(judged.outgoing), len(judged.rejections)):
            self._metrics.tripped()
            log.error(
                "too many records cannot be scored: reading pauses, and nothing is lost",
                limit=self._settings.breaker.share,
                reasons=sorted({rejection.reason.value for rejection in judged.rejections}),
                pause_s=self._settings.breaker.pause_s,
            )
        self._court.committed(judged)

    def _rests(self) -> bool:
        """Passes half a second as a member that reads nothing, where the breaker is open."""
        rests = self._breaker.is_open
        if rests:
            self._source.rest()
            self._writer.serve()
            self._tell()
        elif self._resting:
            self._source.wake()
        self._resting = rests
        self._metrics.breaker(is_open=rests)
        return rests

    def _recover(self, batch_start: Mapping[Partition, int]) -> None:
        """After an unknown outcome the broker decides: a new producer ends the transaction, then we ask."""
        self._require_slot()
        self._open()
        while not self._stop.is_set() and not self._source.rewind_to_committed(batch_start):
            self._pause()

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
        self._metrics.rebalanced(self._source.rebalances)
        now = self._timer()
        if now >= self._lag_due:
            self._lag_due = now + _LAG_EVERY_S
            self._metrics.lag(self._source.lags())
        if unread := self._coverage.unread():
            log.warning("nobody reads some partitions: the group is to share anew", partitions=sorted(unread))
            self._source.rejoin()
        self._news.tell_if_due()


class _News:
    """Says now and then what was scored, for those who watch the log; the exact figures are metrics.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._due = timer() + _NEWS_EVERY_S
        self._verdicts = self._frauds = self._dead_letters = 0

    def add(self, judged: Judged) -> None:
        """Counts a committed batch."""
        self._verdicts += len(judged.ruled)
        self._frauds += judged.frauds
        self._dead_letters += len(judged.rejections)

    def tell_if_due(self) -> None:
        """A line every ten seconds at most, and none where nothing came."""
        if self._timer() >= self._due:
            self.tell()

    def tell(self) -> None:
        """What was committed since the last line."""
        if self._verdicts or self._dead_letters:
            log.info("scored", verdicts=self._verdicts, frauds=self._frauds, dead_letters=self._dead_letters)
        self._due = self._timer() + _NEWS_EVERY_S
        self._verdicts = self._frauds = self._dead_letters = 0
