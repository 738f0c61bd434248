"""What is wrong with the topics is found before the first record is read, and all of it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from stream import kafka as clients
from stream.errors import SettingRefused
from stream.preconditions import require_sound
from stream.settings import KafkaSettings, TopicSettings
from stream.timeouts import timeouts

pytestmark = pytest.mark.kafka


def check(kafka: str, topics: TopicSettings, **properties: int) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)
    cluster = clients.reach_broker(settings, stop=threading.Event())
    assert cluster is not None
    given = {name.replace("_", "."): value for name, value in properties.items()}
    require_sound(cluster, clients.admin(settings), topics, timeouts(given))


@pytest.fixture
def topics(make_topic: Callable[..., str]) -> TopicSettings:
    return TopicSettings(
        transactions=make_topic("in"), verdicts=make_topic("verdicts"), dead_letters=make_topic("letters")
    )


def test_topics_as_they_are_made_are_sound(kafka: str, topics: TopicSettings) -> None:
    check(kafka, topics)


def test_everything_that_is_wrong_is_told_at_once(
    kafka: str, topics: TopicSettings, make_topic: Callable[..., str]
) -> None:
    compacted = make_topic("verdicts", cleanup_policy="compact,delete")
    wrong = topics.model_copy(update={"transactions": "not-there", "verdicts": compacted, "replicas": 3})

    with pytest.raises(SettingRefused) as refusal:
        check(kafka, wrong, transaction_timeout_ms=3_600_000)

    problem = refusal.value.problem
    assert "topic 'not-there' missing" in problem
    assert f"topic '{compacted}' is compacted" in problem
    assert f"topic '{compacted}' has 1 of 3 replicas" in problem
    assert f"topic '{topics.dead_letters}' has 1 of 3 replicas" in problem
    assert "transaction.timeout.ms 3600000" in problem
    assert "transaction.max.timeout.ms 900000" in problem
