"""A stream of its own for each test: topics and groups with names of their own, and an independent reader."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from stream.settings import TopicSettings
from stream.topics import create_topics, plan_topics
from tests.harness.waiting import wait_until

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as its producer gave it, and the place that the broker acknowledged.

    Attributes:
        partition: Of the topic `transactions`.
        offset: In the partition.
        key: None where there is none.
        value: None for a tombstone.
        headers: In order.
    """

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Stream:
    """Where one test reads and writes.

    Attributes:
        bootstrap: The broker.
        env: What `fraud` needs to use these topics and groups.
    """

    bootstrap: str
    env: dict[str, str]

    @property
    def transactions(self) -> str:
        """The topic's name."""
        return self.env["FRAUD_TOPICS__TRANSACTIONS"]

    @property
    def verdicts(self) -> str:
        """The topic's name."""
        return self.env["FRAUD_TOPICS__VERDICTS"]

    @property
    def dead_letters(self) -> str:
        """The topic's name."""
        return self.env["FRAUD_TOPICS__DEAD_LETTERS"]

    @property
    def shadow_verdicts(self) -> str:
        """The topic's name."""
        return self.env["FRAUD_TOPICS__SHADOW_VERDICTS"]

    @property
    def group(self) -> str:
        """The scoring group."""
        return self.env["FRAUD_SCORER__GROUP_ID"]

    def produce(self, records: Iterable[dict[str, Any]], **properties: Any) -> list[Sent]:
        """Produces to `transactions` what `Producer.produce` takes, and waits for every acknowledgement.

        Returns:
            What was sent, in the order of `records`.
        """
        refused: list[KafkaError] = []
        places: dict[int, tuple[int, int]] = {}

        def delivered(number: int, error: KafkaError | None, message: Message) -> None:
            partition, offset = message.partition(), message.offset()
            if error is not None:
                refused.append(error)
            elif partition is not None and offset is not None:
                places[number] = (partition, offset)

        defaults = {"enable.idempotence": True, "message.max.bytes": 20_000_000}
        producer = Producer({"bootstrap.servers": self.bootstrap, **defaults, **properties})
        given = list(records)
        for number, record in enumerate(given):
            producer.produce(self.transactions, on_delivery=partial(delivered, number), **record)
            producer.poll(0)
        assert producer.flush(60) == 0
        assert refused == []
        return [_sent(record, places[number]) for number, record in enumerate(given)]


def _sent(record: dict[str, Any], place: tuple[int, int]) -> Sent:
    headers = record.get("headers") or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    named = tuple((name, _as_bytes(value)) for name, value in pairs)
    return Sent(*place, _as_bytes(record.get("key")), _as_bytes(record.get("value")), named)


def _as_bytes(text: str | bytes | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text


def new_stream(bootstrap: str, partitions: int = 4) -> Stream:
    """Makes the topics of a new stream as `fraud topics create` does."""
    tag = f"{os.getpid()}-{next(_numbers)}"
    stream = Stream(
        bootstrap,
        {
            "FRAUD_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "FRAUD_TOPICS__TRANSACTIONS": f"transactions-{tag}",
            "FRAUD_TOPICS__VERDICTS": f"verdicts-{tag}",
            "FRAUD_TOPICS__DEAD_LETTERS": f"transactions-{tag}.dlq",
            "FRAUD_TOPICS__ALERT_DEAD_LETTERS": f"alerts-{tag}.dlq",
            "FRAUD_TOPICS__ALERT_LEDGER": f"alerts-{tag}.ledger",
            "FRAUD_TOPICS__ALERT_SILENCES": f"alerts-{tag}.silences",
            "FRAUD_TOPICS__LABELS": f"labels-{tag}",
            "FRAUD_TOPICS__SHADOW_VERDICTS": f"verdicts-{tag}.shadow",
            "FRAUD_SCORER__GROUP_ID": f"fraud-scorer-{tag}",
            "FRAUD_ALERTS__GROUP_ID": f"fraud-alerts-{tag}",
        },
    )
    names = {
        name.removeprefix("FRAUD_TOPICS__").lower(): topic
        for name, topic in stream.env.items()
        if name.startswith("FRAUD_TOPICS__")
    }
    plans = plan_topics(TopicSettings(**names), partitions=partitions, replicas=1)
    made = create_topics(AdminClient({"bootstrap.servers": bootstrap}), plans)
    assert all(topic.made for topic in made)
    return stream


class CommittedReader:
    """Reads every committed record of some topics from the start; it has no part in any group's offsets."""

    def __init__(self, bootstrap: str, topics: list[str]) -> None:
        self.records: list[Message] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "committed-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        known = self._consumer.list_topics(timeout=10).topics
        self._places = [TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions]
        self._consumer.assign(self._places)
        self._at_end: set[tuple[str | None, int | None]] = set()

    def read(self) -> int:
        """Takes in what is there now; how many records have come in all."""
        for message in self._consumer.consume(1000, timeout=0.2):
            error = message.error()
            if error is None:
                self.records.append(message)
                self._at_end.discard((message.topic(), message.partition()))
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                self._at_end.add((message.topic(), message.partition()))
        return len(self.records)

    def read_until(self, count: int, within_s: float = 90) -> None:
        """Reads until `count` records have come in all."""
        wait_until(lambda: self.read() >= count, within_s=within_s, what=f"{len(self.records)} of {count} records")

    def read_to_end(self, within_s: float = 30) -> list[Message]:
        """Reads all partitions to their present ends; all records."""
        self._at_end.clear()
        self._consumer.assign([TopicPartition(at.topic, at.partition, 0) for at in self._places])
        self.records.clear()
        wait_until(
            lambda: self.read() >= 0 and len(self._at_end) == len(self._places),
            within_s=within_s,
            what="not all partitions were read to their ends",
        )
        return self.records

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()


def committed_offsets(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """Where a group stands in each partition of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        found = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=10)
        return {place.partition: place.offset for place in found}
    finally:
        consumer.close()


def end_offsets(bootstrap: str, topic: str) -> dict[int, int]:
    """The end of each partition of a topic."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
            for number in partitions
        }
    finally:
        consumer.close()
