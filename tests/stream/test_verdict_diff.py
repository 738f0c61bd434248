"""Two topics of verdicts are compared by source; the counts are those that a dictionary gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from stream import kafka as clients
from stream.contracts import ModelRef, Ruling, Source, Verdict
from stream.offset_ranges import Range
from stream.records import Record
from stream.settings import KafkaSettings
from stream.verdict_columns import VerdictColumns
from stream.verdict_diff import Difference, NothingToCompare, compare, diff_topics, verdict_at

AT = datetime(2026, 1, 31, tzinfo=UTC)


def verdict(offset: int, probability: float, *, partition: int = 0, version: str = "a", topic: str = "t") -> Verdict:
    return Verdict(
        transaction_id=f"t-{partition}-{offset}",
        account_id=None,
        event_time=AT,
        amount=12.5,
        currency="EUR",
        verdict=Ruling.FRAUD if probability >= 0.5 else Ruling.LEGITIMATE,
        fraud_probability=probability,
        threshold=0.5,
        model=ModelRef("m", version),
        source=Source(topic, partition, offset),
        scored_at=AT,
    )


def columns(verdicts: Iterable[Verdict]) -> VerdictColumns:
    """As if they stood one after the other in partition 7 of a topic."""
    made = VerdictColumns()
    for place, one in enumerate(verdicts):
        made.add(Record("verdicts", 7, place, None, msgspec.json.encode(one), (), 0))
    return made


def compared(left: Iterable[Verdict], right: Iterable[Verdict], examples: int = 10) -> Difference:
    return compare(columns(left), columns(right), examples=examples)


def test_flips_changes_and_sides_are_told_apart() -> None:
    left = [verdict(0, 0.9), verdict(1, 0.1), verdict(2, 0.5), verdict(3, 0.2), verdict(5, 0.3)]
    right = [verdict(0, 0.9), verdict(1, 0.7), verdict(2, 0.49), verdict(4, 0.2), verdict(5, 0.3)]

    found = compared(left, [msgspec.structs.replace(one, model=ModelRef("m", "b")) for one in right])

    assert (found.compared, found.same_ruling, found.flips, found.identical) == (4, 2, 2, 2)
    assert (found.both_fraud, found.both_legitimate, found.to_fraud, found.to_legitimate) == (1, 1, 1, 1)
    assert (found.left.only, found.right.only, found.left.outside, found.right.outside) == (1, 1, 0, 0)
    assert found.left.models == {ModelRef("m", "a"): 5}
    assert found.right.models == {ModelRef("m", "b"): 5}
    assert not found.agrees
    assert [(one.source.offset, one.left, one.right) for one in found.examples] == [(1, 0.1, 0.7), (2, 0.5, 0.49)]
    assert (found.examples[0].left_ruling, found.examples[0].right_ruling) == (Ruling.LEGITIMATE, Ruling.FRAUD)
    assert found.examples[0].place == (7, 1)
    assert found.change.largest == pytest.approx(0.6)
    assert found.change.mean == pytest.approx((0.6 - 0.01) / 4)


def test_only_what_both_cover_is_compared() -> None:
    left = [verdict(at, 0.1) for at in range(10)] + [verdict(at, 0.1, partition=1) for at in range(4)]
    right = [verdict(at, 0.1) for at in range(6, 20)] + [verdict(at, 0.1, partition=2) for at in range(3)]

    found = compared(left, right)

    assert found.compared == 4
    assert (found.left.only, found.right.only) == (0, 0)
    assert (found.left.outside, found.right.outside) == (6 + 4, 10 + 3)
    assert found.is_identical
    said = [(one.at.partition, one.left, one.right, one.both) for one in found.coverage]
    assert said == [
        (0, Range(0, 10), Range(6, 20), Range(6, 10)),
        (1, Range(0, 4), None, None),
        (2, None, Range(0, 3), None),
    ]


def test_a_topic_with_none_between_the_others_first_and_last_has_nothing_in_common_with_it() -> None:
    found = compared([verdict(0, 0.1), verdict(10, 0.1)], [verdict(at, 0.1) for at in (4, 5, 6)])

    assert (found.compared, found.left.only, found.right.only) == (0, 0, 3)
    assert (found.left.outside, found.right.outside) == (2, 0)
    mirrored = compared([verdict(at, 0.1) for at in (4, 5, 6)], [verdict(0, 0.1), verdict(10, 0.1)])
    assert (mirrored.compared, mirrored.left.only, mirrored.right.outside) == (0, 3, 2)


def test_of_several_verdicts_on_a_transaction_the_last_counts() -> None:
    left = [verdict(0, 0.1), verdict(1, 0.1)]
    right = [verdict(0, 0.9), verdict(1, 0.1), verdict(0, 0.2), verdict(0, 0.1)]

    found = compared(left, right)

    assert (found.compared, found.flips, found.identical) == (2, 0, 2)
    assert (found.right.verdicts, found.right.superseded) == (2, 2)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b'{"transaction_id": "t", "event_time": 1}',
        msgspec.json.encode(verdict(0, 0.5)).replace(b'"offset":0', b'"offset":9223372036854775808'),
        msgspec.json.encode(verdict(0, 0.5)).replace(b'"partition":0', b'"partition":2147483648'),
        msgspec.json.encode(verdict(0, 0.5)).replace(b'"fraud_probability":0.5', b'"fraud_probability":1.5'),
    ],
)
def test_what_is_no_verdict_is_counted(value: bytes | None) -> None:
    right = columns([verdict(0, 0.5)])
    right.add(Record("verdicts", 0, 1, None, value, (), 0))

    found = compare(columns([verdict(0, 0.5)]), right, examples=1)

    assert (found.compared, found.right.unreadable) == (1, 1)


def test_a_verdict_of_a_later_version_with_more_fields_is_one() -> None:
    right = VerdictColumns()
    later = msgspec.json.encode({**msgspec.to_builtins(verdict(0, 0.5)), "more": {"deep": [1]}})
    right.add(Record("verdicts", 0, 1, None, later, (), 0))

    assert compare(columns([verdict(0, 0.5)]), right, examples=1).identical == 1


def test_the_same_place_in_another_topic_is_another_transaction() -> None:
    assert compared([verdict(0, 0.1)], [verdict(0, 0.1, topic="u")]).compared == 0


def test_the_last_bit_of_a_probability_counts() -> None:
    found = compared([verdict(0, 0.3), verdict(1, 0.3)], [verdict(0, 0.1 + 0.2), verdict(1, 0.3)])

    assert (found.compared, found.identical, found.flips) == (2, 1, 0)
    assert found.agrees
    assert not found.is_identical
    assert found.change.largest == np.spacing(0.3)
    assert [one.source.offset for one in found.examples] == [0]


@pytest.mark.parametrize("seed", range(20))
def test_a_dictionary_counts_the_same(seed: int) -> None:
    """Any order, repeated verdicts, gaps, several partitions; few probabilities, so that many are equal."""
    random = np.random.default_rng(seed)

    def some() -> list[Verdict]:
        first, last = np.sort(random.integers(0, 60, 2))
        return [
            verdict(int(offset), float(random.integers(0, 8)) / 7, partition=int(random.integers(0, 3)))
            for offset in random.integers(first, last + 1, random.integers(1, 150))
        ]

    left, right = some(), some()
    limit = int(random.integers(0, 12))

    found = compared(left, right, examples=limit)

    lefts, rights = ({(one.source.partition, one.source.offset): one for one in side} for side in (left, right))
    inside: set[tuple[int, int]] = set()
    for partition in range(3):
        spans = [[offset for at, offset in side if at == partition] for side in (lefts, rights)]
        if all(spans):
            bounds = range(max(map(min, spans)), min(map(max, spans)) + 1)
            inside |= {(partition, offset) for offset in bounds}
    both = [(lefts[at], rights[at]) for at in sorted(inside & lefts.keys() & rights.keys())]
    rulings = Counter((one.verdict, other.verdict) for one, other in both)
    sizes = {one.source: abs(other.fraud_probability - one.fraud_probability) for one, other in both}
    assert found.compared == len(both)
    assert found.to_fraud == rulings[Ruling.LEGITIMATE, Ruling.FRAUD]
    assert found.to_legitimate == rulings[Ruling.FRAUD, Ruling.LEGITIMATE]
    assert found.both_fraud == rulings[Ruling.FRAUD, Ruling.FRAUD]
    assert found.both_legitimate == rulings[Ruling.LEGITIMATE, Ruling.LEGITIMATE]
    assert found.identical == sum(size == 0 for size in sizes.values())
    for side, own, other, given in ((found.left, lefts, rights, left), (found.right, rights, lefts, right)):
        assert (side.verdicts, side.superseded) == (len(own), len(given) - len(own))
        assert side.only == len((own.keys() & inside) - other.keys())
        assert side.outside == len(own.keys() - inside)
    changed = sorted((-size, at.partition, at.offset) for at, size in sizes.items() if size)[:limit]
    assert [(one.source.partition, one.source.offset) for one in found.examples] == [at[1:] for at in changed]
    if both:
        values = list(sizes.values())
        assert found.change.largest == max(values)
        assert found.change.mean_size == pytest.approx(np.mean(values))
        assert found.change.quantiles == {at: np.quantile(values, at) for at in (0.5, 0.9, 0.99, 0.999)}


def write(kafka: str, topic: str, verdicts: Iterable[Verdict]) -> None:
    producer = clients.producer(KafkaSettings(bootstrap_servers=kafka))
    for one in verdicts:
        producer.produce(topic, msgspec.json.encode(one), partition=one.source.partition)
    assert producer.flush(30) == 0


@pytest.mark.kafka
def test_topics_are_read_and_examples_found_again(kafka: str, make_topic: Callable[..., str]) -> None:
    left, right = make_topic("verdicts", partitions=2), make_topic("verdicts", partitions=2)
    given = [verdict(at // 2, 0.1, partition=at % 2) for at in range(3000)]
    write(kafka, left, given)
    write(kafka, right, [*given, verdict(700, 0.8, partition=1)])
    settings = KafkaSettings(bootstrap_servers=kafka)
    heard: list[int] = []

    found = diff_topics(settings, left, right, examples=5, progress=heard.append)

    assert (found.compared, found.to_fraud, found.identical) == (3000, 1, 2999)
    (example,) = found.examples
    assert example.source == Source("t", 1, 700)
    assert verdict_at(settings, left, example.place) == verdict(700, 0.1, partition=1)

    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(left, 1, 1000)]).values():
        future.result()
    assert verdict_at(settings, left, example.place) is None


@pytest.mark.kafka
def test_topics_with_nothing_in_common_are_no_agreement(kafka: str, make_topic: Callable[..., str]) -> None:
    left, right, empty = (make_topic("verdicts") for _ in range(3))
    write(kafka, left, [verdict(0, 0.1)])
    write(kafka, right, [verdict(0, 0.1, topic="u"), verdict(1, 0.1, topic="u")])
    settings = KafkaSettings(bootstrap_servers=kafka)

    for other, said in ((right, f"{right} has 2 verdicts"), (empty, f"{empty} has 0 verdicts")):
        with pytest.raises(NothingToCompare, match=said):
            diff_topics(settings, left, other, examples=5, progress=lambda _: None)
