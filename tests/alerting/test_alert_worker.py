"""`fraud alert` on a real Kafka, with real servers where the providers are."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import KafkaError, Message, Producer

from demo.receivers.script import Fault
from stream.contracts import VERDICT_HEADER, Ruling, Source
from tests.alerting.receivers import ADDRESS, PRIVATE, Receivers, receivers
from tests.alerting.verdicts import ACCOUNT, verdict
from tests.alerting.webhooks import OTHER_SECRET
from tests.harness.fraud import FraudProcess, attempt
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

ALL = ("sms", "email", "sns", "webhook")
PARTITIONS = 2


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, PARTITIONS)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def rule(stream: Stream, first: int, count: int, *, fraud_every: int = 1) -> list[str]:
    """Writes verdicts; the transactions of the fraudulent ones."""
    producer = Producer({"bootstrap.servers": stream.bootstrap, "enable.idempotence": True})
    refused: list[KafkaError] = []
    frauds = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    for number in range(first, first + count):
        is_fraud = number % fraud_every == 0
        ruling = Ruling.FRAUD if is_fraud else Ruling.LEGITIMATE
        transaction = f"tx-{number:04}"
        ruled = verdict(
            transaction_id=transaction, verdict=ruling, source=Source(topic="t", partition=0, offset=number)
        )
        producer.produce(
            stream.verdicts,
            key=transaction,
            value=msgspec.json.encode(ruled),
            headers=[(VERDICT_HEADER, ruling.encode())],
            on_delivery=delivered,
        )
        frauds += [transaction] if is_fraud else []
    assert producer.flush(60) == 0
    assert refused == []
    return frauds


def put(stream: Stream, value: bytes | None) -> None:
    """Writes something that is no verdict."""
    producer = Producer({"bootstrap.servers": stream.bootstrap, "message.max.bytes": 2_000_000})
    producer.produce(stream.verdicts, key="k", value=value, headers=[(VERDICT_HEADER, b"fraud")])
    assert producer.flush(60) == 0


def alerting(stream: Stream, people: Receivers, folder: Path, *channels: str, **env: str) -> FraudProcess:
    number = len(list(folder.glob("alert-*.log")))
    return FraudProcess("alert", env={**stream.env, **people.env(*channels), **env}, log=folder / f"alert-{number}.log")


def wait_for(people: Receivers, frauds: list[str], *channels: str) -> None:
    wait_until(
        lambda: all(set(frauds) <= set(people.told()[channel]) for channel in channels),
        within_s=60,
        what=f"not everybody was told of {len(frauds)} frauds",
    )


def wait_for_count(people: Receivers, count: int) -> None:
    wait_until(lambda: len(people.webhook.received()) >= count, within_s=60, what=f"fewer than {count} events came")


def group(stream: Stream, channel: str) -> dict[int, int]:
    """How far a channel's group has got."""
    return committed_offsets(stream.bootstrap, f"{stream.env['FRAUD_ALERTS__GROUP_PREFIX']}-{channel}", stream.verdicts)


def dead_letters(stream: Stream, count: int) -> list[Message]:
    reader = CommittedReader(stream.bootstrap, [stream.env["FRAUD_TOPICS__ALERT_DEAD_LETTERS"]])
    try:
        reader.read_until(count)
        return reader.read_to_end()
    finally:
        reader.close()


def headers(message: Message) -> dict[str, str]:
    pairs = message.headers() or []
    assert isinstance(pairs, list)
    return {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in pairs}


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
    for channel in ALL:
        assert group(stream, channel) == end_offsets(stream.bootstrap, stream.verdicts)
        assert f'fraud_notifications_total{{channel="{channel}"}} 30.0' in metrics
    shown = metrics + worker.log.read_text()
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
        assert people.twilio.attempts <= 2


