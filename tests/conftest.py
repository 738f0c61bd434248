"""What the tests share: one real Kafka for the whole run, and topics that no other test uses."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from demo.kafka.jars import missing_tools
from tests.harness.broker import (
    BrokerSource,
    broker_source,
    docker_answers,
    go_without,
    kafka_from_jars,
    kafka_in_docker,
)
from tests.harness.fraud import fraud

SHELL: Final = dict(os.environ)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that uses the broker says so, or `-m "not kafka"` would still start one."""
    if "kafka" in getattr(item, "fixturenames", ()) and item.get_closest_marker("kafka") is None:
        pytest.fail("this test uses the fixture `kafka`: mark it with @pytest.mark.kafka", pytrace=False)


@pytest.fixture(autouse=True)
def _settings_of_the_test_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's shell configures does not reach a test or a process that it starts."""
    for name in [name for name in os.environ if name.startswith("FRAUD_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logging_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command in this process configures no logging: loggers would keep it, and tests that read logs see nothing."""
    monkeypatch.setattr("cli.options.configure_logging", lambda _: None)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The address of a real broker, as host:port; skips or fails the test where there is none."""
    source = broker_source(SHELL, jars_can_run=lambda: not missing_tools(), docker_answers=docker_answers)
    if source is BrokerSource.GIVEN:
        yield SHELL["FRAUD_KAFKA__BOOTSTRAP_SERVERS"]
    elif source is BrokerSource.NONE:
        go_without(SHELL)
    else:
        with kafka_from_jars() if source is BrokerSource.JARS else kafka_in_docker() as bootstrap:
            yield bootstrap


@pytest.fixture
def make_topic(kafka: str) -> Iterator[Callable[..., str]]:
    """Makes topics with names of their own: `make_topic("verdicts", partitions=3)` gives "verdicts-4f1c...".

    Further keywords are the topic's properties, underscores for dots: `cleanup_policy="compact"`.
    """
    client = AdminClient({"bootstrap.servers": kafka})
    made: list[str] = []

    def make(stem: str = "topic", *, partitions: int = 1, **properties: str) -> str:
        topic = f"{stem}-{uuid.uuid4().hex[:12]}"
        config = {name.replace("_", "."): value for name, value in properties.items()}
        client.create_topics([NewTopic(topic, num_partitions=partitions, config=config)])[topic].result()
        made.append(topic)
        return topic

    yield make
    if made:
        for deleted in client.delete_topics(made).values():
            deleted.result()


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of simulated transactions, labelled, with the columns of the profile `simulated`."""
    path = tmp_path_factory.mktemp("data") / "simulated.parquet"
    fraud("simulate", "--out", path, "--customers", "120", "--terminals", "240", "--days", "60")
    return path


@pytest.fixture(scope="session")
def trained_model(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a small model that has learnt from `simulated`."""
    directory = tmp_path_factory.mktemp("model") / "simulated"
    fraud("train", simulated, "--profile", "simulated", "--out", directory, "--trees", "20", "--budget", "0")
    return directory
