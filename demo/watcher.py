"""An independent reader of the demo's topics: what was sent, what was ruled, and how long that took."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alerting.ledger.entries import Delivery, Group
from alerting.ledger.writing import entry_in
from stream import kafka as clients
from stream.contracts import Verdict
from stream.errors import WorkerFailed
from stream.records import Record, record_of
from stream.settings import KafkaSettings, TopicSettings

_METADATA_TIMEOUT_S: Final = 10.0
_LOOK_TIMEOUT_S: Final = 0.1
_AT_ONCE: Final = 1000

# Where a record stands: topic, partition, offset.
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Sight:
    """What has been read so far.

    Attributes:
        sent: How many transactions are in the topic.
        verdicts: As they came.
        latencies_ms: For each verdict the time from its transaction's record to its arrival here.
        dead_letters: How many transactions could not be scored.
        notices: What became of each notice, by its id.
        waiting: How many alerts wait in groups to be told of together.
    """

    sent: int
    verdicts: Sequence[Verdict]
    latencies_ms: Sequence[float]
    dead_letters: int
    notices: Mapping[str, Delivery]
    waiting: int


class Watcher:
    """Reads all topics from their beginning, committed records only, as a member of no group.

    It has a thread of its own, so that a latency is not the time that the rest of the demo takes to look.

    Args:
        kafka: Where the broker is.
        topics: What to read; they exist.
        now: Seconds since 1970-01-01 UTC.
    """

    def __init__(self, kafka: KafkaSettings, topics: TopicSettings, *, now: Callable[[], float]) -> None:
        ends = {**kafka.properties, "enable.partition.eof": True}
        self._kafka: Final = kafka.model_copy(update={"properties": ends})
        self._topics: Final = topics
        self._now: Final = now
        self._decode = msgspec.json.Decoder(Verdict).decode

        self._lock: Final = threading.Lock()
        self._sent: dict[Place, int] = {}
        self._ruled: dict[Place, float] = {}
        self._verdicts: list[Verdict] = []
        self._dead_letters = 0
        self._notices: dict[str, Delivery] = {}
        self._waiting: dict[bytes, int] = {}
        self._ends: dict[tuple[str, int], int] = {}

        self._finishing: Final = threading.Event()
        self._abandoned: Final = threading.Event()
        self._failure: Exception | None = None
        self._thread: Final = threading.Thread(target=self._run, name="watcher")
        self._thread.start()

    def sight(self) -> Sight:
        """What has been read so far.

        Raises:
            WorkerFailed: The broker reported an error.
        """
        if self._failure is not None:
            raise WorkerFailed(f"the demo cannot read the topics ({self._failure})") from self._failure
        with self._lock:
            return Sight(
                sent=len(self._sent),
                verdicts=list(self._verdicts),
                latencies_ms=[at - self._sent[place] for place, at in self._ruled.items() if place in self._sent],
                dead_letters=self._dead_letters,
                notices=dict(self._notices),
                waiting=sum(self._waiting.values()),
            )

    def finish(self, *, within_s: float) -> Sight:
        """Reads on to the present end of every partition, and leaves.

        Raises:
            WorkerFailed: The broker reported an error.
        """
        self._finishing.set()
        self._thread.join(within_s)
        return self.sight()

    def abandon(self) -> None:
        """Leaves at once, whatever is still to be read; after `finish` it does nothing."""
        self._abandoned.set()
        self._thread.join()

    def _run(self) -> None:
        consumer = clients.consumer(self._kafka, "fraud-demo-watcher")
        try:
            partitions = self._all_partitions(consumer)
            consumer.assign(partitions)
            while not self._abandoned.is_set():
                if self._finishing.is_set() and self._is_at_end(consumer, partitions):
                    break
                self._look(consumer)
        except KafkaException as failure:
            self._failure = failure
        finally:
            consumer.close()

    def _all_partitions(self, consumer: Consumer) -> list[TopicPartition]:
        names = self._topics.names
        known = consumer.list_topics(timeout=_METADATA_TIMEOUT_S).topics
        return [TopicPartition(name, number, 0) for name in names for number in known[name].partitions]

    def _is_at_end(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> bool:
        for partition in partitions:
            _, end = consumer.get_watermark_offsets(partition, timeout=_METADATA_TIMEOUT_S)
            if self._ends.get((partition.topic, partition.partition), 0) < end:
                return False
        return True

    def _look(self, consumer: Consumer) -> None:
        """Takes what has come, or waits a little for the first of it."""
        first = consumer.poll(_LOOK_TIMEOUT_S)
        if first is None:
            return
        records = [first, *consumer.consume(_AT_ONCE, 0)]
        arrived_ms = self._now() * 1000
        with self._lock:
            for record in records:
                self._take(record, arrived_ms)

    def _take(self, record: Message, arrived_ms: float) -> None:
        topic, partition, offset = record.topic(), record.partition(), record.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        if (error := record.error()) is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            self._ends[topic, partition] = offset
        elif topic == self._topics.transactions:
            _, self._sent[topic, partition, offset] = record.timestamp()
        elif topic == self._topics.verdicts:
            verdict = self._decode(record.value() or b"")
            self._verdicts.append(verdict)
            source = verdict.source
            self._ruled.setdefault((source.topic, source.partition, source.offset), arrived_ms)
        elif topic == self._topics.alert_ledger:
            self._note(record.key() or b"", record_of(record))
        elif topic == self._topics.dead_letters:
            self._dead_letters += 1

    def _note(self, key: bytes, record: Record) -> None:
        entry = entry_in(record)
        if isinstance(entry, Delivery):
            self._notices[entry.id] = entry
        elif isinstance(entry, Group):
            self._waiting[key] = entry.waiting.count
        else:
            self._waiting.pop(key, None)
