"""A record that cannot be scored, on its way to the dead-letter topic as it came (pure)."""

from __future__ import annotations

from typing import Final

from stream.contracts import (
    DEAD_LETTER_MESSAGE_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_TIMESTAMP_HEADER,
    DEAD_LETTER_TOPIC_HEADER,
)
from stream.diagnosis import Rejection
from stream.records import Outgoing, Record

# A broker refuses what is an hour ahead (message.timestamp.after.max.ms of Kafka 4), and its clock is another one.
_FAR_AHEAD_MS: Final = 30 * 60 * 1000


def dead_letter(record: Record, rejection: Rejection, *, topic: str, now_ms: float) -> Outgoing:
    """The record with key, value, headers and timestamp untouched, and five headers more at the end.

    A record that was a dead letter before keeps its earlier headers: the last of each name is the newest. A timestamp
    that is half an hour ahead or more, which the topic might refuse, stands in a header before those five instead.

    Args:
        record: As it came.
        rejection: Why it is none to be scored.
        topic: Where it goes.
        now_ms: The time of day, epoch milliseconds.
    """
    ahead = record.timestamp_ms > now_ms + _FAR_AHEAD_MS
    return Outgoing(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=(
            *record.headers,
            *([(DEAD_LETTER_TIMESTAMP_HEADER, str(record.timestamp_ms).encode())] if ahead else []),
            (DEAD_LETTER_TOPIC_HEADER, record.topic.encode()),
            (DEAD_LETTER_PARTITION_HEADER, str(record.partition).encode()),
            (DEAD_LETTER_OFFSET_HEADER, str(record.offset).encode()),
            (DEAD_LETTER_REASON_HEADER, rejection.reason.encode()),
            (DEAD_LETTER_MESSAGE_HEADER, rejection.message.encode()),
        ),
        timestamp_ms=0 if ahead else record.timestamp_ms,
    )