def test_nothing_is_lost_when_the_worker_is_killed(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    # The least that a broker allows: the dead keep their partitions for so long.
    forgotten_soon = {"FRAUD_KAFKA__PROPERTIES": '{"session.timeout.ms": 6000}'}
    frauds = rule(stream, 0, 60)
    for reached in (5, 25):
        with alerting(stream, people, tmp_path, "webhook", **forgotten_soon) as worker:
            wait_for_count(people, reached)
            worker.kill()
    with alerting(stream, people, tmp_path, "webhook") as worker:
        wait_for(people, frauds, "webhook")
        assert worker.terminate() == 0

    assert sorted(people.told()["webhook"]) == frauds
    # One delivery at most was in hand at each death.
    assert people.webhook.repeated <= 2
    assert group(stream, "webhook") == end_offsets(stream.bootstrap, stream.verdicts)


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
    assert letter.key() == refused.encode()
    assert msgspec.json.decode(letter.value() or b"")["transaction_id"] == refused
    assert headers(letter) == {
        "verdict": "fraud",
        "dead-letter-source-topic": stream.verdicts,
        "dead-letter-source-partition": headers(letter)["dead-letter-source-partition"],
        "dead-letter-source-offset": "0",
        "dead-letter-reason": "client_error",
        "dead-letter-message": "the webhook answered 400",
        "dead-letter-channel": "webhook",
        "dead-letter-recipient": "1",
        "dead-letter-attempts": "1",
    }
    assert 'fraud_alert_dead_letters_total{channel="webhook",reason="client_error"} 1.0' in metrics
    assert group(stream, "webhook") == end_offsets(stream.bootstrap, stream.verdicts)


def test_refusals_tell_no_secrets(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.twilio.script(Fault(status=400, code=21211))
    people.smtp.answer(ADDRESS, f"550 <{ADDRESS}> unknown")
    mistaken = {
        "FRAUD_ALERTS__SNS__TOPIC_ARN": people.sns.topic_arn + "-absent",
        "FRAUD_ALERTS__WEBHOOK__SECRET": OTHER_SECRET,
    }
    with alerting(stream, people, tmp_path, *ALL, **mistaken) as worker:
        rule(stream, 0, 1)
        letters = dead_letters(stream, 4)
        _, metrics = worker.get("/metrics")
        assert worker.terminate() == 0

    said = {headers(letter)["dead-letter-channel"]: headers(letter)["dead-letter-reason"] for letter in letters}
    assert said == {
        "sms": "invalid_recipient",
        "email": "invalid_recipient",
        "sns": "client_error",
        "webhook": "auth_error",
    }
    shown = metrics + worker.log.read_text() + str([headers(letter) for letter in letters])
    assert [text for text in (*PRIVATE, OTHER_SECRET, ACCOUNT) if text in shown] == []


def test_retries_come_to_an_end_in_the_dead_letters(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.twilio.script(*[Fault(status=503)] * 3, Fault(status=429), *[Fault(status=500)] * 2)
    with alerting(stream, people, tmp_path, "sms"):
        (given_up,) = rule(stream, 0, 1)
        (letter,) = dead_letters(stream, 1)
        (late,) = rule(stream, 1, 1)
        wait_for(people, [late], "sms")

    assert people.told()["sms"] == [late]
    assert letter.key() == given_up.encode()
    assert headers(letter)["dead-letter-reason"] == "rate_limited"
    assert headers(letter)["dead-letter-attempts"] == "4"
    assert people.twilio.attempts == 7


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="tombstone"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="fields missing"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"x" * 1_048_000, id="as long as the topic takes"),
    ],
)
def test_what_is_no_verdict_is_kept_and_the_stream_goes_on(
    stream: Stream, people: Receivers, tmp_path: Path, value: bytes | None
) -> None:
    put(stream, value)
    frauds = rule(stream, 0, 5)
    with alerting(stream, people, tmp_path, "sms", "webhook") as worker:
        wait_for(people, frauds, "sms", "webhook")
        letters = dead_letters(stream, 2)
        assert worker.terminate() == 0

    assert sorted(headers(letter)["dead-letter-channel"] for letter in letters) == ["sms", "webhook"]
    for letter in letters:
        assert letter.value() == value
        assert headers(letter)["dead-letter-reason"] == "undecodable"


def test_a_stop_between_attempts_leaves_the_alert_to_the_next(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    people.webhook.script(Fault(status=503, retry_after="15"))
    with alerting(stream, people, tmp_path, "webhook") as worker:
        frauds = rule(stream, 0, 1)
        wait_until(lambda: people.webhook.attempts == 1, within_s=60, what="no attempt")
        assert worker.terminate(within_s=10) == 0
    assert people.told()["webhook"] == []
    with alerting(stream, people, tmp_path, "webhook"):
        wait_for(people, frauds, "webhook")

    assert people.told()["webhook"] == frauds
    assert dead_letters(stream, 0) == []


def test_two_workers_share_the_partitions(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with (
        alerting(stream, people, tmp_path, "webhook") as first,
        alerting(stream, people, tmp_path, "webhook") as second,
    ):
        first.wait_until_ready()
        second.wait_until_ready()
        frauds = rule(stream, 0, 100)
        wait_for(people, frauds[:50], "webhook")
        assert second.terminate() == 0
        wait_for(people, frauds, "webhook")

    assert sorted(people.told()["webhook"]) == frauds
    assert people.webhook.repeated == 0


def test_an_interrupt_ends_it_as_well(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with alerting(stream, people, tmp_path, "webhook") as worker:
        worker.wait_until_ready()
        worker.process.send_signal(signal.SIGINT)

        assert worker.process.wait(30) == 0


def test_a_missing_topic_is_named(kafka: str, people: Receivers) -> None:
    env = {
        **people.env("webhook"),
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "FRAUD_TOPICS__VERDICTS": "absent-verdicts",
    }

    refused = attempt("alert", env={**env, "FRAUD_HTTP__PORT": "0", "FRAUD_LOG__FORMAT": "json"})

    assert refused.returncode == 2
    assert "'absent-verdicts'" in refused.stderr.splitlines()[-1]
    assert "Traceback" not in refused.stderr


def test_a_channel_s_failure_ends_the_process(
    stream: Stream, people: Receivers, tmp_path: Path, make_topic: Callable[..., str]
) -> None:
    """The dead letters refuse what is too long for them: it stays uncommitted, and a supervisor hears of it."""
    too_small = make_topic("alerts.dlq", max_message_bytes="500")
    with alerting(stream, people, tmp_path, "webhook", FRAUD_TOPICS__ALERT_DEAD_LETTERS=too_small) as worker:
        worker.wait_until_ready()
        put(stream, os.urandom(1000))  # which no compression shortens

        assert worker.process.wait(30) == 1

    assert "Traceback" not in worker.log.read_text()
    assert set(group(stream, "webhook").values()) <= {0, -1001}
