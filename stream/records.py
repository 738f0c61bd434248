"""What comes from a topic and what goes to one, apart from the client's own types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from confluent_kafka import Message

# Stands in for all headers of a record where the client cannot read one of their names.
UNREADABLE_HEADERS: Final = "fraudstream-headers-unreadable"

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """A consumed record.

    Attributes:
        topic: The topic that it was read from.
        partition: The partition in it.
        offset: Its place in the partition.
        key: As the producer gave it; None where there is none.
        value: As the producer gave it; None for a tombstone.
        headers: In order; a name may stand there twice.
        timestamp_ms: Kafka's timestamp, milliseconds since 1970-01-01 UTC; 0 where there is none.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be produced.

    Attributes:
        topic: Where to.
        key: Decides the partition.
        value: The record's bytes; None stays None.
        headers: In order.
        timestamp_ms: 0 lets the producer take its own clock.
        partition: Where in the topic; None leaves it to the key.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int = 0
    partition: int | None = None


def record_of(message: Message) -> Record:
    """The client's message as a value; only for messages without an error."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    kind, timestamp = message.timestamp()
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=message.key(),
        value=message.value(),
        headers=_headers_of(message),
        timestamp_ms=timestamp if kind else 0,
    )


def first_header(headers: Headers, name: str) -> bytes | None:
    """The value of the first header of that name."""
    return next((value for header, value in headers if header == name), None)


def offsets_after(records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """For each partition the offset to commit once these records are dealt with: the last one's plus one."""
    after: dict[tuple[str, int], int] = {}
    for record in records:
        partition = (record.topic, record.partition)
        after[partition] = max(record.offset + 1, after.get(partition, 0))
    return after


def first_offsets(records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """For each partition the offset of its first record here: where to read again after an abort."""
    first: dict[tuple[str, int], int] = {}
    for record in records:
        partition = (record.topic, record.partition)
        first[partition] = min(record.offset, first.get(partition, record.offset))
    return first


def _headers_of(message: Message) -> Headers:
    try:
        raw = message.headers() or ()
    except (SystemError, UnicodeDecodeError):
        # The client cannot read names that are not UTF-8, and then reads none. The record is worth more than they.
        return ((UNREADABLE_HEADERS, b"a header's name is not UTF-8"),)
    pairs = raw.items() if isinstance(raw, dict) else raw
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)
