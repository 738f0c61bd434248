"""One channel's loop: read verdicts, tell people of the frauds or keep why not, commit; again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from alerting.courier import Courier, Interrupted, Undelivered
from alerting.dead_letters import DeadLetterWriter, NotAcknowledged, alert_dead_letter
from alerting.delivery import FailureReason
from alerting.metrics import AlertMetrics
from alerting.reading import Unreadable, alert_in
from stream.health import Health
from stream.kafka import Stop
from stream.records import Record, first_offsets, offsets_after
from stream.source import Source

log = structlog.get_logger()

_GATHERED_AT_MOST: Final = 500
_GATHER_S: Final = 0.01
# After so long with the records of one poll, the rest of them is read again: the group wants to hear from us.
_LONGEST_BATCH_S: Final = 5.0
_COMMIT_EVERY_S: Final = 1.0


class AlertWorker:
    """A member of one channel's group, on one thread.

    Delivery is at least once: an offset is committed after the provider has accepted the alert or the broker its
    dead letter, so that a crash in between tells people twice rather than never.

    Args:
        channel: The channel's name.
        source: The verdicts.
        courier: Tells people.
        dead_letters: Keeps what could not be told.
        dead_letter_topic: Where.
        health: Told of every turn.
        metrics: Told of dead letters and lag.
        stop: Ends the loop after the delivery in hand.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        channel: str,
        source: Source,
        courier: Courier,
        dead_letters: DeadLetterWriter,
        *,
        dead_letter_topic: str,
        health: Health,
        metrics: AlertMetrics,
        stop: Stop,
        timer: Callable[[], float],
    ) -> None:
        self._channel = channel
        self._source = source
        self._courier = courier
        self._dead_letters = dead_letters
        self._dead_letter_topic = dead_letter_topic
        self._health = health
        self._metrics = metrics
        self._stop = stop
        self._timer = timer
        self._commit_due = timer() + _COMMIT_EVERY_S

    def run(self) -> None:
        """Runs until `stop`; the delivery in hand is finished and committed, and the group left.

        Raises:
            WorkerFailed: The process cannot go on; what was not committed is read again.
        """
        try:
            self._source.subscribe()
            while not self._stop.is_set():
                self.run_once()
            self._source.commit()
        except (Interrupted, NotAcknowledged):
            log.info("left an alert to the next worker", channel=self._channel)
        finally:
            self._health.ready(False)
            self._source.close()

    def run_once(self) -> None:
        """One turn: the records of one poll, as far as time allows.

        Raises:
            Interrupted: The process stops before anybody was told of the fraud in hand.
            NotAcknowledged: The process stops before its dead letter was safe.
        """
        self._health.beat()
        records = self._source.gather(_GATHERED_AT_MOST, _GATHER_S)
        self._health.ready(self._source.joined)

        until = self._timer() + _LONGEST_BATCH_S
        for place, record in enumerate(records):
            if self._stop.is_set() or self._timer() >= until:
                self._source.rewind(first_offsets(records[place:]))
                break
            if self._deal_with(record):
                self._source.mark_done(offsets_after(records[: place + 1]))
                self._source.commit()
        else:
            self._source.mark_done(offsets_after(records))

        if self._timer() >= self._commit_due:
            self._commit_due = self._timer() + _COMMIT_EVERY_S
            self._source.commit()
            self._metrics.lag(self._channel, self._source.lags())

    def _deal_with(self, record: Record) -> bool:
        """Tells people, or keeps why not; False where there was nothing to tell."""
        try:
            alert = alert_in(record)
        except Unreadable as unreadable:
            self._keep(record, [Undelivered(0, FailureReason.UNDECODABLE, unreadable.message, attempts=0)])
            return True
        if alert is None:
            return False
        self._keep(record, self._courier.deliver(alert, verdict_ms=record.timestamp_ms))
        return True

    def _keep(self, record: Record, undelivered: Sequence[Undelivered]) -> None:
        if not undelivered:
            return
        self._dead_letters.write(
            [
                alert_dead_letter(record, failure, channel=self._channel, topic=self._dead_letter_topic)
                for failure in undelivered
            ]
        )
        for failure in undelivered:
            self._metrics.dead_lettered(self._channel, failure.reason)
