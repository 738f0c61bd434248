"""First contact: what the user hears when there is no broker, no topic, or no such property."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from stream import kafka as clients
from stream.errors import BrokerUnreachable, PropertyRefused, TopicMissing
from stream.settings import KafkaSettings

NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def test_an_unreachable_broker_is_named_and_tried_again_until_asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONTACT_TIMEOUT_S", 0.2)
    pauses: list[float | None] = []

    class StopAfterThree:
        def is_set(self) -> bool:
            return len(pauses) == 3

        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout)
            return self.is_set()

    with capture_logs() as logs:
        assert clients.reach_broker(NOBODY, stop=StopAfterThree()) is None

    told = [line for line in logs if "no Kafka broker answers" in line["event"]]
    assert pauses == [1.0, 2.0, 4.0]
    assert [line["bootstrap_servers"] for line in told] == ["127.0.0.1:1"] * 3


def test_a_one_off_command_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONTACT_TIMEOUT_S", 0.2)

    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1.*FRAUD_KAFKA__BOOTSTRAP_SERVERS"):
        clients.reach_broker(NOBODY, stop=threading.Event(), give_up_after_s=0.5)


@pytest.mark.parametrize(
    ("properties", "named"), [({"no.such.property": 1}, "no.such.property"), ({"security.protocol": "x"}, "security")]
)
def test_a_property_that_the_client_refuses_is_named(
    properties: dict[str, str | int | float | bool], named: str
) -> None:
    with pytest.raises(PropertyRefused, match=named):
        clients.producer(KafkaSettings(properties=properties))


@pytest.mark.kafka
def test_all_missing_topics_are_named(kafka: str) -> None:
    cluster = clients.reach_broker(KafkaSettings(bootstrap_servers=kafka), stop=threading.Event())

    assert cluster is not None
    with pytest.raises(TopicMissing, match=r"'no-such-topic', 'nor-this'.*fraud topics create"):
        clients.require_topics(cluster, ["no-such-topic", "nor-this"])
