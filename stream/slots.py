"""One worker's place in a group, and whether somebody else is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from stream.errors import SlotTaken
from stream.kafka import Stop

_ANSWER_TIMEOUT_S: Final = 5.0
# librdkafka 2.16.0 ends the process in an assertion (rd_kafka_enq_once) where such a request times out before its
# coordinator was found, and the broker answers later: it is not left to time out, only not waited for.
_NEVER_S: Final = 600.0
# After a session has ended the group needs a moment to say so.
_GRACE_S: Final = 10.0
# Whoever has asked to join is listed already, and no session of theirs ends, before all others have asked too.
_SHARING: Final = frozenset({ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING})


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
            None where the broker does not say, or the group is about to share anew and may find out by itself; ask
            again.
        """
        try:
            described = self._admin.describe_consumer_groups([self._group_id], request_timeout=_NEVER_S)
            group = described[self._group_id].result(timeout=_ANSWER_TIMEOUT_S)
        except (KafkaException, TimeoutError):
            return None
        called = {member.member_id: {member.client_id, member.group_instance_id} for member in group.members}
        has_another = any(self._name in names for member, names in called.items() if member != member_id)
        return None if has_another and group.state in _SHARING else has_another


def require_free(
    slot: Slot,
    member_id: str | None,
    *,
    session_s: float,
    stop: Stop,
    pause: Callable[[], None],
    timer: Callable[[], float],
) -> None:
    """Returns once nobody else is in a slot: a new producer, or member, would fence a newer worker's.

    Who is in the group in this place may be this worker, under a name that it never heard. Nobody speaks for that
    name, so its session ends once the group has shared; a newer worker's does not.

    Args:
        slot: Asked again and again.
        member_id: This worker's membership, the present or the last.
        session_s: How long a session lasts.
        stop: Ends the waiting.
        pause: Called between two questions.
        timer: Monotonic seconds.

    Raises:
        SlotTaken: Another worker is in the slot.
    """
    since: float | None = None
    while not stop.is_set():
        taken = slot.has_another(member_id)
        if taken is False:
            return
        if not taken:
            since = None
        elif since is None:
            since = timer()
        elif timer() - since > session_s + _GRACE_S:
            raise SlotTaken(
                "another worker has this slot by now: "
                "give each worker a slot of its own (FRAUD_SCORER__SLOT, FRAUD_ALERTS__SLOT)"
            )
        pause()
