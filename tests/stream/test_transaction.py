"""The commit procedure on a real broker: all of a batch or nothing, and which errors mean what."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer

from stream import kafka as clients
from stream.errors import DeliveryRefused, ScorerBroken, SlotTaken
from stream.records import Outgoing
from stream.settings import KafkaSettings
from stream.source import Source
from stream.transaction import Outcome, TransactionalWriter
from tests.harness.topics import CommittedReader, committed_offsets

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka)


@pytest.fixture
def member(settings: KafkaSettings, make_topic: Callable[..., str]) -> Iterator[tuple[Source, Consumer, str, str]]:
    """A member of a group that has read one record: its source, its consumer, the topic and the group."""
    topic = make_topic("in")
    producer = clients.producer(settings)
    producer.produce(topic, b"one")
    assert producer.flush(30) == 0
    group = f"group-of-{topic}"
    consumer = clients.consumer(settings, group)
    source = Source(lambda: consumer, topic, timer=time.monotonic)
    source.subscribe()
    while not source.gather(1, 0.0):
        pass
    yield source, consumer, topic, group
    source.close()


def opened(settings: KafkaSettings, transactional_id: str) -> TransactionalWriter:
    def producer() -> Producer:
        return clients.transactional_producer(settings, transactional_id)

    writer = TransactionalWriter(producer)
    assert writer.open()
    return writer


def visible(settings: KafkaSettings, topic: str) -> list[bytes | None]:
    reader = CommittedReader(settings.bootstrap_servers, [topic])
    values = [message.value() for message in reader.read_to_end()]
    reader.close()
    return values


def test_records_and_offsets_are_committed_together(
    settings: KafkaSettings, member: tuple[Source, Consumer, str, str], make_topic: Callable[..., str]
) -> None:
    source, _, topic, group = member
    out = make_topic("out")

    outcome = opened(settings, out).write(
        [Outgoing(out, b"k", b"a", ()), Outgoing(out, b"k", None, (("h", None),))],
        {(topic, 0): 1},
        source.group_metadata(),
    )

    assert outcome is Outcome.COMMITTED
    assert visible(settings, out) == [b"a", None]
    assert committed_offsets(settings.bootstrap_servers, group, topic) == {0: 1}


def test_what_fails_while_the_broker_takes_a_batch_in_aborts_it(
    settings: KafkaSettings, member: tuple[Source, Consumer, str, str], make_topic: Callable[..., str]
) -> None:
    source, _, topic, group = member
    out = make_topic("out")
    writer = opened(settings, out)

    def fail() -> None:
        raise ScorerBroken("the model bears nothing")

    with pytest.raises(ScorerBroken):
        writer.write([Outgoing(out, b"k", b"a", ())], {(topic, 0): 1}, source.group_metadata(), meanwhile=fail)

    assert visible(settings, out) == []
    assert committed_offsets(settings.bootstrap_servers, group, topic) == {0: -1001}
    seen: list[bytes | None] = []
    again = [Outgoing(out, b"k", b"b", ())]
    outcome = writer.write(
        again, {(topic, 0): 1}, source.group_metadata(), meanwhile=lambda: seen.extend(visible(settings, out))
    )
    assert (outcome, seen) == (Outcome.COMMITTED, [])
    assert visible(settings, out) == [b"b"]


def test_a_batch_of_which_one_record_is_refused_leaves_nothing_behind(
    settings: KafkaSettings, member: tuple[Source, Consumer, str, str], make_topic: Callable[..., str]
) -> None:
    source, _, topic, group = member
    out, narrow = make_topic("out"), make_topic("narrow", max_message_bytes="1000")

    with pytest.raises(DeliveryRefused, match=rf"{narrow}.*max\.message\.bytes"):
        opened(settings, out).write(
            [Outgoing(out, b"k", b"a", ()), Outgoing(narrow, b"k", os.urandom(5000), ())],
            {(topic, 0): 1},
            source.group_metadata(),
        )

    assert visible(settings, out) == []
    assert committed_offsets(settings.bootstrap_servers, group, topic) == {0: -1001}


def test_the_older_of_two_workers_with_one_slot_stops_loudly(
    settings: KafkaSettings, member: tuple[Source, Consumer, str, str], make_topic: Callable[..., str]
) -> None:
    source, _, topic, _ = member
    out = make_topic("out")
    batch = [Outgoing(out, b"k", b"a", ())]
    older = opened(settings, out)
    newer = opened(settings, out)

    with pytest.raises(SlotTaken, match="FRAUD_SCORER__SLOT"):
        older.write(batch, {(topic, 0): 1}, source.group_metadata())

    assert newer.write(batch, {(topic, 0): 1}, source.group_metadata()) is Outcome.COMMITTED
    assert visible(settings, out) == [b"a"]


def test_a_member_that_has_left_its_group_cannot_commit_and_the_batch_is_read_again(
    settings: KafkaSettings, member: tuple[Source, Consumer, str, str], make_topic: Callable[..., str]
) -> None:
    source, consumer, topic, group = member
    out = make_topic("out")
    stale = source.group_metadata()
    consumer.unsubscribe()
    consumer.poll(0.5)
    other = Source(lambda: clients.consumer(settings, group), topic, timer=time.monotonic)
    other.subscribe()
    while not other.gather(1, 0.0):
        pass
    writer = opened(settings, out)

    assert writer.write([Outgoing(out, b"k", b"a", ())], {(topic, 0): 1}, stale) is Outcome.ABORTED
    assert visible(settings, out) == []
    other.rewind({(topic, 0): 0})
    again = other.gather(1, 0.0)
    while not again:
        again = other.gather(1, 0.0)
    assert [record.value for record in again] == [b"one"]
    assert writer.write([Outgoing(out, b"k", b"b", ())], {(topic, 0): 1}, other.group_metadata()) is Outcome.COMMITTED
    assert visible(settings, out) == [b"b"]
    other.close()
