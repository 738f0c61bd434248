"""What must hold of the broker's topics before the first alert; all that does not is told at once."""

from __future__ import annotations

from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.errors import SettingRefused, TopicMissing
from stream.kafka import require_topics
from stream.preconditions import cleanup_policy, copies_of, too_few_copies
from stream.settings import TopicSettings

_COMPACT: Final = "compact"


def require_fitting(cluster: ClusterMetadata, admin: AdminClient, topics: TopicSettings) -> None:
    """Makes sure that what became of a notice stands beside its verdict, and stays.

    What the broker does not let this process ask (it takes the grant DESCRIBE_CONFIGS) is not checked.

    Raises:
        SettingRefused: Lists everything that is wrong.
    """
    compacted = (topics.alert_ledger, topics.alert_silences)
    problems: list[str] = []
    try:
        require_topics(cluster, (topics.verdicts, topics.alert_dead_letters, *compacted, topics.labels))
    except TopicMissing as missing:
        problems.append(missing.problem)
    problems += [
        f"topic {name!r} is not compacted (cleanup.policy={policy}): what became of a notice would be forgotten"
        for name in compacted
        if name in cluster.topics and _COMPACT not in (policy := cleanup_policy(admin, name) or _COMPACT)
    ]
    for name in (*compacted, topics.alert_dead_letters, topics.labels):
        if name in cluster.topics:
            problems += too_few_copies(name, copies_of(cluster, name), topics.replicas)
    counts = {name: len(cluster.topics[name].partitions) for name in cluster.topics}
    ledger, verdicts = counts.get(topics.alert_ledger), counts.get(topics.verdicts)
    if ledger is not None and verdicts is not None and ledger != verdicts:
        problems.append(
            f"topic {topics.alert_ledger!r} has {ledger} partitions, and {topics.verdicts!r} has {verdicts}: an entry "
            "stands in the partition of its verdict"
        )
    if problems:
        raise SettingRefused(
            "; ".join(problems),
            remedy="mend the topics and settings that are named (`fraud topics create` makes topics)",
        )
