"""Which records of a topic are meant: bounds by offset or by time, made into a range for each partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from confluent_kafka import Consumer, TopicPartition

from stream.errors import Mendable, WorkerFailed

# An offset for every partition, one for each that is meant, or a time that the broker is asked for.
Bound: TypeAlias = int | Mapping[int, int] | datetime

_REQUEST_TIMEOUT_S: Final = 10.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RangeUnavailable(Mendable):
    """A range that the broker does not have, or no longer has; names what there is."""


class Range(NamedTuple):
    """A part of a partition.

    Attributes:
        start: Its first offset.
        end: The offset after its last.
    """

    start: int
    end: int


@dataclass(frozen=True)
class Wanted:
    """Which records are meant.

    Attributes:
        start: An offset for every partition; or for each that is meant, the others being left out; or a time: from
            the first record of that time or later on.
        end: An offset (for every partition, or for some) or time that is no longer meant; None is the end as it is now.
    """

    start: Bound
    end: Bound | None = None


@dataclass(frozen=True)
class Plan:
    """What there is of what was wanted.

    Attributes:
        ranges: For each partition that is meant; some may be empty.
        cut: Partitions that begin, by time, at the first record that they still have: there may have been others.
    """

    ranges: Mapping[int, Range]
    cut: tuple[int, ...] = ()


def plan_ranges(consumer: Consumer, topic: str, wanted: Wanted) -> Plan:
    """Asks the broker what it has of what is wanted, as of now.

    Args:
        consumer: Reads committed records only; so the end is that of the last one whose transaction has ended.
        topic: Exists.
        wanted: Which records are meant.

    Raises:
        RangeUnavailable: Names everything that the broker does not have.
        WorkerFailed: The broker does not say.
    """
    extents = {number: _extent(consumer, topic, number) for number in _partitions(consumer, topic)}
    starts = _offsets(consumer, topic, wanted.start, extents)
    ends = {} if wanted.end is None else _offsets(consumer, topic, wanted.end, extents)
    if isinstance(wanted.end, datetime):
        # A partition may begin, by offset, later than the time at which it is to end.
        ends = {number: max(end, starts.get(number, end)) for number, end in ends.items() if number in starts}
    elif isinstance(wanted.end, int):
        ends = {number: end for number, end in ends.items() if number in starts}
    ranges = available(starts, ends, extents)
    by_time = isinstance(wanted.start, datetime)
    cut = tuple(number for number, (start, _) in ranges.items() if by_time and 0 < start == extents[number].start)
    return Plan(ranges, cut)


def available(starts: Mapping[int, int], ends: Mapping[int, int], extents: Mapping[int, Range]) -> dict[int, Range]:
    """A range for each partition that has a start (pure).

    Args:
        starts: First offsets by partition.
        ends: The offsets after the last ones; where there is none, the range ends with the partition.
        extents: What the broker has of each partition.

    Raises:
        RangeUnavailable: Lists everything that is wrong.
    """
    problems = [
        f"partition {number} is not among the topic's {len(extents)}"
        for number in sorted({*starts, *ends} - set(extents))
    ]
    problems += [f"partition {number} has an end, and no start" for number in sorted(set(ends) - set(starts))]
    ranges: dict[int, Range] = {}
    for number, start in sorted(starts.items()):
        if number not in extents:
            continue
        first, last = extents[number]
        end = ends.get(number, last)
        if start < first:
            problems.append(f"partition {number} begins at offset {first} by now, {start} was deleted")
        elif start > last:
            problems.append(f"partition {number} ends at offset {last}, before {start}")
        elif end > last:
            problems.append(f"partition {number} ends at offset {last}, before {end}")
        elif end < start:
            problems.append(f"in partition {number} the end {end} stands before the start {start}")
        else:
            ranges[number] = Range(start, end)
    if problems:
        there = " ".join(
            f"{number}:{min(max(start, extents[number].start), extents[number].end)}"
            for number, start in sorted(starts.items())
            if number in extents
        )
        raise RangeUnavailable(
            "; ".join(problems),
            remedy="name offsets that are there" + (f": the nearest starts are {there}" if there else ""),
        )
    return ranges


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC, the first whole one of this time or later, as Kafka's timestamps are."""
    return -((_EPOCH - instant) // timedelta(milliseconds=1))


def _offsets(consumer: Consumer, topic: str, bound: Bound, extents: Mapping[int, Range]) -> dict[int, int]:
    if isinstance(bound, int):
        # One offset for all of them is taken as far as each of them goes; but never moved past what was deleted.
        return {number: min(bound, extent.end) for number, extent in extents.items()}
    if isinstance(bound, datetime):
        return _at(consumer, topic, bound, extents)
    return dict(bound)


def _at(consumer: Consumer, topic: str, instant: datetime, extents: Mapping[int, Range]) -> dict[int, int]:
    asked = [TopicPartition(topic, number, milliseconds(instant)) for number in extents]
    found = consumer.offsets_for_times(asked, timeout=_REQUEST_TIMEOUT_S)
    silent = [place.partition for place in found if place.error is not None]
    if silent:
        raise WorkerFailed(f"the broker does not say what partitions {silent} of topic {topic!r} had at a time")
    ends = {number: extent.end for number, extent in extents.items()}
    return {
        place.partition: min(place.offset, ends[place.partition]) if place.offset >= 0 else ends[place.partition]
        for place in found
    }


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    found = consumer.list_topics(topic, timeout=_REQUEST_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise WorkerFailed(f"the broker does not say what partitions topic {topic!r} has ({found.error.str()})")
    return sorted(found.partitions)


def _extent(consumer: Consumer, topic: str, partition: int) -> Range:
    extent = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_REQUEST_TIMEOUT_S)
    if extent is None:
        raise WorkerFailed(f"the broker does not say where partition {partition} of topic {topic!r} ends")
    return Range(*extent)
