"""One worker's place in a group, and whether somebody else is in it."""

from __future__ import annotations

from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_ANSWER_TIMEOUT_S: Final = 5.0
# librdkafka 2.16.0 ends the process in an assertion (rd_kafka_enq_once) where such a request times out before its
# coordinator was found, and the broker answers later: it is not left to time out, only not waited for.
_NEVER_S: Final = 600.0


class Slot:
    """A place that one process has at a time.

    Args:
        admin: To ask the group with; needs no grant that a member does not have.
        group_id: The group.
        name: What whoever has it is called: its `client.id`, and its `group.instance.id` if it has one.
    """

    def __init__(self, admin: AdminClient, group_id: str, name: str) -> None:
        self._admin = admin
        self._group_id = group_id
        self._name = name

    def has_another(self, member_id: str | None) -> bool | None:
        """Whether the group knows a member in this place that is not this one.

        It may be this one nevertheless: where the answer to its joining was lost, the broker knows it by a name that it
        never heard, until the session of that name ends.

        Args:
            member_id: This worker's membership, the present or the last; None where it has not joined yet.

        Returns:
            None where the broker does not say; ask again.
        """
        try:
            described = self._admin.describe_consumer_groups([self._group_id], request_timeout=_NEVER_S)
            members = described[self._group_id].result(timeout=_ANSWER_TIMEOUT_S).members
        except (KafkaException, TimeoutError):
            return None
        called = {member.member_id: {member.client_id, member.group_instance_id} for member in members}
        return any(self._name in names for member, names in called.items() if member != member_id)
