"""A record that cannot be scored, on its way to the dead-letter topic as it came (pure)."""

from __future__ import annotations

from stream.contracts import (
    DEAD_LETTER_MESSAGE_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_TOPIC_HEADER,
)
from stream.diagnosis import Rejection
from stream.records import Outgoing, Record


def dead_letter(record: Record, rejection: Rejection, *, topic: str) -> Outgoing:
    """The record with key, value, headers and timestamp untouched, and five headers more at the end.

    A record that was a dead letter before keeps its earlier headers: the last of each name is the newest.
    """
    return Outgoing(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=(
            *record.headers,
            (DEAD_LETTER_TOPIC_HEADER, record.topic.encode()),
            (DEAD_LETTER_PARTITION_HEADER, str(record.partition).encode()),
            (DEAD_LETTER_OFFSET_HEADER, str(record.offset).encode()),
            (DEAD_LETTER_REASON_HEADER, rejection.reason.encode()),
            (DEAD_LETTER_MESSAGE_HEADER, rejection.message.encode()),
        ),
        timestamp_ms=record.timestamp_ms,
    )
