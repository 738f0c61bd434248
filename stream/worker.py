"""The scorer's loop: gather a batch, judge it, write it in one transaction with its offsets; again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from stream.contracts import Ruling
from stream.health import Health
from stream.judging import Judged
from stream.kafka import Stop
from stream.metrics import ScorerMetrics
from stream.records import Record, first_offsets, offsets_after
from stream.settings import ScorerSettings
from stream.source import Partition, Source
from stream.transaction import Outcome, TransactionalWriter

log = structlog.get_logger()

_LAG_EVERY_S: Final = 1.0
_NEWS_EVERY_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


class Worker:
    """One member of the scoring group, on one thread.

    Args:
        source: Where records come from.
        judge: What is made of them.
        writer: Where verdicts, dead letters and offsets go.
        settings: Batch bounds.
        health: Told of every turn.
        metrics: Told of every batch.
        stop: Ends the loop after the batch in hand.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        judge: Callable[[Sequence[Record]], Judged],
        writer: TransactionalWriter,
        *,
        settings: ScorerSettings,
        health: Health,
        metrics: ScorerMetrics,
        stop: Stop,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._judge = judge
        self._writer = writer
        self._settings = settings
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._lag_due = timer()
        self._news = _News(timer)
        self._pause_s = _FIRST_PAUSE_S

    def run(self) -> None:
        """Runs until `stop`; the batch in hand is finished, and the group left.

        Raises:
            WorkerFailed: The process cannot go on; nothing uncommitted was kept.
        """
        try:
            self._open()
            self._source.subscribe()
            while not self._stop.is_set():
                self.run_once()
        finally:
            self._news.tell()
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: at most one batch, committed or to be read again."""
        self._health.beat()
        records = self._source.gather(self._settings.batch_size, self._settings.batch_wait_ms / 1000)
        self._health.ready(self._source.joined)
        self._report_lag()
        self._news.tell_if_due()
        if not records:
            self._writer.serve()
            return

        judged = self._judge(records)
        outcome = self._writer.write(judged.outgoing, offsets_after(records), self._source.group_metadata())
        self._metrics.batch_ended(outcome, judged)

        if outcome is Outcome.COMMITTED:
            self._news.add(judged)
            self._pause_s = _FIRST_PAUSE_S
            return
        if outcome is Outcome.ABORTED:
            self._source.rewind(first_offsets(records))
        else:
            self._recover(first_offsets(records))
        self._pause()

    def _recover(self, batch_start: Mapping[Partition, int]) -> None:
        """After an unknown outcome the broker decides: a new producer ends the transaction, then we ask."""
        self._open()
        while not self._stop.is_set() and not self._source.rewind_to_committed(batch_start):
            self._pause()

    def _open(self) -> None:
        while not self._stop.is_set() and not self._writer.open():
            self._pause()

    def _pause(self) -> None:
        self._health.beat()
        self._stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _report_lag(self) -> None:
        now = self._timer()
        if now >= self._lag_due:
            self._lag_due = now + _LAG_EVERY_S
            self._metrics.lag(self._source.lags())


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
