"""The challenger's verdicts on what the champion has ruled on, beside the loop and never in its way.

Best effort: what the challenger does not get to is skipped and counted, and no transaction has more than one verdict
of it. The loop hands over what is committed and goes on; while it judges, the challenger stands still, for both share
one interpreter.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from model.scoring.scorer import Scorer
from stream.contracts import Ruling
from stream.judging import Judge, Judged
from stream.records import Outgoing, Record
from stream.settings import TopicSettings

log = structlog.get_logger()

# Rows scored at once: so few that the loop never waits long for the interpreter.
_PORTION: Final = 64
_MOST_RECORDS: Final = 10_000
_MOST_BYTES: Final = 32 * 1024 * 1024
_MOST_IN_FLIGHT: Final = 10_000
_TICK_S: Final = 0.1
_DRAIN_S: Final = 2.0
_SAID_EVERY_S: Final = 60.0

_Ruled: TypeAlias = Sequence[tuple[Record, Ruling]]


class Skipped(StrEnum):
    """Why there is no verdict of the challenger: a closed set, and a metric's label."""

    BUSY = "busy"
    UNSCORABLE = "unscorable"
    UNWRITTEN = "unwritten"
    ENDED = "ended"


class ShadowMetrics(Protocol):
    """What a challenger is measured by."""

    def shadow_verdict(self, champion: Ruling, challenger: Ruling) -> None:
        """Counts a verdict that was written, by what both said."""

    def shadow_skipped(self, cause: Skipped, count: int) -> None:
        """Counts transactions that the challenger has no verdict on."""


