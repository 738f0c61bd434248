"""What is wrong with the alert worker's topics is found before the first alert, and all of it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from alerting.preconditions import require_fitting
from stream import kafka as clients
from stream.errors import SettingRefused
from stream.settings import KafkaSettings, TopicSettings

pytestmark = pytest.mark.kafka


def check(kafka: str, topics: TopicSettings) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)
    cluster = clients.reach_broker(settings, stop=threading.Event())
    assert cluster is not None
    require_fitting(cluster, clients.admin(settings), topics)


@pytest.fixture
def topics(make_topic: Callable[..., str]) -> TopicSettings:
    return TopicSettings(
        verdicts=make_topic("verdicts", partitions=3),
        alert_dead_letters=make_topic("letters"),
        alert_ledger=make_topic("ledger", partitions=3, cleanup_policy="compact,delete"),
        alert_silences=make_topic("silences", cleanup_policy="compact"),
        labels=make_topic("labels"),
    )


def test_topics_as_they_are_made_fit(kafka: str, topics: TopicSettings) -> None:
    check(kafka, topics)


def test_everything_that_is_wrong_is_told_at_once(
    kafka: str, topics: TopicSettings, make_topic: Callable[..., str]
) -> None:
    forgetful = make_topic("ledger", partitions=2)
    wrong = topics.model_copy(update={"alert_ledger": forgetful, "labels": "not-there", "replicas": 3})

    with pytest.raises(SettingRefused) as refusal:
        check(kafka, wrong)

    problem = refusal.value.problem
    assert "topic 'not-there' missing" in problem
    assert f"topic '{forgetful}' is not compacted (cleanup.policy=delete)" in problem
    assert f"topic '{forgetful}' has 2 partitions, and '{topics.verdicts}' has 3" in problem
    assert f"topic '{forgetful}' has 1 of 3 replicas" in problem
    assert f"topic '{topics.alert_silences}' has 1 of 3 replicas" in problem
    assert f"topic '{topics.alert_dead_letters}' has 1 of 3 replicas" in problem
