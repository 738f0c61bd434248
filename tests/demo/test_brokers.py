"""The brokers behind the tests and the demo: found in order, real, and gone when they are done."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from demo.kafka.embedded import EmbeddedBroker
from demo.kafka.jars import java_release, missing_tools
from demo.kafka.local import LocalKafka
from demo.kafka.properties import as_environment, as_file, single_node
from demo.ports import PortTaken
from tests.harness.broker import JARS, BrokerSource, broker_source, go_without


def never() -> bool:
    raise AssertionError("looked for although a better source is there")


def test_a_given_broker_comes_first() -> None:
    given = {"FRAUD_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092"}
    assert broker_source(given, jars_can_run=never, docker_answers=never) is BrokerSource.GIVEN


def test_jars_come_before_docker() -> None:
    assert broker_source({}, jars_can_run=lambda: True, docker_answers=never) is BrokerSource.JARS


@pytest.mark.parametrize(("answers", "source"), [(True, BrokerSource.DOCKER), (False, BrokerSource.NONE)])
def test_docker_comes_last(answers: bool, source: BrokerSource) -> None:
    assert broker_source({}, jars_can_run=lambda: False, docker_answers=lambda: answers) is source


def test_without_a_broker_a_test_is_skipped_and_told_how_to_get_one() -> None:
    with pytest.raises(pytest.skip.Exception, match="install Java 17 and mvn"):
        go_without({})


def test_where_a_broker_is_required_its_absence_is_a_failure() -> None:
    with pytest.raises(pytest.fail.Exception, match="FRAUD_KAFKA__BOOTSTRAP_SERVERS"):
        go_without({"FRAUD_REQUIRE_KAFKA": "1"})


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "25-ea" 2026-03-17', 25),
        ("Unable to locate a Java Runtime.", None),
    ],
)
def test_the_release_of_java_is_read_from_what_it_prints(text: str, release: int | None) -> None:
    assert java_release(text) == release


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_tools() == ["java 17 or later (none found)", "mvn (none found)"]


def test_properties_have_one_meaning_in_a_file_and_in_a_container() -> None:
    properties = single_node(listen="0.0.0.0:9092", advertised="127.0.0.1:2", controller="localhost:9093")
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:2\n" in as_file(properties)
    assert as_environment(properties)["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:2"


def test_the_embedded_broker_is_reached_over_tcp_and_makes_topics() -> None:
    with EmbeddedBroker() as broker:
        broker.make_topics(["transactions", "verdicts"])
        client = AdminClient({"bootstrap.servers": broker.bootstrap})
        topics = client.list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {"transactions": 4, "verdicts": 4}
    assert not listens(broker.bootstrap)


@pytest.mark.kafka
def test_committed_records_are_read_and_aborted_ones_are_not(kafka: str, make_topic: Callable[..., str]) -> None:
    topic = make_topic("copies", partitions=2)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": topic})
    producer.init_transactions(30)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=1)
        # An abort without it would drop the record before the broker sees it.
        producer.flush(30)
        end(30)
    reader = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": topic,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    reader.assign([TopicPartition(topic, 1, 0)])
    try:
        record, end_of_partition = reader.consume(2, 30)
    finally:
        reader.close()
    assert record.value() == b"committed"
    # Before it lie the aborted record and the marker of its transaction.
    assert record.offset() == 2
    assert end_of_partition.error() is not None


@pytest.mark.kafka
def test_a_local_kafka_survives_a_kill_and_leaves_nothing_when_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing_tools():
        pytest.skip(f"a broker from jars needs {' and '.join(missing_tools())}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with LocalKafka(jars=JARS) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic("kept", 1)])["kept"].result()
        producer.produce("kept", b"before")
        assert producer.flush(30) == 0
        with pytest.raises(PortTaken):
            LocalKafka(port=int(broker.bootstrap.rpartition(":")[2]))
        broker.kill()
        assert not listens(broker.bootstrap)
        broker.start()
        producer.produce("kept", b"after")
        assert producer.flush(30) == 0
        reader = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader", "log_level": 0})
        reader.assign([TopicPartition("kept", 0, 0)])
        values = [message.value() for message in reader.consume(2, 30)]
        reader.close()
    assert values == [b"before", b"after"]
    assert not listens(broker.bootstrap)
    assert list(tmp_path.iterdir()) == []


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
