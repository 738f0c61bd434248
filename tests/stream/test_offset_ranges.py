"""What there is of a range that is wanted; what there is not is named, never passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from stream import kafka as clients
from stream.offset_ranges import Plan, Range, RangeUnavailable, Wanted, available, milliseconds, plan_ranges
from stream.range_reading import RangeReader, consumer_apart
from stream.settings import KafkaSettings

EXTENTS = {0: Range(0, 100), 1: Range(40, 90)}
AT = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "ends", "expected"),
    [
        ({0: 0, 1: 40}, {}, {0: Range(0, 100), 1: Range(40, 90)}),
        ({1: 41}, {}, {1: Range(41, 90)}),
        ({0: 5, 1: 90}, {0: 7}, {0: Range(5, 7), 1: Range(90, 90)}),
        ({0: 5}, {0: 5}, {0: Range(5, 5)}),
    ],
)
def test_what_is_there_is_given(
    starts: Mapping[int, int], ends: Mapping[int, int], expected: Mapping[int, Range]
) -> None:
    assert available(starts, ends, EXTENTS) == expected


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        ({0: 0, 1: 0}, {}, ["partition 1 begins at offset 40 by now, 0 was deleted", "0:0 1:40"]),
        ({0: 101}, {}, ["partition 0 ends at offset 100, before 101", "0:100"]),
        ({0: 0}, {0: 101}, ["partition 0 ends at offset 100, before 101"]),
        ({0: 9}, {0: 8}, ["the end 8 stands before the start 9"]),
        ({0: 9}, {1: 80}, ["partition 1 has an end, and no start"]),
        ({2: 9}, {}, ["partition 2 is not among the topic's 2"]),
        ({0: 101, 1: 3}, {2: 5}, ["partition 0 ends", "partition 1 begins", "partition 2"]),
    ],
)
def test_what_is_not_there_is_refused_all_at_once(
    starts: Mapping[int, int], ends: Mapping[int, int], said: list[str]
) -> None:
    with pytest.raises(RangeUnavailable) as refusal:
        available(starts, ends, EXTENTS)

    assert all(part in str(refusal.value) for part in said), refusal.value


def test_a_time_is_the_next_whole_millisecond() -> None:
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == 1001
    assert milliseconds(datetime(1970, 1, 1, 1, 0, 1, tzinfo=UTC).astimezone()) == 3_601_000


def at(number: int) -> datetime:
    return AT + timedelta(seconds=number)


@pytest.fixture
def topic(kafka: str, make_topic: Callable[..., str]) -> str:
    """Ten records, one a second, in each of two partitions; the first four of partition 1 are deleted."""
    made = make_topic(partitions=2, retention_ms="-1")
    producer = clients.producer(KafkaSettings(bootstrap_servers=kafka))
    for number in range(20):
        producer.produce(made, b"v", partition=number % 2, timestamp=milliseconds(at(number)))
    assert producer.flush(30) == 0
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(made, 1, 4)]).values():
        future.result()
    return made


@pytest.mark.kafka
def test_the_broker_says_what_there_is(kafka: str, topic: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)

    def planned(wanted: Wanted) -> Plan:
        with consumer_apart(settings) as consumer:
            return plan_ranges(consumer, topic, wanted)

    assert planned(Wanted(5)) == Plan({0: Range(5, 10), 1: Range(5, 10)})
    assert planned(Wanted({0: 2})) == Plan({0: Range(2, 10)})
    assert planned(Wanted({0: 2}, 7)) == Plan({0: Range(2, 7)})
    # One offset for all is taken as far as a partition goes.
    assert planned(Wanted(8, 50)) == Plan({0: Range(8, 10), 1: Range(8, 10)})
    assert planned(Wanted(99)) == Plan({0: Range(10, 10), 1: Range(10, 10)})
    # By time: records 10 to 12, of which 11 is the sixth of partition 1.
    assert planned(Wanted(at(10), at(13))) == Plan({0: Range(5, 7), 1: Range(5, 6)})
    assert planned(Wanted(at(0), at(2))) == Plan({0: Range(0, 1), 1: Range(4, 4)}, cut=(1,))
    assert planned(Wanted(at(99))) == Plan({0: Range(10, 10), 1: Range(10, 10)})
    assert planned(Wanted({0: 9}, at(3))) == Plan({0: Range(9, 9)})
    with pytest.raises(RangeUnavailable, match="partition 1 begins at offset 4 by now, 3 was deleted"):
        planned(Wanted(3))


@pytest.mark.kafka
def test_records_of_an_aborted_transaction_are_not_read_and_not_waited_for(
    kafka: str, make_topic: Callable[..., str]
) -> None:
    topic, settings = make_topic(), KafkaSettings(bootstrap_servers=kafka)
    producer = clients.transactional_producer(settings, topic)
    producer.init_transactions(30)
    for value, end in ((b"a", producer.commit_transaction), (b"b", producer.abort_transaction)):
        producer.begin_transaction()
        for _ in range(3):
            producer.produce(topic, value)
        assert producer.flush(30) == 0
        end(30)
    # a a a, a marker, b b b, a marker

    def read(range_: Range) -> tuple[list[int], dict[int, int]]:
        with consumer_apart(settings) as consumer:
            ticks = iter(range(10_000))  # seconds go by only as fast as the reading asks for them
            reader = RangeReader(consumer, topic, {0: range_}, timer=lambda: next(ticks) / 1000)
            offsets: list[int] = []
            while not reader.done:
                offsets += [record.offset for record in reader.gather(2, 1_000_000)]
            return offsets, reader.positions

    assert read(Range(0, 8)) == ([0, 1, 2], {0: 8})
    assert read(Range(1, 6)) == ([1, 2], {0: 6})
    assert read(Range(0, 2)) == ([0, 1], {0: 2})
    assert read(Range(4, 6)) == ([], {0: 6})
    assert read(Range(2, 2)) == ([], {0: 2})