class Shadow:
    """Judges by the challenger, on a thread of its own, and writes to `topics.shadow_verdicts`.

    Args:
        make_producer: A new idempotent producer; called when there is something to write.
        topics: Where the verdicts go; dead letters go nowhere.
        max_record_bytes: As the champion's judge has it.
        metrics: Told of each transaction that was offered while there was a challenger.
        now: The time of day, with a zone.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        make_producer: Callable[[], Producer],
        topics: TopicSettings,
        *,
        max_record_bytes: int,
        metrics: ShadowMetrics,
        now: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_producer = make_producer
        self._topics = topics.model_copy(update={"verdicts": topics.shadow_verdicts})
        self._max_record_bytes = max_record_bytes
        self._metrics = metrics
        self._now = now
        self._timer = timer
        self._news = threading.Condition()
        self._judge: Judge | None = None
        self._queue: deque[_Ruled] = deque()
        self._records = self._bytes = 0
        self._ends_at: float | None = None
        self._free = threading.Event()
        self._free.set()
        self._producer: Producer | None = None
        self._said: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)

    def replace(self, scorer: Scorer | None) -> None:
        """Makes another one challenger, or nobody.

        Raises:
            InputNameUnusable: It cannot be fed from the transaction contract; the present one stays.
        """
        judge = None
        if scorer is not None:
            judge = Judge(
                scorer, self._topics, max_record_bytes=self._max_record_bytes, now=self._now, timer=self._timer
            )
        with self._news:
            self._judge = judge
        self._said.clear()

    def offer(self, judged: Judged) -> None:
        """Takes over a committed batch where there is room; never waits."""
        if self._judge is None or not judged.ruled:
            return
        ruled = list(zip(judged.ruled, judged.rulings, strict=True))
        size = _bytes(ruled)
        with self._news:
            # One batch always has room, however large batches are.
            fits = not self._records or (
                self._records + len(ruled) <= _MOST_RECORDS and self._bytes + size <= _MOST_BYTES
            )
            if fits:
                self._queue += [ruled[at : at + _PORTION] for at in range(0, len(ruled), _PORTION)]
                self._records += len(ruled)
                self._bytes += size
                self._news.notify()
        if not fits:
            self._skip(Skipped.BUSY, len(ruled), "it does not keep pace with the champion")

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keeps the challenger from its next portion while the block runs."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def close(self, drain_s: float = _DRAIN_S) -> None:
        """Ends after what is waiting, or after `drain_s` seconds; the rest is counted."""
        with self._news:
            self._ends_at = self._timer() + drain_s
            self._news.notify()
        self._thread.join(drain_s + 1)
        with self._news:
            left, self._records = self._records, 0
            self._queue.clear()
        self._skip(Skipped.ENDED, left, None)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while (ruled := self._next()) is not None:
            if ruled:
                self._rule(ruled)
            self._serve()
        if self._producer is not None:
            self._skip(Skipped.ENDED, self._producer.flush(self._left()), None)

    def _next(self) -> _Ruled | None:
        """A portion, once the loop lets it be judged; empty where none came soon, None at the end."""
        with self._news:
            waits = self._producer is not None and len(self._producer)
            self._news.wait_for(lambda: self._queue or self._ends_at is not None, _TICK_S if waits else None)
        self._free.wait()
        with self._news:
            if self._ends_at is not None and (not self._queue or not self._left()):
                return None
            if not self._queue:
                return ()
            ruled = self._queue.popleft()
            self._records -= len(ruled)
            self._bytes -= _bytes(ruled)
            return ruled

    def _rule(self, ruled: _Ruled) -> None:
        judge = self._judge
        if judge is None:
            self._skip(Skipped.ENDED, len(ruled), None)
            return
        try:
            judged = judge.judge([record for record, _ in ruled])
        except Exception as error:  # noqa: BLE001 (whatever a challenger may raise, the champion goes on)
            self._skip(Skipped.UNSCORABLE, len(ruled), f"its model raises {type(error).__name__}")
            return
        if judged.rejections:
            reasons = ", ".join(sorted({rejection.reason.value for rejection in judged.rejections}))
            self._skip(Skipped.UNSCORABLE, len(judged.rejections), f"it cannot score some records ({reasons})")
        challenges = iter(judged.rulings)
        for (_, champion), outgoing in zip(ruled, judged.outgoing, strict=True):
            if outgoing.topic == self._topics.verdicts:
                self._write(outgoing, champion, next(challenges))

    def _write(self, outgoing: Outgoing, champion: Ruling, challenger: Ruling) -> None:
        try:
            if self._producer is None:
                self._producer = self._make_producer()
            self._producer.produce(
                outgoing.topic,
                value=outgoing.value,
                key=outgoing.key,
                headers=list(outgoing.headers),
                on_delivery=partial(self._delivered, champion, challenger),
            )
        except KafkaException as refusal:
            self._refused(refusal.args[0])
        except Exception as error:  # noqa: BLE001 (whatever a client may raise, the champion goes on)
            self._skip(Skipped.UNWRITTEN, 1, type(error).__name__)

    def _refused(self, error: KafkaError) -> None:
        """A producer that failed for good takes what it holds with it; the next record gets another one."""
        lost = 1
        if self._producer is not None and error.code() == KafkaError._FATAL:
            lost += len(self._producer)
            self._producer = None
        self._skip(Skipped.UNWRITTEN, lost, error.str())

    def _delivered(self, champion: Ruling, challenger: Ruling, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self._metrics.shadow_verdict(champion, challenger)
        else:
            self._skip(Skipped.UNWRITTEN, 1, error.str())

    def _serve(self) -> None:
        """Hears what was delivered; waits where too much is on its way, so that what waits is bounded here too."""
        while self._producer is not None and self._left():
            self._producer.poll(0 if len(self._producer) < _MOST_IN_FLIGHT else _TICK_S)
            if len(self._producer) < _MOST_IN_FLIGHT:
                return

    def _left(self) -> float:
        """Seconds until the end; many where none is in sight."""
        return threading.TIMEOUT_MAX if self._ends_at is None else max(self._ends_at - self._timer(), 0.0)

    def _skip(self, cause: Skipped, count: int, why: str | None) -> None:
        """Counts, and says it once a minute at most where there is something to say."""
        if not count:
            return
        self._metrics.shadow_skipped(cause, count)
        now = self._timer()
        if why is not None and now - self._said.get(cause, -_SAID_EVERY_S) >= _SAID_EVERY_S:
            self._said[cause] = now
            log.warning("not every verdict of the challenger is written", cause=cause.value, detail=why)


def _bytes(ruled: _Ruled) -> int:
    return sum(len(record.value or b"") for record, _ in ruled)
