"""What must hold of the broker's topics before the first record is read; all that does not is told at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.errors import SettingRefused, TopicMissing
from stream.kafka import require_topics
from stream.settings import TopicSettings
from stream.timeouts import TRANSACTION_TIMEOUT, Timeouts

log = structlog.get_logger()

_REQUEST_TIMEOUT_S: Final = 5.0
_POLICY: Final = "cleanup.policy"
_LONGEST_TRANSACTION: Final = "transaction.max.timeout.ms"


def require_sound(cluster: ClusterMetadata, admin: AdminClient, topics: TopicSettings, limits: Timeouts) -> None:
    """Makes sure that answers written to these topics stay, and stay single.

    What the broker does not let this process ask (it takes the grant DESCRIBE_CONFIGS) is not checked.

    Raises:
        SettingRefused: Lists everything that is wrong.
    """
    outputs = (topics.verdicts, topics.dead_letters)
    problems: list[str] = []
    try:
        require_topics(cluster, (topics.transactions, *outputs))
    except TopicMissing as missing:
        problems.append(missing.problem)
    for name in outputs:
        if name in cluster.topics:
            problems += too_few_copies(name, copies_of(cluster, name), topics.replicas)
    problems += _compacted(admin, [name for name in outputs if name in cluster.topics])
    problems += _too_long(admin, cluster, limits)
    if problems:
        raise SettingRefused(
            "; ".join(problems),
            remedy="mend the topics and settings that are named (`fraud topics create` makes topics)",
        )


def cleanup_policy(admin: AdminClient, topic: str) -> str | None:
    """How a topic is cleaned up; None where the broker does not say."""
    return _asked(admin, ConfigResource(ConfigResource.Type.TOPIC, topic), _POLICY)


def copies_of(cluster: ClusterMetadata, topic: str) -> int:
    """Copies of the topic's partition that has the fewest (pure)."""
    return min((len(partition.replicas) for partition in cluster.topics[topic].partitions.values()), default=0)


def too_few_copies(topic: str, copies: int, wanted: int) -> list[str]:
    """What is wrong with the number of a topic's copies; empty where nothing is (pure)."""
    if copies >= wanted:
        return []
    return [f"topic {topic!r} has {copies} of {wanted} replicas (topics.replicas): what is written can be lost"]


def _compacted(admin: AdminClient, topics: Iterable[str]) -> list[str]:
    found = []
    for topic in topics:
        policy = cleanup_policy(admin, topic)
        if policy is not None and "compact" in policy:
            found.append(
                f"topic {topic!r} is compacted ({_POLICY}={policy}): of several answers with one key the broker would "
                "keep the last"
            )
    return found


def _too_long(admin: AdminClient, cluster: ClusterMetadata, limits: Timeouts) -> list[str]:
    longest = _asked(
        admin, ConfigResource(ConfigResource.Type.BROKER, str(min(cluster.brokers, default=-1))), _LONGEST_TRANSACTION
    )
    if longest is None or limits.transaction_ms <= int(longest):
        return []
    return [
        f"{TRANSACTION_TIMEOUT} {limits.transaction_ms} (kafka.properties) is above the broker's "
        f"{_LONGEST_TRANSACTION} {longest}"
    ]


def _asked(admin: AdminClient, resource: ConfigResource, name: str) -> str | None:
    """A property of a topic or broker; None where it is not told."""
    try:
        answer = admin.describe_configs([resource], request_timeout=_REQUEST_TIMEOUT_S)[resource].result()
    except KafkaException as refusal:
        error: KafkaError = refusal.args[0]
        log.info("not checked, the broker does not tell", what=name, of=resource.name, reason=error.name())
        return None
    entry = answer.get(name)
    return None if entry is None else str(entry.value)
