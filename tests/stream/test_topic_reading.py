"""A topic is read to where it ended when the reading began: what is committed, and nothing that comes later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import TopicPartition

from stream import kafka as clients
from stream.errors import WorkerFailed
from stream.settings import KafkaSettings
from stream.topic_reading import read_one, read_to_end

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka)


def produce(settings: KafkaSettings, topic: str, count: int, *, first: int = 0, partition: int = 0) -> None:
    """Values and timestamps are consecutive numbers; timestamps in thousands."""
    producer = clients.producer(settings)
    for number in range(first, first + count):
        producer.produce(topic, str(number).encode(), partition=partition, timestamp=(number + 1) * 1000)
    assert producer.flush(30) == 0


def begun(settings: KafkaSettings, transactional_id: str, topic: str, value: bytes) -> Producer:
    """A producer with a transaction open in which one record was written."""
    producer = clients.transactional_producer(settings, transactional_id)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value)
    assert producer.flush(30) == 0
    return producer


def values(settings: KafkaSettings, topic: str, since_ms: int | None = None) -> list[str]:
    return sorted((record.value or b"").decode() for record in read_to_end(settings, topic, since_ms=since_ms))


def test_all_partitions_are_read_and_what_comes_meanwhile_is_not(
    settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=3)
    produce(settings, topic, 2000)
    produce(settings, topic, 3, first=5000, partition=2)

    reading = read_to_end(settings, topic)
    read = [next(reading)]
    produce(settings, topic, 7, first=9000)
    read += reading

    assert sorted(int(record.value or b"") for record in read) == [*range(2000), 5000, 5001, 5002]
    of_one = [record.offset for record in read if record.partition == 0]
    assert of_one == sorted(of_one)


def test_a_topic_without_records_has_none(settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    assert values(settings, make_topic(partitions=2)) == []


def test_only_what_is_committed_is_read(settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic = make_topic()
    begun(settings, f"{topic}-a", topic, b"aborted").abort_transaction(30)
    begun(settings, f"{topic}-b", topic, b"committed").commit_transaction(30)
    # The last offset of the topic is the end of a transaction: there is no record to wait for.
    begun(settings, f"{topic}-c", topic, b"aborted").abort_transaction(30)
    left_open = begun(settings, f"{topic}-d", topic, b"open")
    produce(settings, topic, 1)

    assert values(settings, topic) == ["committed"]

    left_open.commit_transaction(30)
    assert values(settings, topic) == ["0", "committed", "open"]


def test_reading_begins_at_the_first_record_of_a_time(settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic = make_topic(partitions=2)
    produce(settings, topic, 10)
    produce(settings, topic, 2, first=100, partition=1)

    assert values(settings, topic, since_ms=9001) == ["100", "101", "9"]
    assert values(settings, topic, since_ms=10_001) == ["100", "101"]
    assert values(settings, topic, since_ms=1_000_000) == []


def test_a_topic_that_was_deleted_from_its_beginning_is_read_from_there(
    settings: KafkaSettings, kafka: str, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=2)
    produce(settings, topic, 10)
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(topic, 0, 7)]).values():
        future.result()

    assert values(settings, topic) == ["7", "8", "9"]
    assert read_one(settings, topic, 0, 6) is None


def test_one_record_is_found_where_it_stands(settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic = make_topic()
    produce(settings, topic, 3)
    begun(settings, f"{topic}-a", topic, b"aborted").abort_transaction(30)
    produce(settings, topic, 1, first=9)

    found = {offset: read_one(settings, topic, 0, offset) for offset in (0, 2, 3, 4, 5, 6, 99)}

    said = {offset: record.value if record is not None else None for offset, record in found.items()}
    # 3 was aborted, 4 is the end of its transaction.
    assert said == {0: b"0", 2: b"2", 3: None, 4: None, 5: b"9", 6: None, 99: None}
    assert read_one(settings, topic, 7, 0) is None


def test_a_topic_that_does_not_exist_is_not_taken_for_an_empty_one(settings: KafkaSettings) -> None:
    with pytest.raises(WorkerFailed, match="no-such-topic"):
        next(read_to_end(settings, "no-such-topic"))
