"""The topic of silences, on a real broker: what was written is known to all, also after the broker was gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer

from alerting.policies import Stopped
from alerting.silences import SilenceFeed, all_silences, record_of_silence, silence_of
from alerting.silencing import LONGEST_REASON, Kind, Silence, flaw
from demo.kafka.jars import missing_tools
from demo.kafka.local import LocalKafka
from stream.errors import WorkerFailed
from stream.kafka import admin
from stream.records import Outgoing
from stream.settings import KafkaSettings
from stream.topics import TopicPlan, create_topics
from tests.harness.broker import JARS
from tests.harness.led import wait_until_led
from tests.harness.waiting import wait_until

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def silence(name: str = "s1", **changed: Any) -> Silence:
    usual: dict[str, Any] = {
        "id": name,
        "conditions": {"severity": ["low"]},
        "author": "kim",
        "reason": "a test of the terminals",
        "created_at": NOW,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=2),
    }
    return Silence(**{**usual, **changed})


def write(kafka: KafkaSettings, *records: Outgoing) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    for record in records:
        producer.produce(record.topic, record.value, record.key)
    assert producer.flush(30) == 0


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka)


@pytest.fixture
def topic(kafka: str, make_topic: Callable[..., str]) -> str:
    made = make_topic("silences", cleanup_policy="compact")
    wait_until_led(kafka, made)
    return made


@pytest.fixture
def feed(settings: KafkaSettings, topic: str) -> Iterator[SilenceFeed]:
    with SilenceFeed(settings, topic) as following:
        yield following


def until(feed: SilenceFeed, count: int, within_s: float = 30) -> list[Silence]:
    """What comes, until so many have."""
    found: list[Silence] = []

    def have_come() -> bool:
        found.extend(feed.news())
        return len(found) >= count

    wait_until(have_come, within_s=within_s, what=f"{len(found)} of {count} silences")
    return found


def test_a_stop_is_kept_for_good_with_what_the_provider_said() -> None:
    kept = silence_of(Stopped("sms", "abcd", "x" * 600, NOW))

    assert (kept.kind, kept.channel, kept.recipient) == (Kind.STOPPED, "sms", "abcd")
    assert kept.is_active(NOW + timedelta(days=3_000))
    assert len(kept.reason) == LONGEST_REASON
    assert flaw(kept) is None
    assert silence_of(Stopped("sms", "abcd", "", NOW)).reason


@pytest.mark.kafka
def test_the_last_state_of_each_is_read_the_oldest_first(settings: KafkaSettings, topic: str) -> None:
    later = silence("s2", created_at=NOW + timedelta(minutes=1))
    ended = silence("s1", ends_at=NOW)
    write(settings, *[record_of_silence(one, topic=topic) for one in (later, silence("s1"), ended)])

    assert all_silences(settings, topic) == [ended, later]


@pytest.mark.kafka
def test_what_is_no_silence_holds_nothing_back_and_harms_nobody(
    settings: KafkaSettings, topic: str, feed: SilenceFeed
) -> None:
    of_a_newer_version = record_of_silence(silence("newer", conditions={"mood": ["bad"]}), topic=topic)
    of_everything = record_of_silence(silence("all", conditions={}), topic=topic)
    nonsense = [Outgoing(topic, b"n", value, ()) for value in (b"", b"{}", b"\xff", b"[" * 10_000, None)]
    write(settings, *nonsense, of_a_newer_version, of_everything, record_of_silence(silence(), topic=topic))

    assert all_silences(settings, topic) == [silence()]
    assert until(feed, 1) == [silence()]


@pytest.mark.kafka
def test_who_follows_learns_of_what_was_there_and_of_what_comes_once_each(settings: KafkaSettings, topic: str) -> None:
    ended = silence("s1", ends_at=NOW)
    write(settings, record_of_silence(silence("s1"), topic=topic), record_of_silence(ended, topic=topic))
    with SilenceFeed(settings, topic) as feed:
        assert feed.news() == [ended]

        write(settings, record_of_silence(silence("s2"), topic=topic))

        # Never again that s1 held something back, which it does no more.
        assert until(feed, 1) == [silence("s2")]
        assert feed.news() == []


@pytest.mark.kafka
def test_a_topic_that_is_made_anew_is_not_followed_in_silence(settings: KafkaSettings, topic: str) -> None:
    write(settings, record_of_silence(silence(), topic=topic))
    with SilenceFeed(settings, topic) as feed:
        assert feed.news() == [silence()]
        client = admin(settings)
        client.delete_topics([topic])[topic].result()
        create_topics(client, [TopicPlan(topic, 1, 1, {"cleanup.policy": "compact"})])

        with pytest.raises(WorkerFailed, match="does not go on where it was read to"):
            until(feed, 1, within_s=60)


@pytest.mark.kafka
def test_it_is_followed_in_every_partition(settings: KafkaSettings, make_topic: Callable[..., str]) -> None:
    topic = make_topic("silences", partitions=3)
    wait_until_led(settings.bootstrap_servers, topic)
    names = {f"s{number}" for number in range(12)}
    with SilenceFeed(settings, topic) as feed:
        write(settings, *[record_of_silence(silence(name), topic=topic) for name in sorted(names)])

        assert {one.id for one in until(feed, 12)} == names


@pytest.mark.kafka
def test_who_follows_survives_the_broker() -> None:
    if missing_tools():
        pytest.skip(f"a broker from jars needs {' and '.join(missing_tools())}")
    with LocalKafka(jars=JARS) as broker:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap)
        create_topics(admin(settings), [TopicPlan("silences", 1, 1, {"cleanup.policy": "compact"})])
        wait_until_led(broker.bootstrap, "silences")
        write(settings, record_of_silence(silence("s1"), topic="silences"))
        with SilenceFeed(settings, "silences") as feed:
            assert feed.news() == [silence("s1")]
            broker.kill()
            assert feed.news() == []
            broker.start()
            write(settings, record_of_silence(silence("s2"), topic="silences"))

            assert until(feed, 1, within_s=60) == [silence("s2")]
