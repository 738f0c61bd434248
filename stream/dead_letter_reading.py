"""Dead letters as what they are: which record, where it stood, why it could not be scored; and a choice among them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from stream.contracts import (
    DEAD_LETTER_MESSAGE_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_TOPIC_HEADER,
    DeadLetterReason,
)
from stream.records import Headers, Record

_OWN_HEADERS = (
    DEAD_LETTER_TOPIC_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_MESSAGE_HEADER,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of the dead-letter topic, with what its headers say.

    Attributes:
        record: As it stands there.
        topic: Where it stood before.
        partition: Of that topic.
        offset: In that partition.
        reason: One of `DeadLetterReason`, or what another version said.
        message: What was wrong with it, in words; never what was in it.
    """

    record: Record
    topic: str
    partition: int
    offset: int
    reason: str
    message: str

    @property
    def place(self) -> str:
        """Where it stands in the dead-letter topic, as `partition:offset`."""
        return f"{self.record.partition}:{self.record.offset}"

    @property
    def headers(self) -> Headers:
        """The headers that the record came with."""
        return tuple(pair for pair in self.record.headers if pair[0] not in _OWN_HEADERS)


def letter_of(record: Record) -> DeadLetter | None:
    """What a record's headers say of it, the last of each name; None where they are not a dead letter's."""
    said = {name: value for name, value in record.headers if name in _OWN_HEADERS and value is not None}
    if len(said) < len(_OWN_HEADERS):
        return None
    topic, partition, offset, reason, message = (_text(said[name]) for name in _OWN_HEADERS)
    if not _is_number(partition) or not _is_number(offset):
        return None
    return DeadLetter(record, topic, int(partition), int(offset), reason, message)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which dead letters are meant; what is not given does not matter.

    Attributes:
        reasons: Any of these; empty is all.
        partitions: Of the topic where they stood before; empty is all.
        since_ms: Of this time or later, milliseconds since 1970-01-01 UTC. A dead letter has its record's timestamp:
            this is when the record was sent, not when it turned out to be bad.
        until_ms: Before this time.
    """

    reasons: Set[DeadLetterReason] = frozenset()
    partitions: Set[int] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is meant."""
        at = letter.record.timestamp_ms
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.partitions or letter.partition in self.partitions)
            and (self.since_ms is None or at >= self.since_ms)
            and (self.until_ms is None or at < self.until_ms)
        )


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
