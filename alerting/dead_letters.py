"""What could not be told, kept durably with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog
from confluent_kafka import KafkaError, Message, Producer

from alerting.contracts import (
    DEAD_LETTER_ATTEMPTS_HEADER,
    DEAD_LETTER_CHANNEL_HEADER,
    DEAD_LETTER_RECIPIENT_HEADER,
)
from alerting.courier import Undelivered
from stream.contracts import (
    DEAD_LETTER_MESSAGE_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_TOPIC_HEADER,
)
from stream.errors import DeliveryRefused
from stream.kafka import Stop
from stream.records import Outgoing, Record

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 0.5


def alert_dead_letter(record: Record, undelivered: Undelivered, *, channel: str, topic: str) -> Outgoing:
    """The verdict with key, value, headers and timestamp untouched, and eight headers more at the end (pure)."""
    added = {
        DEAD_LETTER_TOPIC_HEADER: record.topic,
        DEAD_LETTER_PARTITION_HEADER: str(record.partition),
        DEAD_LETTER_OFFSET_HEADER: str(record.offset),
        DEAD_LETTER_REASON_HEADER: undelivered.reason.value,
        DEAD_LETTER_MESSAGE_HEADER: undelivered.message,
        DEAD_LETTER_CHANNEL_HEADER: channel,
        DEAD_LETTER_RECIPIENT_HEADER: str(undelivered.position),
        DEAD_LETTER_ATTEMPTS_HEADER: str(undelivered.attempts),
    }
    return Outgoing(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=(*record.headers, *((name, text.encode()) for name, text in added.items())),
        timestamp_ms=record.timestamp_ms,
    )


class NotAcknowledged(Exception):
    """The process stops, and the broker has not said that it has the dead letters."""


class DeadLetterWriter:
    """Owns a producer. Used by one thread.

    Args:
        producer: Idempotent: it repeats by itself what a broker did not acknowledge.
        stop: Ends the waiting for a broker that does not answer.
        beat: Called while waiting: the thread is alive, however slow the broker.
    """

    def __init__(self, producer: Producer, *, stop: Stop, beat: Callable[[], None]) -> None:
        self._producer = producer
        self._stop = stop
        self._beat = beat

    def write(self, letters: Sequence[Outgoing]) -> None:
        """Returns once the broker has them all.

        Raises:
            NotAcknowledged: The process stops first.
            DeliveryRefused: The broker refuses one for good.
        """
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        for letter in letters:
            self._producer.produce(
                letter.topic,
                key=letter.key,
                value=letter.value,
                headers=list(letter.headers),
                timestamp=letter.timestamp_ms,
                on_delivery=delivered,
            )
        while self._producer.flush(_LOOK_EVERY_S):
            self._beat()
            if self._stop.is_set():
                raise NotAcknowledged
        if failures:
            raise DeliveryRefused(f"the broker did not take an alert's dead letter: {failures[0].str()}")
