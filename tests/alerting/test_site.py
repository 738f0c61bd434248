"""What the alert worker answers over HTTP: an analyst's answer, and Twilio's later word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
import urllib3
from confluent_kafka import Message
from prometheus_client import CollectorRegistry
from twilio.request_validator import RequestValidator

from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.answers import Answers
from alerting.channels.sms import SmsChannel
from alerting.channels.sms_settings import SmsSettings
from alerting.destinations import Destination, Grouping, Recipient
from alerting.labels import Label, Word
from alerting.ledger.entries import Delivery, Held, State
from alerting.metrics import AlertMetrics
from alerting.notices import notice
from alerting.site import AlertSite, links_of
from demo.ports import LOOPBACK, free_ports
from stream.pages import Asked
from stream.settings import KafkaSettings, TopicSettings
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, headers, ledger, rule, wait_for
from tests.alerting.receivers import ADDRESS, NUMBER, TOKEN, Receivers, receivers, text_of
from tests.alerting.verdicts import verdict
from tests.alerting.webhooks import SECRET
from tests.harness.fraud import FraudProcess, fraud
from tests.harness.topics import CommittedReader, Stream, new_stream
from tests.harness.waiting import wait_until

CALLBACK = "https://alerts.bank.example/twilio/status"
LINKED = {
    "FRAUD_ALERTS__ACKNOWLEDGE__BASE_URL": "https://alerts.bank.example",
    "FRAUD_ALERTS__ACKNOWLEDGE__SECRET": SECRET,
}


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 1)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def delivery() -> Delivery:
    destination = Destination("desk", "sms", Recipient("+15550100001"), "analyst", Grouping(), "route")
    now = datetime.now(UTC)
    return notice("about", verdict(), destination, group="group", now=now, expires_at=now + timedelta(hours=1))


def ask(worker: FraudProcess, method: str, target: str, body: str = "", **headers: str) -> tuple[int, str]:
    port = next(line["port"] for line in worker.log_lines() if "port" in line)
    answer = urllib3.request(
        method, f"http://127.0.0.1:{port}{target}", body=body.encode(), headers=headers, retries=False
    )
    return answer.status, answer.data.decode()


def records(stream: Stream, topic: str) -> list[Message]:
    reader = CommittedReader(stream.bootstrap, [stream.env[f"FRAUD_TOPICS__{topic}"]])
    try:
        return list(reader.read_to_end())
    finally:
        reader.close()


def by_account(folder: Path) -> dict[str, str]:
    routes = folder / "by-account.yml"
    routes.write_text(
        f"version: 1\nreceivers: [{{name: desk, email: [{ADDRESS}]}}]\n"
        "route: {receiver: desk, group_by: [account_id], group_interval: 1s}\n"
    )
    return {"FRAUD_ALERTS__ROUTES": str(routes)}


@pytest.mark.kafka
def test_an_answer_is_a_label_and_quiets_the_group(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with alerting(stream, people, tmp_path, "email", env={**LINKED, **by_account(tmp_path)}) as worker:
        rule(stream, 0, 1, accounts=1)
        wait_until(lambda: len(people.smtp.received()) == 1, within_s=60, what="no mail came")
        found = re.search(r"https://alerts\.bank\.example(/ack\?t=\S+)", text_of(people.smtp.received()[0].message))
        assert found is not None
        target = found[1]

        opened = ask(worker, "GET", target)
        assert (opened[0], records(stream, "LABELS")) == (200, []), "opening a link changes nothing"
        changed = ask(worker, "POST", target[:-3] + "xyz", "said=fraud")
        answered = ask(worker, "POST", target, "said=legitimate")
        _, metrics = worker.get("/metrics")
        rule(stream, 1, 3, accounts=1)
        wait_until(
            lambda: [one.held for one in deliveries(stream)].count(Held.ACKNOWLEDGED) >= 3,
            within_s=60,
            what="the group is not quiet",
        )
        assert worker.terminate() == 0

    assert "tx-0000" in opened[1]
    assert changed[0] == 403
    assert answered[0] == 200
    (label,) = (msgspec.json.decode(one.value() or b"", type=Label) for one in records(stream, "LABELS"))
    assert (label.transaction_id, label.label, label.by.partition("/")[0]) == ("tx-0000", Word.LEGITIMATE, "desk")
    assert (label.source.topic, label.source.offset) == ("t", 0)
    assert len(people.smtp.received()) == 1
    assert 'fraud_alert_answers_total{answer="legitimate"} 1.0' in metrics
    listed = json.loads(fraud("alerts", "silence", "list", "--json", env=stream.env))["silences"]
    assert [one["kind"] for one in listed] == ["acknowledged"]


@pytest.mark.kafka
def test_a_text_message_is_answered_by_its_code_and_the_account_is_quiet_for_everybody(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    routes = tmp_path / "two-receivers.yml"
    routes.write_text(
        f'version: 1\nreceivers: [{{name: on-call, sms: ["{NUMBER}"]}}, {{name: desk, email: [{ADDRESS}]}}]\n'
        "route:\n  group_interval: 1s\n  routes: [{receiver: on-call, continue: true}, {receiver: desk}]\n"
    )
    env = {**LINKED, "FRAUD_ALERTS__ROUTES": str(routes)}
    with alerting(stream, people, tmp_path, "sms", "email", env=env) as worker:
        rule(stream, 0, 1, accounts=1)
        wait_until(
            lambda: bool(people.twilio.received() and people.smtp.received()), within_s=60, what="nobody was told"
        )
        found = re.search(r"https://alerts\.bank\.example(/ack\?c=[0-9A-Z]+)", people.twilio.received()[0].body)
        assert found is not None
        opened = ask(worker, "GET", found[1])
        guessed = ask(worker, "POST", "/ack?c=0123456789ABC", "said=fraud")
        answered = ask(worker, "POST", found[1], "said=fraud")
        rule(stream, 1, 1, accounts=1)
        wait_until(
            lambda: [one.held for one in deliveries(stream)].count(Held.ACKNOWLEDGED) == 2,
            within_s=60,
            what="not everybody is left alone",
        )
        assert worker.terminate() == 0

    assert (opened[0], guessed[0], answered[0]) == (200, 403, 200)
    (label,) = (msgspec.json.decode(one.value() or b"", type=Label) for one in records(stream, "LABELS"))
    assert (label.transaction_id, label.label, label.by.partition("/")[0]) == ("tx-0000", Word.FRAUD, "on-call")
    assert (label.source.topic, label.source.offset) == ("t", 0)
    assert (len(people.twilio.received()), len(people.smtp.received())) == (1, 1)


@pytest.mark.kafka
def test_what_twilio_says_later_stands_in_the_ledger(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    env = {"FRAUD_ALERTS__SMS__STATUS_CALLBACK": CALLBACK}
    with alerting(stream, people, tmp_path, "sms", env=env) as worker:
        frauds = rule(stream, 0, 1)
        wait_for(people, frauds, "sms")
        callback = people.twilio.received()[0].status_callback
        assert callback is not None
        form = {"MessageSid": "SM1", "To": NUMBER, "MessageStatus": "undelivered", "ErrorCode": "30005"}
        signature = RequestValidator(TOKEN).compute_signature(callback, form)
        target = f"/twilio/status?{urlsplit(callback).query}"
        typed = {"Content-Type": "application/x-www-form-urlencoded"}

        forged = ask(worker, "POST", target, urlencode(form), **typed)
        taken = ask(worker, "POST", target, urlencode(form), **{**typed, "X-Twilio-Signature": signature})
        _, metrics = worker.get("/metrics")
        wait_until(
            lambda: {one.state for one in deliveries(stream)} == {State.SENT}, within_s=60, what="it is not sent"
        )
        rule(stream, 1, 1)
        (letter,) = dead_letters(stream, 1)
        assert worker.terminate() == 0

    assert (forged[0], taken[0]) == (403, 204)
    assert headers(letter)["dead-letter-reason"] == "recipient_stopped", "the number does not exist any more"
    assert len(people.twilio.received()) == 1
    assert 'fraud_notifications_failed_total{channel="sms",reason="undelivered"} 1.0' in metrics
    assert 'fraud_notification_confirmations_total{said="failed"} 1.0' in metrics
    assert [type(one).__name__ for one in ledger(stream)].count("Confirmation") == 1
    (notice,) = json.loads(fraud("alerts", "status", frauds[0], "--json", env=stream.env))["notices"]
    assert (notice["state"], notice["confirmation"]["said"], notice["confirmation"]["code"]) == (
        "failed",
        "failed",
        "30005",
    )


def test_what_kafka_does_not_take_is_not_said_to_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerting.answers._WAIT_S", 0.3)
    (nobody,) = free_ports(1)
    acknowledge = AcknowledgeSettings.model_validate({"base_url": "https://alerts.bank.example", "secret": SECRET})
    twilio = {"account_sid": "AC" + "0" * 32, "auth_token": TOKEN, "sender": "+15550100000"}
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    query = "notice=n-1&partition=0"
    signature = RequestValidator(TOKEN).compute_signature(f"{CALLBACK}?{query}", form)
    link = links_of(acknowledge)(delivery(), 0).acknowledge
    assert link is not None
    registry = CollectorRegistry()
    settings = SmsSettings.model_validate({**twilio, "status_callback": CALLBACK})
    with (
        closing(SmsChannel(settings)) as sms,
        closing(Answers(KafkaSettings(bootstrap_servers=f"{LOOPBACK}:{nobody}"), TopicSettings())) as answers,
    ):
        site = AlertSite(acknowledge, [sms], answers, AlertMetrics(registry, ["sms"]))
        said = site(Asked("POST", link.removeprefix("https://alerts.bank.example"), {}, b"said=fraud"))
        told = site(
            Asked(
                "POST",
                f"/twilio/status?{query}",
                {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature},
                urlencode(form).encode(),
            )
        )

    assert said is not None
    assert told is not None
    assert (said.status, told.status) == (503, 503)
    assert b"Not noted yet" in said.body
    assert registry.get_sample_value("fraud_alert_answers_total", {"answer": "fraud"}) == 0
    assert registry.get_sample_value("fraud_notification_confirmations_total", {"said": "delivered"}) == 0


@pytest.mark.kafka
def test_without_settings_for_it_nothing_is_answered(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with alerting(stream, people, tmp_path, "webhook") as worker:
        worker.wait_until_ready()

        assert ask(worker, "GET", "/ack?t=x")[0] == 404
        assert ask(worker, "POST", "/twilio/status", "a=b")[0] == 404
        assert ask(worker, "POST", "/ack", "x" * 70_000)[0] == 413
