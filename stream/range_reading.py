"""Ranges of a topic read in batches, apart from any group: nothing is committed, and nobody is joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from stream import kafka as clients
from stream.errors import NotAllowed, WorkerFailed
from stream.offset_ranges import Range
from stream.records import Record, record_of
from stream.settings import KafkaSettings

log = structlog.get_logger()

# SIGTERM is noticed within this time.
_WAIT_S: Final = 0.2
_AT_ONCE: Final = 100
_SILENCE_S: Final = 30.0
# The client wants a name, and neither joins a group of that name nor commits in it.
_NO_GROUP: Final = "fraud-reading-apart"


@contextmanager
def consumer_apart(kafka: KafkaSettings) -> Iterator[Consumer]:
    """A consumer that reads what is committed, for partitions that it is given.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    # The last record that a reader sees may stand before what it does not see, such as the end of a transaction.
    properties = {**kafka.properties, "enable.partition.eof": True}
    consumer = clients.consumer(kafka.model_copy(update={"properties": properties}), _NO_GROUP)
    try:
        yield consumer
    finally:
        consumer.close()


class RangeReader:
    """Reads each range once, from its start to its end. Used by one thread.

    Args:
        consumer: Of `consumer_apart`.
        topic: What to read.
        ranges: For each partition that is meant; all of it was there a moment ago.
        timer: Monotonic seconds.
    """

    def __init__(
        self, consumer: Consumer, topic: str, ranges: Mapping[int, Range], *, timer: Callable[[], float]
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._ends = {number: end for number, (_, end) in ranges.items()}
        self._positions = {number: start for number, (start, _) in ranges.items()}
        self._unread = {number for number, (start, end) in ranges.items() if start < end}
        self._timer = timer
        self._silent_s = 0.0
        consumer.assign([TopicPartition(topic, number, self._positions[number]) for number in sorted(self._unread)])

    @property
    def done(self) -> bool:
        """Whether every range was read."""
        return not self._unread

    @property
    def positions(self) -> dict[int, int]:
        """For each partition the offset to go on from after what was gathered; the range's end where it is done."""
        return dict(self._positions)

    def gather(self, most: int, most_bytes: int) -> list[Record]:
        """The next batch; empty where none came soon, or there is none any more.

        Args:
            most: Records at most.
            most_bytes: It is complete once its values have as many; it may exceed them by a hundred records.

        Raises:
            NotAllowed: The broker does not let this client read the topic.
            WorkerFailed: The broker fell silent, or deleted records before they were read.
        """
        records: list[Record] = []
        size = 0
        while self._unread and len(records) < most and size < most_bytes:
            began = self._timer()
            messages = self._consumer.consume(min(most - len(records), _AT_ONCE), timeout=_WAIT_S)
            if not messages:
                self._silent_s += self._timer() - began
                break
            self._silent_s = 0.0
            taken = [record for message in messages if (record := self._taken(message)) is not None]
            records += taken
            size += sum(len(record.value or b"") for record in taken)
        if self._silent_s > _SILENCE_S:
            raise WorkerFailed(f"the broker sends nothing of topic {self._topic!r} for {_SILENCE_S:.0f} s")
        return records

    def _taken(self, message: Message) -> Record | None:
        """The record, where it is meant; what else the client says ends a range, or the reading."""
        error = message.error()
        if error is not None:
            self._heed(error, message.partition())
            return None
        record = record_of(message)
        number = record.partition
        if number not in self._unread:
            return None
        if record.offset + 1 >= self._ends[number]:
            self._end(number)
        else:
            self._positions[number] = record.offset + 1
        return record if record.offset < self._ends[number] else None

    def _end(self, partition: int) -> None:
        self._positions[partition] = self._ends[partition]
        self._unread.discard(partition)
        self._consumer.pause([TopicPartition(self._topic, partition)])

    def _heed(self, error: KafkaError, partition: int | None) -> None:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            if partition in self._unread:
                self._end(partition)
        elif code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise NotAllowed(
                f"the broker does not let this client read topic {self._topic!r} ({error.str()})",
                remedy="grant it READ on the topic",
            )
        elif code == KafkaError._AUTO_OFFSET_RESET:
            raise WorkerFailed(
                f"records of partition {partition} of topic {self._topic!r} were deleted before they were read"
            )
        elif error.fatal():
            raise WorkerFailed(f"the consumer failed for good: {error.str()}")
        else:
            log.debug("the consumer reports", error=error.name(), detail=error.str())
