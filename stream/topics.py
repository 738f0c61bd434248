"""The topics as this system needs them: partitions, retention, clean-up, the longest record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.errors import Mendable
from stream.settings import TopicSettings

_DAY_MS: Final = 24 * 60 * 60 * 1000
_REQUEST_TIMEOUT_S: Final = 15.0

# Long records get in, so that they can be dead-lettered, and what was let in fits into the dead-letter topic
# with its reason.
_LONGEST_TRANSACTION_BYTES: Final = 16 * 1024 * 1024
_LONGEST_DEAD_LETTER_BYTES: Final = 17 * 1024 * 1024
_DELETE: Final = "delete"
_FOR_EVER_MS: Final = 2**63 - 1
_DEAD_LETTERS_KEPT_BYTES: Final = 10 * 1024 * 1024 * 1024


class TopicRefused(Mendable):
    """The broker does not make a topic as asked."""


@dataclass(frozen=True)
class TopicPlan:
    """One topic to be.

    Attributes:
        name: Its name.
        partitions: How many; transactions, verdicts and the ledger of alerts have the same number, so that a key stays
            together.
        replicas: -1 takes the broker's default.
        config: Properties of the topic.
    """

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class TopicState:
    """What became of a plan: made now, or found, with as many partitions."""

    plan: TopicPlan
    made: bool
    partitions: int


def plan_topics(topics: TopicSettings, *, partitions: int, replicas: int) -> list[TopicPlan]:
    """The topics with their properties (pure).

    Transactions are kept a week for reprocessing, verdicts a month for those who look into them. Dead letters are kept
    by size, not by age: they have their record's timestamp, which may be years old, and a broker that counts from
    there would delete them within minutes.
    """

    def plan(name: str, count: int, *, cleanup: str = _DELETE, **properties: int) -> TopicPlan:
        config = {"cleanup.policy": cleanup, **{key.replace("_", "."): str(at) for key, at in properties.items()}}
        return TopicPlan(name, count, replicas, config)

    by_size = {
        "retention_ms": -1,
        "retention_bytes": _DEAD_LETTERS_KEPT_BYTES,
        "max_message_bytes": _LONGEST_DEAD_LETTER_BYTES,
        # Nor are letters refused for a timestamp: what got into one topic gets into the other.
        "message_timestamp_before_max_ms": _FOR_EVER_MS,
        "message_timestamp_after_max_ms": _FOR_EVER_MS,
    }
    return [
        plan(topics.transactions, partitions, retention_ms=7 * _DAY_MS, max_message_bytes=_LONGEST_TRANSACTION_BYTES),
        plan(topics.verdicts, partitions, retention_ms=30 * _DAY_MS),
        plan(topics.dead_letters, partitions, cleanup=_DELETE, **by_size),
        plan(topics.alert_dead_letters, 1, cleanup=_DELETE, **by_size),
        # A notice's entry stands beside its verdict, and is of no use once nobody would ask what became of it.
        plan(topics.alert_ledger, partitions, cleanup="compact,delete", retention_ms=14 * _DAY_MS, segment_ms=_DAY_MS),
        plan(topics.alert_silences, 1, cleanup="compact", retention_ms=-1),
        plan(topics.labels, partitions, retention_ms=-1),
        plan(topics.shadow_verdicts, partitions, retention_ms=7 * _DAY_MS),
        # One record for each dead letter that was sent again, kept for as long as the topic lives.
        TopicPlan(topics.replayed_dead_letters, 1, replicas, {"cleanup.policy": "compact", "retention.ms": "-1"}),
    ]


def create_topics(client: AdminClient, plans: Sequence[TopicPlan]) -> list[TopicState]:
    """Makes the topics that do not exist yet and leaves the others as they are.

    Raises:
        TopicRefused: Names the topic and the broker's reason.
    """
    futures = client.create_topics(
        [
            NewTopic(
                plan.name,
                num_partitions=plan.partitions,
                replication_factor=plan.replicas,
                config=dict(plan.config),
            )
            for plan in plans
        ],
        request_timeout=_REQUEST_TIMEOUT_S,
    )
    made: dict[str, bool] = {}
    for name, future in futures.items():
        try:
            future.result()
            made[name] = True
        except KafkaException as refusal:
            error: KafkaError = refusal.args[0]
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicRefused(
                    f"topic {name!r} cannot be made ({error.str()})",
                    remedy="ask for what this cluster allows (--partitions, --replicas), or for the grant",
                ) from None
            made[name] = False
    existing = client.list_topics(timeout=_REQUEST_TIMEOUT_S).topics
    return [
        TopicState(
            plan,
            made[plan.name],
            len(existing[plan.name].partitions) if not made[plan.name] and plan.name in existing else plan.partitions,
        )
        for plan in plans
    ]
