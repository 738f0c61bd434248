"""Whether a slot has another, newer worker: the group knows."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_REQUEST_TIMEOUT_S = 5.0


class Slot:
    """One worker's place in a group, which one process has at a time.

    Args:
        admin: To ask the group with; needs no grant that a member does not have.
        group_id: The group.
        name: What the worker calls itself to the broker: its `client.id`, and its `group.instance.id` if it has one.
    """

    def __init__(self, admin: AdminClient, group_id: str, name: str) -> None:
        self._admin = admin
        self._group_id = group_id
        self._name = name

    def has_another(self, member_id: str | None) -> bool | None:
        """Whether somebody else is a member under this worker's name.

        Args:
            member_id: This worker's own membership, the present or the last; None where it has not joined yet.

        Returns:
            None where the broker does not say; ask again.
        """
        try:
            described = self._admin.describe_consumer_groups([self._group_id], request_timeout=_REQUEST_TIMEOUT_S)
            members = described[self._group_id].result().members
        except KafkaException:
            return None
        names = {member.member_id: {member.client_id, member.group_instance_id} for member in members}
        return any(self._name in called for member, called in names.items() if member != member_id)
