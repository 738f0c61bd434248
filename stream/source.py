"""The batch's way in: a member of the consumer group that gathers micro-batches and can read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.errors import WorkerFailed
from stream.records import Record, record_of

log = structlog.get_logger()

# The client lets no signal handler run while it waits: SIGTERM is noticed within this time.
LONGEST_WAIT_S: Final = 0.5
_COMMITTED_TIMEOUT_S: Final = 10.0
_START_TIMEOUT_S: Final = 1.0

Partition = tuple[str, int]


class Source:
    """Owns the consumer. Used by one thread.

    Args:
        consumer: Not subscribed yet.
        topic: What to read.
        timer: Monotonic seconds.
    """

    def __init__(self, consumer: Consumer, topic: str, *, timer: Callable[[], float]) -> None:
        self._consumer = consumer
        self._topic = topic
        self._timer = timer
        self._owned: set[Partition] = set()
        self._gone: set[Partition] = set()
        self._joined = False
        self._starts: dict[Partition, int] = {}

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, be it none."""
        return self._joined

    def subscribe(self) -> None:
        """Joins the group; partitions arrive during `gather`."""
        # Without on_lost, partitions that another member already has would arrive as orderly revoked.
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def gather(self, most: int, wait_s: float) -> list[Record]:
        """The next batch: at most `most` records, complete `wait_s` seconds after its first one at the latest.

        Empty where none came within half a second. All of it belongs to partitions owned when it returns.

        Raises:
            WorkerFailed: The consumer cannot go on.
        """
        records = self._take(1, LONGEST_WAIT_S)
        end = self._timer() + wait_s
        while records and len(records) < most and (left := end - self._timer()) > 0:
            more = self._take(most - len(records), min(left, LONGEST_WAIT_S))
            # A rebalance happens inside a poll: what it took away, the next owner reads again. The client has
            # dropped such records from `more`, not from what was gathered before.
            records = [record for record in records if (record.topic, record.partition) not in self._gone] + more
        return records

    def group_metadata(self) -> object:
        """What ties a transaction to this member's generation (KIP-447)."""
        return self._consumer.consumer_group_metadata()

    def rewind(self, offsets: Mapping[Partition, int]) -> None:
        """Reads the partitions that are still owned again from these offsets on."""
        for (topic, partition), offset in offsets.items():
            if (topic, partition) not in self._owned:
                continue
            try:
                self._consumer.seek(TopicPartition(topic, partition, offset))
            except KafkaException as refusal:
                # Taken away meanwhile; the next poll says so, and its next owner starts at the committed offset.
                log.warning("a partition cannot be read again", partition=partition, detail=str(refusal))
                self._consumer.unsubscribe()
                self.subscribe()
                return

    def rewind_to_committed(self, otherwise: Mapping[Partition, int]) -> bool:
        """Goes on from where the group's committed offsets stand, after a commit of unknown outcome.

        Args:
            otherwise: Where to go on in a partition that has no committed offset yet.

        Returns:
            False where the broker did not say; call again.
        """
        partitions = [TopicPartition(topic, partition) for topic, partition in otherwise]
        try:
            committed = self._consumer.committed(partitions, timeout=_COMMITTED_TIMEOUT_S)
        except KafkaException as refusal:
            log.warning("the committed offsets are not known yet", detail=str(refusal))
            return False
        self.rewind(
            {
                (found.topic, found.partition): found.offset
                if found.offset >= 0
                else otherwise[found.topic, found.partition]
                for found in committed
            }
        )
        return True

    def mark_done(self, offsets: Mapping[Partition, int]) -> None:
        """Notes how far the records are dealt with, for `commit`. Partitions taken away meanwhile are left out.

        Args:
            offsets: For each partition the last record's plus one.
        """
        owned = [TopicPartition(*place, offset) for place, offset in offsets.items() if place in self._owned]
        if owned:
            self._consumer.store_offsets(offsets=owned)

    def commit(self) -> bool:
        """Commits what is marked done, for readers that write nothing in a transaction with it.

        Returns:
            False where the broker did not take it: the marks stay, and go with the next commit. Those of a
            partition that is taken away go with it, and its next owner reads again.
        """
        try:
            committed = self._consumer.commit(asynchronous=False) or []
        except KafkaException as refusal:
            error: KafkaError = refusal.args[0]
            if error.code() == KafkaError._NO_OFFSET:  # noqa: SLF001 (nothing new: librdkafka's own code)
                return True
            log.warning("offsets are not committed yet", error=error.name(), detail=error.str())
            return False
        return all(place.error is None for place in committed)

    def lags(self) -> dict[Partition, int]:
        """Records behind the end for each owned partition, as of the last fetch."""
        lags: dict[Partition, int] = {}
        for topic, partition in self._owned:
            place = TopicPartition(topic, partition)
            first, end = self._consumer.get_watermark_offsets(place, cached=True)
            if end < 0:
                continue  # nothing was fetched yet
            position = self._consumer.position([place])[0].offset
            if position < 0:
                position = self._starting_point(place, first)
            lags[topic, partition] = max(end - position, 0)
        return lags

    def _starting_point(self, place: TopicPartition, first: int) -> int:
        """Where a partition of which no record has come yet will be read from; asked once."""
        key = (place.topic, place.partition)
        if key not in self._starts:
            try:
                committed = self._consumer.committed([place], timeout=_START_TIMEOUT_S)[0].offset
            except KafkaException:
                return first
            self._starts[key] = committed if committed >= 0 else first
        return self._starts[key]

    def close(self) -> None:
        """Leaves the group at once, so that others take over without waiting for the session to end."""
        self._consumer.close()

    def _take(self, most: int, timeout_s: float) -> list[Record]:
        self._gone.clear()
        records = []
        for message in self._consumer.consume(most, timeout=timeout_s):
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.fatal():
                raise WorkerFailed(f"the consumer failed for good: {error.str()}")
            elif error.code() != KafkaError._PARTITION_EOF:
                log.warning("the consumer reports", error=error.name(), detail=error.str())
        return records

    # Callbacks only record: an exception in one would surface from the poll.
    def _assigned(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        self._joined = True
        self._owned |= _places(partitions)

    def _revoked(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        gone = _places(partitions)
        self._owned -= gone
        self._starts = {place: start for place, start in self._starts.items() if place not in gone}
        self._gone |= gone


def _places(partitions: Iterable[TopicPartition]) -> set[Partition]:
    return {(place.topic, place.partition) for place in partitions}
