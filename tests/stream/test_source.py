"""A member of the group on a real broker: where it begins, what it does about a gap, and how it rests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from stream import kafka as clients
from stream.errors import MemberFenced, OffsetsGone, SettingRefused
from stream.positions import Partition
from stream.records import Record, offsets_after
from stream.settings import KafkaSettings
from stream.slots import Slot
from stream.source import Source
from stream.transaction import Outcome, TransactionalWriter
from tests.harness.topics import committed_offsets
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka, properties={"session.timeout.ms": 6000})


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    return make_topic("in", partitions=2)


@pytest.fixture
def join(settings: KafkaSettings, topic: str) -> Iterator[Callable[..., Source]]:
    """`join("g-0")` makes a static member of that name; all leave in the end."""
    with ExitStack() as leaving:

        def make(name: str, **options: object) -> Source:
            def consumer() -> Consumer:
                return clients.consumer(settings, f"group-of-{topic}", name=name, static=True)

            source = Source(consumer, topic, timer=time.monotonic, **options)  # type: ignore[arg-type]
            source.subscribe()
            leaving.callback(source.close)
            return source

        yield make


def test_a_session_that_the_broker_does_not_take_is_refused_with_the_remedy(kafka: str, topic: str) -> None:
    short = KafkaSettings(
        bootstrap_servers=kafka, properties={"session.timeout.ms": 5000, "transaction.timeout.ms": 3000}
    )
    source = Source(lambda: clients.consumer(short, f"group-of-{topic}"), topic, timer=time.monotonic)
    source.subscribe()

    def refused() -> bool:
        try:
            source.gather(1, 0.0)
        except SettingRefused as refusal:
            return "session.timeout.ms" in refusal.problem and "group.min.session.timeout.ms" in str(refusal)
        return False

    wait_until(refused, within_s=30, what="the session is not refused")
    source.close()


def send(settings: KafkaSettings, topic: str, count: int) -> None:
    producer = clients.producer(settings)
    for number in range(count):
        producer.produce(topic, str(number).encode(), partition=number % 2)
    assert producer.flush(30) == 0


def read(source: Source, count: int) -> list[Record]:
    records: list[Record] = []

    def enough() -> bool:
        records.extend(source.gather(100, 0.0))
        return len(records) >= count

    wait_until(enough, within_s=30, what=f"{count} records")
    return records


def commit(settings: KafkaSettings, source: Source, offsets: Mapping[Partition, int]) -> Outcome:
    """As a worker does it: in a transaction that holds nothing else here."""
    writer = TransactionalWriter(lambda: clients.transactional_producer(settings, f"writer-{os.urandom(4).hex()}"))
    wait_until(writer.open, within_s=30, what="no transactions yet")
    return writer.write([], offsets, source.group_metadata())


def delete_before(kafka: str, topic: str, partition: int, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    deleted = admin.delete_records([TopicPartition(topic, partition, offset)])
    for answer in deleted.values():
        answer.result()


def test_a_new_group_begins_with_the_earliest_record_of_every_partition(
    settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 20)

    records = read(join("g-0"), 20)

    assert sorted((record.partition, record.offset) for record in records) == [
        (partition, offset) for partition in (0, 1) for offset in range(10)
    ]


def test_records_that_were_deleted_unread_stop_the_reader_which_says_which_and_what_to_do(
    kafka: str, settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 20)
    first = join("g-0")
    read(first, 20)
    commit(settings, first, {(topic, 0): 3, (topic, 1): 10})
    first.close()
    delete_before(kafka, topic, 0, 7)

    with pytest.raises(OffsetsGone, match=rf"partition 0 of topic '{topic}': offsets 3 to 6 .*FRAUD_SCORER__GAPS=skip"):
        read(join("g-0"), 20)

    assert committed_offsets(kafka, f"group-of-{topic}", topic) == {0: 3, 1: 10}


def test_skipped_records_are_counted_and_the_rest_is_read(
    kafka: str, settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 20)
    first = join("g-0")
    read(first, 20)
    commit(settings, first, {(topic, 0): 3, (topic, 1): 10})
    first.close()
    delete_before(kafka, topic, 0, 7)
    skipped: list[tuple[int, int]] = []

    records = read(join("g-0", gaps="skip", skipped=lambda *gap: skipped.append(gap)), 3)

    assert skipped == [(0, 4)]
    assert [(record.partition, record.offset) for record in records] == [(0, 7), (0, 8), (0, 9)]


def test_a_topic_that_was_made_anew_is_not_taken_for_the_one_that_was_read(
    kafka: str, settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 4)
    first = join("g-0")
    read(first, 4)
    commit(settings, first, {(topic, 0): 2, (topic, 1): 900})
    first.close()

    with pytest.raises(OffsetsGone, match=r"partition 1 .* ends at 2, before offset 900"):
        read(join("g-0"), 1)


def test_at_rest_it_stays_a_member_and_reads_nothing_and_awake_it_reads_on(
    settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 20)
    source = join("g-0")
    seen = source.gather(1, 0.0)
    while not seen:
        seen = source.gather(1, 0.0)

    for _ in range(6):
        source.rest()
    rebalances = source.rebalances
    source.wake()
    rest = read(source, 19)

    assert source.rebalances == rebalances
    assert sorted((record.partition, record.offset) for record in [*seen, *rest]) == [
        (partition, offset) for partition in (0, 1) for offset in range(10)
    ]


def test_what_comes_next_can_be_committed_again_by_a_member_only(
    kafka: str, settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 4)
    older = join("g-0")
    assert older.due == {}, "nothing is this member's yet"
    read(older, 4)
    assert older.due == {(topic, 0): 2, (topic, 1): 2}
    assert commit(settings, older, older.due) is Outcome.COMMITTED

    newer = join("g-0")
    wait_until(lambda: newer.gather(1, 0.0) is not None and newer.joined, within_s=30, what="the newer one joins")
    assert newer.due == {(topic, 0): 2, (topic, 1): 2}, "nothing was read, but where reading begins is known"
    assert commit(settings, older, {(topic, 0): 0}) is not Outcome.COMMITTED
    assert committed_offsets(kafka, f"group-of-{topic}", topic) == {0: 2, 1: 2}


def test_of_two_members_in_one_place_the_older_one_is_told(
    kafka: str, settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 2)
    slot = Slot(AdminClient({"bootstrap.servers": kafka}), f"group-of-{topic}", "g-0")
    older = join("g-0")
    read(older, 2)
    assert slot.has_another(older.member_id) is False

    newer = join("g-0")
    wait_until(lambda: newer.gather(1, 0.0) is not None and newer.joined, within_s=30, what="the newer one joins")

    assert slot.has_another(older.member_id) is True
    assert slot.has_another(newer.member_id) is False
    with pytest.raises(MemberFenced):
        read(older, 1)


def test_a_member_that_joins_anew_reads_on_from_what_is_committed(
    settings: KafkaSettings, topic: str, join: Callable[..., Source]
) -> None:
    send(settings, topic, 4)
    source = join("g-0")
    read(source, 4)
    commit(settings, source, {(topic, 0): 2, (topic, 1): 1})

    source.join_anew()

    assert [(record.partition, record.offset) for record in read(source, 1)] == [(1, 1)]


class Belated:
    """A real consumer that gives, together with an assignment, a record that it had fetched long before.

    librdkafka does so once in a while where a member was away for longer than the group waits.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._first: Message | None = None
        self._came = False
        self.repeated = 0

    def subscribe(self, topics: list[str], *, on_assign: Callable[..., None], **others: Callable[..., None]) -> None:
        def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            on_assign(consumer, partitions)
            self._came = True

        self._consumer.subscribe(topics, on_assign=assigned, **others)

    def consume(self, most: int, timeout: float) -> list[Message]:
        self._came = False
        found = self._consumer.consume(most, timeout=timeout)
        if self._came and self._first is not None:
            self.repeated += 1
            found.append(self._first)
        self._first = self._first or next((message for message in found if message.error() is None), None)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def test_a_record_that_comes_with_an_assignment_was_fetched_before_it_and_is_left_out(
    settings: KafkaSettings, topic: str
) -> None:
    send(settings, topic, 4)
    consumer = Belated(clients.consumer(settings, f"group-of-{topic}"))
    source = Source(lambda: consumer, topic, timer=time.monotonic)  # type: ignore[arg-type, return-value]
    source.subscribe()
    records = read(source, 4)
    assert commit(settings, source, offsets_after(records)) is Outcome.COMMITTED

    def repeats() -> bool:
        records.extend(source.gather(10, 0.0))
        return consumer.repeated > 0

    source.rejoin()
    wait_until(repeats, within_s=30, what="nothing is assigned again")
    send(settings, topic, 2)
    records += read(source, 2)
    source.close()

    assert sorted((record.partition, record.offset) for record in records) == [(p, o) for p in (0, 1) for o in range(3)]


def test_long_records_make_a_batch_complete_before_there_are_many(settings: KafkaSettings, topic: str) -> None:
    producer = clients.producer(settings)
    for _ in range(12):
        producer.produce(topic, os.urandom(900_000), partition=0)
    assert producer.flush(30) == 0
    holds_little = settings.model_copy(update={"properties": {"queued.max.messages.kbytes": 1024}})
    source = Source(lambda: clients.consumer(holds_little, f"group-of-{topic}"), topic, timer=time.monotonic)
    source.subscribe()

    sizes: list[int] = []
    while sum(sizes) < 12:
        sizes.append(len(source.gather(100, 5.0, most_bytes=2_000_000)))
    source.close()

    assert 3 <= max(sizes) < 8
