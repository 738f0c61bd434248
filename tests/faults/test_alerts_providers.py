"""Providers that refuse, are slow, vanish or say nothing: who can be told is told, once and as soon as may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.ledger.entries import Delivery, State
from alerting.ledger.writing import entry_in
from demo.receivers.script import Fault
from stream.records import record_of
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, rule, wait_for
from tests.alerting.receivers import ADDRESS, Receivers, receivers, text_of
from tests.harness.topics import CommittedReader, Stream, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

OTHER_ADDRESS = "second-8271@bank.example"


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 2)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def history(stream: Stream, channel: str) -> list[Delivery]:
    """Every state that a channel's notices had, in order."""
    reader = CommittedReader(stream.bootstrap, [stream.env["FRAUD_TOPICS__ALERT_LEDGER"]])
    try:
        entries = [entry_in(record_of(message)) for message in reader.read_to_end()]
    finally:
        reader.close()
    return [one for one in entries if isinstance(one, Delivery) and one.channel == channel]


def test_retry_after_is_waited_for_and_others_are_not_kept_waiting(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    people.webhook.script(Fault(status=429, retry_after="7"))
    with alerting(stream, people, tmp_path, "webhook", "sns"):
        frauds = rule(stream, 0, 1)
        wait_for(people, frauds, "sns")
        assert people.told()["webhook"] == [], "its time has not come"
        wait_for(people, frauds, "webhook")
        wait_until(
            lambda: history(stream, "webhook")[-1].state is State.SENT, within_s=30, what="it is not noted as sent"
        )

    refused, second = [one for one in history(stream, "webhook") if one.state in {State.PENDING, State.SENDING}][-2:]
    assert (refused.state, refused.reason) == (State.PENDING, "rate_limited")
    assert refused.due_at is not None
    assert (refused.due_at - refused.changed_at).total_seconds() >= 7
    assert second.changed_at >= refused.due_at


def test_twilio_takes_a_message_and_drops_the_connection(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.twilio.script(Fault(drop=True, taken=True))
    with alerting(stream, people, tmp_path, "sms"):
        frauds = rule(stream, 0, 1)
        wait_until(
            lambda: [one.state for one in deliveries(stream)] == [State.SENT], within_s=60, what="it is not settled"
        )

    assert people.told()["sms"] == frauds
    assert State.AMBIGUOUS in {one.state for one in history(stream, "sms")}


def test_one_address_of_two_is_put_off(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.smtp.answer(ADDRESS, "451 later")
    routes = tmp_path / "two.yml"
    routes.write_text(
        f"version: 1\nreceivers: [{{name: desk, email: [{ADDRESS}, {OTHER_ADDRESS}]}}]\nroute: {{receiver: desk}}\n"
    )
    with alerting(stream, people, tmp_path, "email", env={"FRAUD_ALERTS__ROUTES": str(routes)}):
        rule(stream, 0, 1)
        wait_until(
            lambda: [one.state for one in deliveries(stream)] == [State.SENT] * 2, within_s=60, what="not both are told"
        )

    told = sorted(mail.recipients for mail in people.smtp.received())
    assert told == [(ADDRESS,), (OTHER_ADDRESS,)]
    assert sorted(one.attempts for one in deliveries(stream)) == [1, 2]


def test_a_dead_mail_server_keeps_nobody_else_waiting_and_its_mails_arrive_once_it_is_back(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    people.smtp.go_down()
    with alerting(
        stream, people, tmp_path, "email", "webhook", env={"FRAUD_ALERTS__RETRY__LONGEST_WAIT_S": "1"}
    ) as worker:
        frauds = rule(stream, 0, 50)
        wait_for(people, frauds, "webhook")
        assert people.told()["email"] == []
        is_open = 'fraud_alert_breaker_open{channel="email"} 1.0'
        wait_until(lambda: is_open in worker.get("/metrics")[1], within_s=30, what="it is tried without end")
        people.smtp.come_back()
        wait_for(people, frauds, "email")

    assert sorted(people.told()["email"]) == frauds
    assert sorted(people.told()["webhook"]) == frauds
    assert people.webhook.repeated == 0
    assert dead_letters(stream, 0) == []


def test_a_broken_template_says_it_in_plain_text(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    broken = tmp_path / "templates" / "en" / "analyst" / "alert"
    broken.mkdir(parents=True)
    (broken / "body.txt.j2").write_text("{% if alert.transaction == 'tx-0000' %}{{ nothing.at_all }}{% endif %}fine")
    with alerting(
        stream, people, tmp_path, "email", env={"FRAUD_ALERTS__TEMPLATES": str(tmp_path / "templates")}
    ) as worker:
        rule(stream, 0, 2)
        wait_until(lambda: len(people.smtp.received()) == 2, within_s=60, what="not both mails came")
        _, metrics = worker.get("/metrics")

    texts = sorted(text_of(mail.message).strip() for mail in people.smtp.received())
    assert "fine" in texts
    (plain,) = [text for text in texts if text != "fine"]
    assert "tx-0000" in plain
    assert "en/analyst/alert/body.txt.j2" in plain
    assert "fraud_alert_template_failures_total 1.0" in metrics
