"""Whether every partition of a topic has a reader in the group; asked without waiting for the answer.

A static member that comes back takes its old partitions without a rebalance (KIP-345). Where the topic was given more
partitions while it was away, the client takes their number for the one that it began with, and asks nobody to share
anew: nobody reads the new ones until a member joins or leaves (seen with librdkafka 2.16.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import ConsumerGroupState, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

_EVERY_S: Final = 5.0
# Requests are not left to time out, only not waited for: see `stream.slots`.
_NEVER_S: Final = 600.0


class Coverage:
    """Asks now and then; nothing here waits.

    Args:
        admin: To ask with; needs no grant that a member does not have.
        topic: What is to be read.
        group_id: Who is to read it.
        timer: Monotonic seconds.
    """

    def __init__(self, admin: AdminClient, topic: str, group_id: str, *, timer: Callable[[], float]) -> None:
        self._admin = admin
        self._topic = topic
        self._group_id = group_id
        self._timer = timer
        self._due = timer() + _EVERY_S
        self._asked: tuple[Future[Any], Future[Any]] | None = None
        self._seen: frozenset[int] = frozenset()

    def unread(self) -> frozenset[int]:
        """Partitions that had no reader at two looks in a row, five seconds or more apart; then it begins anew.

        One look alone may have met a group between the two halves of a rebalance.
        """
        if self._asked is None:
            if self._timer() >= self._due:
                self._ask()
            return frozenset()
        if not all(answer.done() for answer in self._asked):
            return frozenset()
        found = self._answer(*self._asked)
        self._asked, self._due = None, self._timer() + _EVERY_S
        twice = found & self._seen
        self._seen = frozenset() if twice else found
        return twice

    def _ask(self) -> None:
        self._asked = (
            self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=_NEVER_S)[self._topic],
            self._admin.describe_consumer_groups([self._group_id], request_timeout=_NEVER_S)[self._group_id],
        )

    def _answer(self, topic: Future[Any], group: Future[Any]) -> frozenset[int]:
        try:
            known, described = topic.result(), group.result()
        except KafkaException:
            return frozenset()
        if described.state is not ConsumerGroupState.STABLE:
            return frozenset()
        assigned = {
            member.member_id: {
                place.partition for place in member.assignment.topic_partitions if place.topic == self._topic
            }
            for member in described.members
        }
        return without_reader({partition.id for partition in known.partitions}, assigned)


def without_reader(partitions: Set[int], assigned: Mapping[str, Set[int]]) -> frozenset[int]:
    """The partitions that no member has (pure).

    Args:
        partitions: Of the topic.
        assigned: Of each member those that it has.
    """
    return frozenset(partitions).difference(*assigned.values())
