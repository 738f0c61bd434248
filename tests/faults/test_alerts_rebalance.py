"""A second alert worker comes, and goes, while notices are on their way: every one of them is taken once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.ledger.entries import State
from demo.receivers.script import Fault
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, rule, wait_for
from tests.alerting.receivers import Receivers, receivers
from tests.harness.topics import Stream, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 4)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def test_a_rebalance_in_the_midst_of_attempts(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    # Members that leave are gone at once: the partitions move while attempts are on their way.
    gone_at_once = {"FRAUD_ALERTS__STATIC_MEMBERSHIP": "false"}
    people.webhook.script(*[Fault(hold_s=4, taken=True, status=200)] * 12)
    with alerting(stream, people, tmp_path, "webhook", slot=0, env=gone_at_once) as first:
        first.wait_until_ready()
        frauds = rule(stream, 0, 60)
        wait_until(lambda: people.webhook.attempts >= 12, within_s=60, what="nothing is on its way")
        with alerting(stream, people, tmp_path, "webhook", slot=1, env=gone_at_once) as second:
            second.wait_until_ready()
            frauds += rule(stream, 60, 60)
            wait_for(people, frauds, "webhook")
            assert second.terminate() == 0
        frauds += rule(stream, 120, 20)
        wait_for(people, frauds, "webhook")
        wait_until(
            lambda: {one.state for one in deliveries(stream)} == {State.SENT}, within_s=90, what="not all are sent"
        )
        assert first.terminate() == 0

    assert sorted(people.told()["webhook"]) == frauds
    assert len({event.id for event in people.webhook.received()}) == len(frauds)
    assert people.webhook.repeated == 0, "what the first had sent stood in the ledger before the second tried"
    assert dead_letters(stream, 0) == []
