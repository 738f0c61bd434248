"""`fraud alerts ack` as a user runs it: what the page does, from the command line."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from alerting.acknowledging import Token, link, short_link, signed
from alerting.destinations import Destination, Grouping, Recipient
from alerting.labels import Label, Word
from alerting.ledger.book import Change
from alerting.ledger.entries import State
from alerting.ledger.writing import records_of
from alerting.notices import notice
from alerting.reply_codes import code_of
from alerting.silences import all_silences
from stream import kafka as clients
from stream.settings import KafkaSettings
from stream.topic_reading import read_to_end
from tests.alerting.verdicts import verdict
from tests.harness.commands import refusal_of, run
from tests.harness.led import wait_until_led
from tests.harness.topics import Stream, new_stream

KEY = b"k" * 32
NOW = int(datetime.now(UTC).timestamp())


@pytest.fixture(autouse=True)
def _with_links(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRAUD_ALERTS__ACKNOWLEDGE__BASE_URL", "https://alerts.bank.example")
    monkeypatch.setenv("FRAUD_ALERTS__ACKNOWLEDGE__SECRET", f"whsec_{base64.b64encode(KEY).decode()}")


@pytest.fixture
def stream(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Stream:
    made = new_stream(kafka)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    wait_until_led(kafka, *[made.env[f"FRAUD_TOPICS__{name}"] for name in ("ALERT_SILENCES", "LABELS")])
    return made


def token(*, is_digest: bool = False, expires: int = NOW + 3_600) -> str:
    made = Token(
        alert_id="alert-1",
        transaction_id=None if is_digest else "tx-0001",
        topic=None if is_digest else "transactions",
        partition=3,
        offset=42,
        group="0f0f",
        receiver="fraud-desk",
        recipient="abcd",
        expires=expires,
    )
    return signed(made, [KEY])


def labels(stream: Stream) -> list[Label]:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    records = read_to_end(kafka, stream.env["FRAUD_TOPICS__LABELS"])
    return [msgspec.json.decode(record.value or b"", type=Label) for record in records]


def silenced(stream: Stream) -> list[tuple[str | None, str]]:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    return [(one.group, one.author) for one in all_silences(kafka, stream.env["FRAUD_TOPICS__ALERT_SILENCES"])]


@pytest.mark.kafka
def test_a_link_is_answered_as_on_its_page(stream: Stream) -> None:
    run("alerts", "ack", link("https://alerts.bank.example", token()), "--not-fraud", "--author", "kim")

    (label,) = labels(stream)
    assert (label.label, label.by, label.source.offset) == (Word.LEGITIMATE, "kim", 42)
    assert silenced(stream) == [("0f0f", "kim")]


@pytest.mark.kafka
def test_a_token_is_taken_by_itself_and_the_last_answer_counts(stream: Stream) -> None:
    run("alerts", "ack", token(is_digest=True), "--seen", "--author", "kim")
    assert labels(stream) == []

    run("alerts", "ack", token(), "--fraud", "--author", "lee")

    assert [label.label for label in labels(stream)] == [Word.FRAUD]
    assert silenced(stream) == [("0f0f", "lee")]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((token(),), "an alert has one answer"),
        ((token(), "--fraud", "--not-fraud"), "an alert has one answer"),
        ((token(is_digest=True), "--fraud"), "a digest tells of several transactions"),
        ((token(expires=NOW - 1), "--seen"), "the link has expired"),
        (("https://[alerts/ack?t=x", "--seen"), "no link or code of these settings"),
        ((f"{token()}x.y", "--seen"), "no link or code of these settings"),
        (("", "--seen"), "no link or code of these settings"),
    ],
)
def test_what_is_no_answer_is_refused_before_a_broker_is_asked(arguments: tuple[str, ...], problem: str) -> None:
    assert problem in refusal_of("alerts", "ack", *arguments, "--author", "kim")


def test_an_answer_has_an_author() -> None:
    assert "--author is empty" in refusal_of("alerts", "ack", token(), "--seen", "--author", " ")


def test_where_alerts_have_no_links_it_is_said_how_they_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAUD_ALERTS__ACKNOWLEDGE__BASE_URL")
    monkeypatch.delenv("FRAUD_ALERTS__ACKNOWLEDGE__SECRET")

    assert "alerts.acknowledge.base_url" in refusal_of("alerts", "ack", token(), "--seen", "--author", "kim")


@pytest.mark.kafka
def test_a_reply_code_is_answered_as_the_link_is(stream: Stream) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    desk = Destination("fraud-desk", "sms", Recipient("+15550100001"), "analyst", Grouping(), "route")
    now = datetime.now(UTC)
    made = notice("alert-1", verdict(), desk, group="0f0f", now=now, expires_at=now)
    sent = replace(made, state=State.SENT, verdict=None)
    producer = clients.producer(kafka)
    for record in records_of([Change(2, f"delivery/{sent.id}", sent)], topic=stream.env["FRAUD_TOPICS__ALERT_LEDGER"]):
        producer.produce(record.topic, record.value, record.key, 2)
    assert producer.flush(30) == 0
    code = code_of(sent.id, 2, KEY)

    run("alerts", "ack", code.spaced.lower(), "--fraud", "--author", "kim")
    run("alerts", "ack", short_link("https://alerts.bank.example", code), "--not-fraud", "--author", "lee")

    assert [(label.transaction_id, label.label, label.by) for label in labels(stream)] == [
        ("tx-0001", Word.FRAUD, "kim"),
        ("tx-0001", Word.LEGITIMATE, "lee"),
    ]
    assert silenced(stream) == [("0f0f", "lee")]
    assert "no link or code" in refusal_of("alerts", "ack", "01234-56789-AB2", "--fraud", "--author", "kim")
    assert "no link or code" in refusal_of("alerts", "ack", "01234-56789-ABZZ", "--fraud", "--author", "kim")
