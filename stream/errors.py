"""What can go wrong between Kafka and a verdict, named after the broken promise."""

from __future__ import annotations

from model.errors import Mendable

__all__ = [
    "BrokerUnreachable",
    "DeliveryRefused",
    "Mendable",
    "PropertyRefused",
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


class WorkerFailed(Exception):
    """The client cannot go on; nothing uncommitted was kept, so a supervisor may restart the process."""


class SlotTaken(WorkerFailed):
    """Another worker started with the same slot and fenced this one (KIP-98)."""


class DeliveryRefused(WorkerFailed):
    """The broker refuses a record for good (too large, not allowed); the batch stays uncommitted."""
