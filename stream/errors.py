"""What can go wrong between Kafka and a verdict, named after the broken promise."""

from __future__ import annotations

from model.errors import Mendable

__all__ = [
    "BrokerUnreachable",
    "DeliveryRefused",
    "MemberFenced",
    "Mendable",
    "NotAllowed",
    "OffsetsGone",
    "PropertyRefused",
    "ScorerBroken",
    "SettingRefused",
    "SlotTaken",
    "TopicMissing",
    "WorkerFailed",
]


class BrokerUnreachable(Mendable):
    """No broker answered in the time that a one-off command waits."""


class PropertyRefused(Mendable):
    """librdkafka does not know a property of `kafka.properties`, or not with this value."""


class TopicMissing(Mendable):
    """A topic that is read or written does not exist."""


class SettingRefused(Mendable):
    """Settings or topics with which the promise could not be kept; names all of them."""


class NotAllowed(Mendable):
    """The broker does not grant this process what it needs."""


class OffsetsGone(Mendable):
    """The broker no longer has the records that come next: they were deleted unread, or the topic is another one."""


class WorkerFailed(Exception):
    """The client cannot go on; nothing uncommitted was kept, so a supervisor may restart the process."""


class SlotTaken(WorkerFailed):
    """Another worker started with the same slot and fenced this one (KIP-98)."""


class MemberFenced(WorkerFailed):
    """The group has another member of this one's name: a newer worker, or this one under an answer that was lost."""


class DeliveryRefused(WorkerFailed):
    """The broker refuses a record for good (too large, not allowed); the batch stays uncommitted."""


class ScorerBroken(WorkerFailed):
    """The model raises an error whatever it is given; the batch stays uncommitted."""
