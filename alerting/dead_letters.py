"""Notices that reached nobody, kept with the reason (pure): records of topic `alerts.dlq`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from alerting.contracts import (
    DEAD_LETTER_ATTEMPTS_HEADER,
    DEAD_LETTER_CHANNEL_HEADER,
    DEAD_LETTER_RECEIVER_HEADER,
    DEAD_LETTER_RECIPIENT_HEADER,
)
from alerting.delivery import FailureReason
from alerting.policies import Lost
from stream.contracts import (
    DEAD_LETTER_MESSAGE_HEADER,
    DEAD_LETTER_OFFSET_HEADER,
    DEAD_LETTER_PARTITION_HEADER,
    DEAD_LETTER_REASON_HEADER,
    DEAD_LETTER_TOPIC_HEADER,
)
from stream.records import Headers, Outgoing, Record


def unreadable_letter(record: Record, message: str, *, topic: str) -> Outgoing:
    """A record of the verdicts that is none, with key, value, headers and timestamp untouched.

    Args:
        record: As it came.
        message: Why it is no verdict, without its values.
        topic: Where it goes.
    """
    added = {
        DEAD_LETTER_TOPIC_HEADER: record.topic,
        DEAD_LETTER_PARTITION_HEADER: str(record.partition),
        DEAD_LETTER_OFFSET_HEADER: str(record.offset),
        DEAD_LETTER_REASON_HEADER: FailureReason.UNDECODABLE.value,
        DEAD_LETTER_MESSAGE_HEADER: message,
    }
    return Outgoing(topic, record.key, record.value, (*record.headers, *_headers(added)), record.timestamp_ms)


def lost_letter(lost: Lost, *, topic: str) -> Outgoing:
    """The ledger's last entry of a notice, with what it was to tell.

    Args:
        lost: The notice.
        topic: Where it goes.
    """
    delivery = lost.delivery
    whole = msgspec.structs.replace(delivery, verdict=lost.verdict, tally=lost.tally)
    added = {
        DEAD_LETTER_REASON_HEADER: delivery.reason or FailureReason.UNSURE.value,
        DEAD_LETTER_MESSAGE_HEADER: delivery.detail or "",
        DEAD_LETTER_CHANNEL_HEADER: delivery.channel,
        DEAD_LETTER_RECEIVER_HEADER: delivery.receiver,
        DEAD_LETTER_RECIPIENT_HEADER: delivery.recipient,
        DEAD_LETTER_ATTEMPTS_HEADER: str(delivery.attempts),
        DEAD_LETTER_PARTITION_HEADER: str(lost.partition),
    }
    return Outgoing(topic, delivery.id.encode(), msgspec.json.encode(whole), _headers(added))


def _headers(added: Mapping[str, str]) -> Headers:
    return tuple((name, text.encode()) for name, text in added.items())
