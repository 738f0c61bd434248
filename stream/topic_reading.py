"""A topic read from its beginning, or from a time, to where it ends now: apart from any group, leaving no trace."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from stream import kafka as clients
from stream.errors import NotAllowed, WorkerFailed
from stream.records import Record, record_of
from stream.settings import KafkaSettings

log = structlog.get_logger()

_REQUEST_TIMEOUT_S: Final = 10.0
_APPEARS_WITHIN_S: Final = 3.0
_WAIT_S: Final = 0.1
_SILENCE_S: Final = 30.0
_AT_ONCE: Final = 500
# A leader is being elected: of a topic that was just made, or whose broker restarts.
_NO_LEADER_YET: Final = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 (librdkafka's own code)
    KafkaError._TRANSPORT,  # noqa: SLF001
}
# The client wants a name, and neither joins a group of that name nor commits in it.
_NO_GROUP: Final = "fraud-reading-apart"


def read_to_end(
    kafka: KafkaSettings,
    topic: str,
    *,
    partition: int | None = None,
    since_ms: int | None = None,
    decided: bool = False,
    timer: Callable[[], float] = time.monotonic,
) -> Generator[Record, None, None]:
    """Each committed record that the topic holds now, in order for each partition; none is kept.

    Args:
        kafka: Where.
        topic: Exists.
        partition: The only one to read; None reads all.
        since_ms: Begins each partition at its first record of this time or later, milliseconds since 1970-01-01 UTC.
            Later ones may be of an earlier time.
        decided: Whether to wait for transactions that are still open, or whose markers are still to come: everything
            that was written before this call is then given, or was aborted.
        timer: Monotonic seconds.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: The broker fell silent, or deleted records while they were read.
    """
    with _consumer(kafka) as consumer:
        numbers = _partitions(consumer, topic) if partition is None else [partition]
        extents = {number: _extent(consumer, topic, number) for number in numbers}
        if decided:
            with _consumer(kafka, committed=False) as careless:
                ends = {number: _extent(careless, topic, number)[1] for number in numbers}
            extents = {number: (first, ends[number]) for number, (first, _) in extents.items()}
        starts = {number: first for number, (first, end) in extents.items() if first < end}
        if since_ms is not None and starts:
            starts = _since(consumer, topic, starts, since_ms)
        yield from _read(consumer, topic, starts, {number: end for number, (_, end) in extents.items()}, timer)


def require_readable(kafka: KafkaSettings, topic: str, *, timer: Callable[[], float] = time.monotonic) -> None:
    """Makes sure that the broker lets this client read the topic, where there may be nothing to read yet.

    Args:
        kafka: Where.
        topic: Exists.
        timer: Monotonic seconds.

    Raises:
        NotAllowed: It does not.
        WorkerFailed: The broker fell silent.
    """
    with _consumer(kafka) as consumer:
        consumer.assign([TopicPartition(topic, 0, OFFSET_END)])
        until = timer() + _SILENCE_S
        while timer() < until:
            for message in consumer.consume(_AT_ONCE, timeout=_WAIT_S):
                error = message.error()
                if error is None or _is_end(error, topic):
                    return
    raise WorkerFailed(f"the broker does not answer whether topic {topic!r} can be read: try again")


def partitions_of(kafka: KafkaSettings, topic: str) -> list[int]:
    """Numbers of a topic's partitions.

    Raises:
        WorkerFailed: The broker does not say.
    """
    with _consumer(kafka) as consumer:
        return _partitions(consumer, topic)


def read_one(kafka: KafkaSettings, topic: str, partition: int, offset: int) -> Record | None:
    """The record at a place; None where there is none, or it is not committed.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: The broker fell silent.
    """
    with _consumer(kafka) as consumer:
        if partition not in _partitions(consumer, topic):
            return None
        first, end = _extent(consumer, topic, partition)
        if not first <= offset < end:
            return None
        found = next(_read(consumer, topic, {partition: offset}, {partition: end}, time.monotonic), None)
        return found if found is not None and found.offset == offset else None


@contextmanager
def _consumer(kafka: KafkaSettings, *, committed: bool = True) -> Iterator[Consumer]:
    # The last record that a reader sees may stand before what it does not see, such as the end of a transaction.
    properties = {**kafka.properties, "enable.partition.eof": True}
    consumer = clients.consumer(kafka.model_copy(update={"properties": properties}), _NO_GROUP, committed=committed)
    try:
        yield consumer
    finally:
        consumer.close()


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    until = time.monotonic() + _APPEARS_WITHIN_S
    while True:
        found = consumer.list_topics(topic, timeout=_REQUEST_TIMEOUT_S).topics[topic]
        if found.error is None:
            return list(found.partitions)
        if found.error.code() not in _NO_LEADER_YET or time.monotonic() > until:
            raise WorkerFailed(
                f"the broker does not say what partitions topic {topic!r} has ({found.error.str()}): try again"
            )
        time.sleep(_WAIT_S)


def _extent(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """The first offset, and what comes after the last committed record."""
    until = time.monotonic() + _REQUEST_TIMEOUT_S
    while True:
        try:
            extent = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_REQUEST_TIMEOUT_S)
            break
        except KafkaException as refusal:
            if refusal.args[0].code() not in _NO_LEADER_YET or time.monotonic() > until:
                raise WorkerFailed(
                    f"the broker does not say where partition {partition} of topic {topic!r} ends "
                    f"({refusal.args[0].str()}): try again"
                ) from None
            time.sleep(_WAIT_S)
    if extent is None:
        raise WorkerFailed(f"the broker does not say where partition {partition} of topic {topic!r} ends")
    first, end = extent
    return first, end


def _since(consumer: Consumer, topic: str, partitions: dict[int, int], since_ms: int) -> dict[int, int]:
    asked = [TopicPartition(topic, number, since_ms) for number in partitions]
    found = consumer.offsets_for_times(asked, timeout=_REQUEST_TIMEOUT_S)
    return {place.partition: place.offset for place in found if place.offset >= 0}


def _read(
    consumer: Consumer,
    topic: str,
    starts: dict[int, int],
    ends: dict[int, int],
    timer: Callable[[], float],
) -> Iterator[Record]:
    unread = {number for number, start in starts.items() if start < ends[number]}
    consumer.assign([TopicPartition(topic, number, starts[number]) for number in unread])
    heard = timer()
    while unread:
        for message in consumer.consume(_AT_ONCE, timeout=_WAIT_S):
            heard = timer()
            error, number = message.error(), message.partition()
            if error is not None:
                # Of committed records there may be more: the end of those is before a transaction that is open.
                if _is_end(error, topic) and number is not None and (message.offset() or 0) >= ends[number]:
                    unread.discard(number)
                continue
            record = record_of(message)
            if record.offset < ends[record.partition]:
                yield record
                heard = timer()  # whoever took the record may have taken long over it
            if record.offset + 1 >= ends[record.partition] and record.partition in unread:
                unread.discard(record.partition)
                consumer.pause([TopicPartition(topic, record.partition)])
        if timer() - heard > _SILENCE_S:
            raise WorkerFailed(f"the broker sends nothing of topic {topic!r} for {_SILENCE_S:.0f} s: try again")


def _is_end(error: KafkaError, topic: str) -> bool:
    """Whether a partition was read to its end; other news is raised, or logged."""
    code = error.code()
    if code == KafkaError._PARTITION_EOF:
        return True
    if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        raise NotAllowed(
            f"the broker does not let this client read topic {topic!r} ({error.str()})",
            remedy="grant it READ on the topic",
        )
    if code == KafkaError._AUTO_OFFSET_RESET:
        raise WorkerFailed(f"records of topic {topic!r} were deleted while they were read: try again")
    if error.fatal():
        raise WorkerFailed(f"the consumer failed for good: {error.str()}")
    log.debug("the consumer reports", error=error.name(), detail=error.str())
    return False
