"""The alert worker is killed at every step of a notice, and started again in its slot: nobody untold, nobody twice.

A notice is committed as `sending` with the offset of its verdict, then sent, then committed as `sent`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.ledger.entries import State
from demo.receivers.script import Fault
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, group, rule, wait_for
from tests.alerting.receivers import Receivers, receivers
from tests.harness.fault_points import Action
from tests.harness.topics import Stream, end_offsets, new_stream
from tests.harness.trial import Mishap
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

SENDING, SENT = 1, 2  # the first and second transaction of a worker that finds one fraud


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 1)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def killed(stream: Stream, people: Receivers, folder: Path, channel: str, mishap: Mishap) -> list[str]:
    """A worker dies at a point, and another takes its slot until everybody is told; the transactions."""
    frauds = rule(stream, 0, 1)
    with alerting(stream, people, folder, channel, mishap=mishap) as worker:
        assert worker.ended() == -signal.SIGKILL
    with alerting(stream, people, folder, channel) as successor:
        successor.wait_until_ready()  # what it finds may be done already, and it is to end as a worker does
        wait_for(people, frauds, channel)
        wait_until(
            lambda: {one.state for one in deliveries(stream)} == {State.SENT}, within_s=60, what="not all are sent"
        )
        assert successor.terminate() == 0
    assert dead_letters(stream, 0) == []
    assert group(stream) == end_offsets(stream.bootstrap, stream.verdicts)
    return frauds


@pytest.mark.parametrize(
    ("point", "nth"),
    [
        pytest.param("before-commit", SENDING, id="before it is decided"),
        pytest.param("during-commit", SENDING, id="while it is decided"),
        pytest.param("after-commit", SENDING, id="before the send"),
        pytest.param("after-commit", SENT, id="after the record"),
    ],
)
def test_killed_where_nothing_is_in_doubt(
    stream: Stream, people: Receivers, tmp_path: Path, point: str, nth: int
) -> None:
    frauds = killed(stream, people, tmp_path, "webhook", Mishap(point, nth, Action.KILL))

    assert people.told()["webhook"] == frauds
    assert people.webhook.attempts == 1


def test_killed_after_the_send_a_webhook_comes_again_under_its_id(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    frauds = killed(stream, people, tmp_path, "webhook", Mishap("before-commit", SENT, Action.KILL))

    assert people.told()["webhook"] == frauds, "its receiver keeps each id once"
    assert (people.webhook.attempts, people.webhook.repeated) == (2, 1)


def test_killed_after_the_send_a_mail_comes_again_as_the_same_mail(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    killed(stream, people, tmp_path, "email", Mishap("before-commit", SENT, Action.KILL))

    first, second = (mail.message for mail in people.smtp.received())
    assert first["Message-ID"] == second["Message-ID"]
    assert first.as_bytes() == second.as_bytes()


@pytest.mark.parametrize("point", ["after-commit", "before-commit"])
def test_killed_around_the_send_a_text_message_is_looked_up_and_not_sent_again(
    stream: Stream, people: Receivers, tmp_path: Path, point: str
) -> None:
    nth = SENDING if point == "after-commit" else SENT
    frauds = killed(stream, people, tmp_path, "sms", Mishap(point, nth, Action.KILL))

    assert people.told()["sms"] == frauds


def test_killed_with_many_on_their_way(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.webhook.script(*[Fault(hold_s=60, taken=True)] * 8)
    frauds = rule(stream, 0, 40)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        wait_until(lambda: people.webhook.attempts >= 8, within_s=60, what="not so many attempts")
        worker.kill()
    with alerting(stream, people, tmp_path, "webhook") as successor:
        successor.wait_until_ready()  # what it finds may be done already, and it is to end as a worker does
        wait_for(people, frauds, "webhook")
        assert successor.terminate() == 0

    assert sorted(people.told()["webhook"]) == frauds
    assert len({event.id for event in people.webhook.received()}) == len(frauds)
    assert {one.state for one in deliveries(stream)} == {State.SENT}
    assert dead_letters(stream, 0) == []
