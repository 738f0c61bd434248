"""The scorer's loop: gather a batch, judge it, write it in one transaction with its offsets; again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from stream.breaker import Breaker
from stream.contracts import Ruling
from stream.errors import MemberFenced, SlotTaken
from stream.health import Health
from stream.judging import Judged
from stream.kafka import Stop
from stream.metrics import ScorerMetrics
from stream.positions import Partition
from stream.records import Record, first_offsets, offsets_after
from stream.settings import ScorerSettings
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import Timeouts
from stream.transaction import Outcome, TransactionalWriter

log = structlog.get_logger()

_LAG_EVERY_S: Final = 1.0
_NEWS_EVERY_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_GRACE_S: Final = 5.0


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
        self._settings = settings
        self._limits = limits
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._breaker = Breaker(settings.breaker, timer)
        self._resting = False
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
        finally:
            self._news.tell()
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: at most one batch, committed or to be read again."""
        self._health.beat()
        if self._rests():
            return
        records = self._source.gather(
            self._settings.batch_size, self._settings.batch_wait_ms / 1000, most_bytes=self._settings.batch_bytes
        )
        self._tell()
        if not records:
            self._writer.serve()
            return

        judged = self._court.judge(records)
        self._health.beat()
        outcome = self._writer.write(judged.outgoing, offsets_after(records), self._source.group_metadata())
        self._metrics.batch_ended(outcome, judged)

        if outcome is Outcome.COMMITTED:
            self._committed(judged)
            return
        if outcome is Outcome.ABORTED:
            self._source.rewind(first_offsets(records))
        else:
            self._recover(first_offsets(records))
        self._pause()

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
        """A new producer, or member, would fence a newer worker's, if there is one.

        Who is in the group in this place may be this worker, under a name that it never heard. Nobody speaks for that
        name, so its session ends; a newer worker's does not.
        """
        since: float | None = None
        while not self._stop.is_set():
            taken = self._slot.has_another(self._source.member_id)
            if taken is False:
                return
            if taken:
                since = self._timer() if since is None else since
                if self._timer() - since > self._limits.session_ms / 1000 + _GRACE_S:
                    raise SlotTaken(
                        "another worker has this slot by now: give each worker a FRAUD_SCORER__SLOT of its own"
                    )
            self._pause()

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
        self._verdicts += len(judged.verdicts)
        self._frauds += sum(verdict.verdict is Ruling.FRAUD for _, verdict in judged.verdicts)
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
