"""Where the tests' Kafka comes from: one that is given, one from Maven's jars, one in Docker, or none."""

from __future__ import annotations

import enum
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from demo.kafka.jars import KAFKA_VERSION
from demo.kafka.local import LocalKafka
from demo.kafka.properties import as_environment, single_node
from demo.ports import LOOPBACK, free_ports
from tests.harness.waiting import wait_until

JARS: Final = Path(__file__).parents[2] / ".kafka"

HOW_TO_GET_ONE: Final = (
    "no Kafka for this test: set FRAUD_KAFKA__BOOTSTRAP_SERVERS to one you have, "
    "or install Java 17 and mvn, or start Docker"
)
_IN_CONTAINER: Final = 9092
_STARTING_TIMEOUT_S: Final = 90.0


class BrokerSource(enum.Enum):
    """Best first."""

    GIVEN = "FRAUD_KAFKA__BOOTSTRAP_SERVERS"
    JARS = "Apache Kafka from Maven's jars"
    DOCKER = "the image apache/kafka"
    NONE = "nowhere"


def broker_source(
    environ: Mapping[str, str], *, jars_can_run: Callable[[], bool], docker_answers: Callable[[], bool]
) -> BrokerSource:
    """The first source that is there; a later one is not even looked for."""
    if environ.get("FRAUD_KAFKA__BOOTSTRAP_SERVERS"):
        return BrokerSource.GIVEN
    if jars_can_run():
        return BrokerSource.JARS
    return BrokerSource.DOCKER if docker_answers() else BrokerSource.NONE


def go_without(environ: Mapping[str, str]) -> NoReturn:
    """Skips the test, or fails it where FRAUD_REQUIRE_KAFKA=1 says that a broker must be there."""
    if environ.get("FRAUD_REQUIRE_KAFKA") == "1":
        pytest.fail(HOW_TO_GET_ONE, pytrace=False)
    pytest.skip(HOW_TO_GET_ONE)


def docker_answers() -> bool:
    """True where containers can be started."""
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def kafka_from_jars() -> Iterator[str]:
    """The address of a broker in a JVM that does not outlive the run, also where SIGTERM ends it."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt  # With this pytest tears its fixtures down.

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        with LocalKafka(jars=JARS) as broker:
            yield broker.bootstrap
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def kafka_in_docker() -> Iterator[str]:
    """The address of a broker in a container."""
    # Imported here because the other sources do without it.
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    # Known before the start: the broker has to tell its clients.
    (port,) = free_ports(1)
    bootstrap = f"{LOOPBACK}:{port}"
    properties = single_node(listen=f"0.0.0.0:{_IN_CONTAINER}", advertised=bootstrap, controller="localhost:9093")
    container = DockerContainer(f"apache/kafka:{KAFKA_VERSION}").with_bind_ports(_IN_CONTAINER, port)
    for name, value in as_environment(properties).items():
        container.with_env(name, value)
    with container:
        client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        wait_until(lambda: _answers(client), within_s=_STARTING_TIMEOUT_S, what="Kafka in Docker does not answer")
        yield bootstrap


def _answers(client: AdminClient) -> bool:
    try:
        return bool(client.list_topics(timeout=2).brokers)
    except KafkaException:
        return False
