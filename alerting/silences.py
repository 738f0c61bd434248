"""The topic of silences: one written, all read, and followed by the workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

import msgspec
import structlog
from confluent_kafka import OFFSET_BEGINNING, KafkaError, TopicPartition

from alerting.policies import Stopped
from alerting.silencing import LONGEST_REASON, Kind, Silence, flaw
from alerting.text import clipped
from stream import kafka as clients
from stream.contracts import CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE, SCHEMA_VERSION_HEADER
from stream.errors import NotAllowed, WorkerFailed
from stream.records import Headers, Outgoing, Record, offsets_after, record_of
from stream.settings import KafkaSettings
from stream.topic_reading import read_to_end

log = structlog.get_logger()

SCHEMA_VERSION: Final = "1"
_HEADERS: Final[Headers] = (
    (CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE),
    (SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode()),
)
# The client wants a name, and neither joins a group of that name nor commits in it.
_NO_GROUP: Final = "fraud-silences"
_AT_ONCE: Final = 500
_REQUEST_TIMEOUT_S: Final = 10.0
_FOR_GOOD: Final = timedelta(days=10 * 365)
_decode: Final = msgspec.json.Decoder(Silence).decode


def silence_of(stopped: Stopped) -> Silence:
    """What keeps everybody from telling somebody who wants nothing more on a channel, until it is expired by hand."""
    return Silence(
        id=f"stopped/{stopped.channel}/{stopped.recipient}",
        kind=Kind.STOPPED,
        channel=stopped.channel,
        recipient=stopped.recipient,
        author="fraud alert",
        reason=clipped(stopped.why, LONGEST_REASON) or "the provider says so",
        created_at=stopped.at,
        starts_at=stopped.at,
        ends_at=stopped.at + _FOR_GOOD,
    )


def record_of_silence(silence: Silence, *, topic: str) -> Outgoing:
    """A silence as it is written; the topic has one partition (pure)."""
    return Outgoing(topic, silence.id.encode(), msgspec.json.encode(silence), _HEADERS)


def silence_in(record: Record) -> Silence | None:
    """What a record of the topic holds; None where it is no silence, which is logged: it holds nothing back."""
    if record.value is None:
        return None
    try:
        silence = _decode(record.value)
        why = flaw(silence)
    except (msgspec.DecodeError, UnicodeDecodeError):
        silence, why = None, "it cannot be decoded"
    if why is not None:
        log.error("a record of the silences is none", why=why, topic=record.topic, offset=record.offset)
        return None
    return silence


def all_silences(kafka: KafkaSettings, topic: str) -> list[Silence]:
    """The last state of each silence, the oldest first.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: The broker fell silent.
    """
    return latest(_silences(read_to_end(kafka, topic)))


def latest(silences: Iterable[Silence]) -> list[Silence]:
    """The last state of each id (pure)."""
    return sorted({one.id: one for one in silences}.values(), key=lambda one: one.created_at)


def _silences(records: Iterable[Record]) -> Iterator[Silence]:
    return (silence for record in records if (silence := silence_in(record)) is not None)


class SilenceFeed:
    """Follows the topic, beside the loop: all that it holds at first, then what comes. Used by the loop's thread.

    Args:
        kafka: Where.
        topic: The silences'.

    Raises:
        WorkerFailed: The topic cannot be read to its present end.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._topic = topic
        records = list(read_to_end(kafka, topic))
        self._known = latest(_silences(records))
        self._consumer = clients.consumer(kafka, _NO_GROUP)
        # Not from the beginning again: a silence that has been ended would hold alerts back meanwhile.
        after = offsets_after(records)
        partitions = self._consumer.list_topics(topic, timeout=_REQUEST_TIMEOUT_S).topics[topic].partitions
        self._consumer.assign(
            [TopicPartition(topic, number, after.get((topic, number), OFFSET_BEGINNING)) for number in partitions]
        )

    def news(self) -> list[Silence]:
        """What came since it was asked last; does not wait.

        Raises:
            NotAllowed: The broker does not let this client read the topic any more.
            WorkerFailed: The consumer cannot go on.
        """
        found, self._known = self._known, []
        for message in self._consumer.consume(_AT_ONCE, timeout=0.0):
            error = message.error()
            if error is not None:
                self._heed(error)
            elif (silence := silence_in(record_of(message))) is not None:
                found.append(silence)
        return found

    def close(self) -> None:
        """Follows no more."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _heed(self, error: KafkaError) -> None:
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise NotAllowed(
                f"the broker does not let this worker read topic {self._topic!r} ({error.str()})",
                remedy="grant what `fraud topics acls` prints",
            )
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            # The topic was made anew: whoever starts again reads all of it, and the client would read nothing more.
            raise WorkerFailed(f"topic {self._topic!r} does not go on where it was read to: start again")
        if error.fatal():
            raise WorkerFailed(f"the reader of silences failed for good: {error.str()}")
        log.debug("the reader of silences reports", error=error.name(), detail=error.str())
