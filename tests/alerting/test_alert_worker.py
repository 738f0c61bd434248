"""`fraud alert` on a real Kafka, with real servers where the providers are."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.ledger.entries import State
from demo.receivers.script import Fault
from tests.alerting.alert_stream import (
    alerting,
    dead_letters,
    deliveries,
    group,
    headers,
    put,
    rule,
    wait_for,
)
from tests.alerting.receivers import ADDRESS, PRIVATE, Receivers, receivers
from tests.alerting.verdicts import ACCOUNT
from tests.alerting.webhooks import OTHER_SECRET
from tests.harness.fraud import attempt
from tests.harness.topics import Stream, end_offsets, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

ALL = ("sms", "email", "sns", "webhook")


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 2)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def test_every_fraud_reaches_everybody_once(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    frauds = rule(stream, 0, 200, fraud_every=10)
    with alerting(stream, people, tmp_path, *ALL) as worker:
        worker.wait_until_ready()
        frauds += rule(stream, 200, 100, fraud_every=10)
        wait_for(people, frauds, *ALL)
        _, metrics = worker.get("/metrics")
        assert worker.terminate() == 0

    assert {channel: sorted(told) for channel, told in people.told().items()} == dict.fromkeys(ALL, frauds)
    assert dead_letters(stream, 0) == []
    assert {one.state for one in deliveries(stream)} == {State.SENT}
    assert len(deliveries(stream)) == 4 * len(frauds)
    assert group(stream) == end_offsets(stream.bootstrap, stream.verdicts)
    for channel in ALL:
        assert f'fraud_notifications_total{{channel="{channel}"}} 30.0' in metrics
        assert f'fraud_alert_end_to_end_seconds_count{{channel="{channel}"}} 30.0' in metrics
    shown = metrics + worker.log.read_text() + str(deliveries(stream))
    assert [text for text in (*PRIVATE, ACCOUNT) if text in shown] == []


def test_a_restart_tells_nobody_again(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    earlier = rule(stream, 0, 20)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        wait_for(people, earlier, "webhook")
        assert worker.terminate() == 0
    later = rule(stream, 20, 5)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        wait_for(people, later, "webhook")
        assert worker.terminate() == 0

    assert sorted(people.told()["webhook"]) == earlier + later
    assert people.webhook.repeated == 0


def test_a_slow_provider_holds_back_nobody_else(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.twilio.script(*[Fault(hold_s=60, drop=True)] * 100)
    with alerting(stream, people, tmp_path, "sms", "webhook"):
        frauds = rule(stream, 0, 100)
        wait_for(people, frauds, "webhook")

        assert people.told()["sms"] == []
        assert people.twilio.attempts <= 8


def test_what_is_refused_is_kept_with_the_reason(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.webhook.script(Fault(status=400))
    with alerting(stream, people, tmp_path, "webhook") as worker:
        (refused,) = rule(stream, 7, 1)
        (letter,) = dead_letters(stream, 1)
        others = rule(stream, 8, 3)
        wait_for(people, others, "webhook")
        _, metrics = worker.get("/metrics")
        assert worker.terminate() == 0

    assert sorted(people.told()["webhook"]) == others
    (dead,) = [one for one in deliveries(stream) if one.state is State.DEAD]
    assert dead.transaction_id == refused
    assert letter.key() == dead.id.encode()
    assert headers(letter) == {
        "dead-letter-source-partition": headers(letter)["dead-letter-source-partition"],
        "dead-letter-reason": "client_error",
        "dead-letter-message": "the webhook answered 400",
        "dead-letter-channel": "webhook",
        "dead-letter-receiver": "desk",
        "dead-letter-recipient": dead.recipient,
        "dead-letter-attempts": "1",
    }
    assert 'fraud_notifications_failed_total{channel="webhook",reason="client_error"} 1.0' in metrics
    assert group(stream) == end_offsets(stream.bootstrap, stream.verdicts)


def test_refusals_tell_no_secrets(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.twilio.script(Fault(status=400, code=21211))
    people.smtp.answer(ADDRESS, f"550 <{ADDRESS}> unknown")
    mistaken = {"FRAUD_ALERTS__WEBHOOK__SECRETS": f'{{"own": "{OTHER_SECRET}"}}'}
    with alerting(stream, people, tmp_path, "sms", "email", "webhook", env=mistaken) as worker:
        rule(stream, 0, 1)
        letters = dead_letters(stream, 3)
        _, metrics = worker.get("/metrics")
        assert worker.terminate() == 0

    said = {headers(letter)["dead-letter-channel"]: headers(letter)["dead-letter-reason"] for letter in letters}
    assert said == {"sms": "invalid_recipient", "email": "invalid_recipient", "webhook": "auth_error"}
    shown = metrics + worker.log.read_text() + str([headers(letter) for letter in letters])
    assert [text for text in (*PRIVATE, OTHER_SECRET, ACCOUNT) if text in shown] == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="tombstone"),
        pytest.param(b"{}", id="fields missing"),
        pytest.param(b"x" * 1_048_000, id="as long as the topic takes"),
    ],
)
def test_what_is_no_verdict_is_kept_and_the_stream_goes_on(
    stream: Stream, people: Receivers, tmp_path: Path, value: bytes | None
) -> None:
    put(stream, value)
    frauds = rule(stream, 0, 5)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        wait_for(people, frauds, "webhook")
        (letter,) = dead_letters(stream, 1)
        assert worker.terminate() == 0

    assert letter.value() == value
    assert headers(letter)["dead-letter-reason"] == "undecodable"


def test_an_interrupt_ends_it_as_well(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with alerting(stream, people, tmp_path, "webhook") as worker:
        worker.wait_until_ready()
        worker.process.send_signal(signal.SIGINT)

        assert worker.process.wait(30) == 0


def test_missing_topics_are_named_together(kafka: str, people: Receivers) -> None:
    env = {
        **people.env("webhook"),
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "FRAUD_TOPICS__VERDICTS": "absent-verdicts",
        "FRAUD_TOPICS__ALERT_LEDGER": "absent-ledger",
        "FRAUD_HTTP__PORT": "0",
        "FRAUD_LOG__FORMAT": "json",
    }

    refused = attempt("alert", env=env)

    assert refused.returncode == 2
    assert "'absent-verdicts'" in refused.stderr.splitlines()[-1]
    assert "'absent-ledger'" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_a_failing_channel_s_notices_go_on_after_a_restart(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.webhook.script(Fault(status=503, retry_after="4"))
    with alerting(stream, people, tmp_path, "webhook") as worker:
        frauds = rule(stream, 0, 1)
        wait_until(lambda: people.webhook.attempts == 1, within_s=60, what="no attempt")
        assert worker.terminate() == 0
    assert people.told()["webhook"] == []
    with alerting(stream, people, tmp_path, "webhook"):
        wait_for(people, frauds, "webhook")

    assert people.told()["webhook"] == frauds
    assert dead_letters(stream, 0) == []
