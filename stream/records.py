"""What comes from a topic and what goes to one, apart from the client's own types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec
from confluent_kafka import Message

# Stands in for all headers of a record where the client cannot read one of their names.
UNREADABLE_HEADERS: Final = "fraudstream-headers-unreadable"

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]


# Both are made once for each transaction: a Struct takes a sixth of a frozen dataclass's time, and is frozen too.
# Nothing in them can lead back to them, so that the garbage collector need not look.
class Record(msgspec.Struct, frozen=True, gc=False):
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


class Outgoing(msgspec.Struct, frozen=True, gc=False):
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
        topic, partition, offset, message.key(), message.value(), _headers_of(message), timestamp if kind else 0
    )


def first_header(headers: Headers, name: str) -> bytes | None:
    """The value of the first header of that name."""
    return next((value for header, value in headers if header == name), None)


def offsets_after(records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """For each partition the offset to commit once these records, as they came, are dealt with: the last's plus one."""
    return {(record.topic, record.partition): record.offset + 1 for record in records}


def first_offsets(records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """For each partition the offset of the first of these records, as they came: where to read again after an abort."""
    first: dict[tuple[str, int], int] = {}
    for record in records:
        first.setdefault((record.topic, record.partition), record.offset)
    return first


def _headers_of(message: Message) -> Headers:
    try:
        raw = message.headers()
    except (SystemError, UnicodeDecodeError):
        # The client cannot read names that are not UTF-8, and then reads none. The record is worth more than they.
        return ((UNREADABLE_HEADERS, b"a header's name is not UTF-8"),)
    if not raw:
        return ()
    pairs = raw.items() if isinstance(raw, dict) else raw
    return tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)
