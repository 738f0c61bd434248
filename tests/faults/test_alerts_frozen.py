"""An alert worker is frozen for longer than the group waits, another takes over, and then it goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.ledger.entries import State
from demo.receivers.script import Fault
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, rule, wait_for
from tests.alerting.receivers import Receivers, receivers
from tests.harness.fault_points import Action
from tests.harness.topics import Stream, new_stream
from tests.harness.trial import Mishap
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

# One fraud, which the webhook puts off: it is sent (1), put off (2), and sent again (3).
SENT_AGAIN = 3
SOON_GONE = {"FRAUD_KAFKA__PROPERTIES": '{"session.timeout.ms": 6000}', "FRAUD_ALERTS__STATIC_MEMBERSHIP": "false"}


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 1)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("after-score", id="it writes down an attempt that is another's by now"),
        pytest.param("after-commit", id="it has an attempt written down that another has taken for over"),
    ],
)
def test_frozen_before_an_attempt(stream: Stream, people: Receivers, tmp_path: Path, point: str) -> None:
    people.webhook.script(Fault(status=503))
    frauds = rule(stream, 0, 1)
    mishap = Mishap(point, SENT_AGAIN, Action.STOP)
    with alerting(stream, people, tmp_path, "webhook", slot=0, mishap=mishap, env=SOON_GONE) as frozen:
        wait_until(frozen.is_frozen, within_s=60, what="the worker is not frozen")
        with alerting(stream, people, tmp_path, "webhook", slot=1, env=SOON_GONE) as other:
            wait_for(people, frauds, "webhook")
            wait_until(
                lambda: {one.state for one in deliveries(stream)} == {State.SENT}, within_s=60, what="it is not sent"
            )
            frozen.thaw()
            frauds += rule(stream, 1, 1)
            wait_for(people, frauds, "webhook")
            frozen.end_cleanly()
            other.end_cleanly()

    assert people.told()["webhook"] == frauds
    assert people.webhook.repeated == 0
    assert {one.state for one in deliveries(stream)} == {State.SENT}
    assert dead_letters(stream, 0) == []
