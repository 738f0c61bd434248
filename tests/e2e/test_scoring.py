"""`fraud score` as the topic's producers and the verdicts' readers see it."""

from __future__ import annotations

import json
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from tests.harness.fraud import FraudProcess
from tests.harness.raw_producer import produce_with_header
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"


def answers(stream: Stream, count: int) -> list[Message]:
    reader = CommittedReader(stream.bootstrap, [stream.verdicts, stream.dead_letters])
    reader.read_until(count)
    found = reader.read_to_end()
    reader.close()
    return found


def transaction(**fields: Any) -> bytes:
    return json.dumps({"transaction_id": "t-1", "event_time": "2026-01-31T12:00:00+01:00", **fields}).encode()


@pytest.mark.kafka
def test_a_verdict_carries_its_transaction_and_can_be_filtered_without_parsing(
    kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    value = transaction(account_id="a-7", amount=12.5, currency="EUR", account_count_1d=None, unknown=[1])
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    stream.produce([{"key": b"card-9", "value": value, "headers": [("traceparent", trace), ("other", b"x")]}])

    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "log"):
        (message,) = answers(stream, 1)

    verdict = json.loads(message.value() or b"")
    manifest = json.loads((trained_model / "manifest.json").read_text())
    jsonschema.validate(verdict, json.loads((CONTRACTS / "verdict.schema.json").read_text()))
    assert message.key() == b"card-9"
    assert dict(message.headers() or ()) == {
        "content-type": b"application/json",
        "schema-version": b"1",
        "verdict": verdict["verdict"].encode(),
        "traceparent": trace,
    }
    assert {name: verdict[name] for name in ("transaction_id", "account_id", "amount", "currency")} == {
        "transaction_id": "t-1",
        "account_id": "a-7",
        "amount": 12.5,
        "currency": "EUR",
    }
    assert datetime.fromisoformat(verdict["event_time"]) == datetime.fromisoformat("2026-01-31T12:00:00+01:00")
    assert verdict["threshold"] == manifest["threshold"]
    assert verdict["model"] == {"name": manifest["name"], "version": manifest["version"]}
    assert verdict["source"]["topic"] == stream.transactions


@pytest.mark.kafka
@pytest.mark.parametrize(("account", "key"), [("a-7", b"a-7"), (None, b"t-1")])
def test_without_a_key_the_verdict_is_keyed_by_account_else_by_id(
    account: str | None, key: bytes, kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    stream.produce([{"value": transaction(account_id=account)}])

    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "log"):
        (message,) = answers(stream, 1)

    assert message.key() == key


@pytest.mark.kafka
def test_records_that_are_very_long_deep_or_twice_there_do_not_stop_the_stream(
    kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    long, deep = b"x" * 10_000_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    stream.produce([{"key": b"k", "value": value} for value in (long, deep, transaction(), transaction())])

    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "log") as scorer:
        found = answers(stream, 4)
        metrics = scorer.get("/metrics")[1]

    letters = [message for message in found if message.topic() == stream.dead_letters]
    assert [letter.value() for letter in letters] == [long, deep]
    assert [dict(letter.headers() or ())["dead-letter-reason"] for letter in letters] == [b"too_long", b"too_deep"]
    verdicts = [json.loads(m.value() or b"") for m in found if m.topic() == stream.verdicts]
    assert [verdict["transaction_id"] for verdict in verdicts] == ["t-1", "t-1"]
    assert 'fraud_dead_letters_total{reason="too_long"} 1.0' in metrics
    assert "fraud_transactions_total 4.0" in metrics
    assert 'fraud_missing_inputs_total{input="terminal_risk_7d"} 2.0' in metrics


@pytest.mark.kafka
def test_keys_headers_and_compression_that_are_out_of_the_way_do_not_stop_the_stream(
    kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    spaces = b" " * 30_000_000
    stream.produce([{"key": b"k" * 2_000_000, "value": transaction()}])
    stream.produce([{"key": b"k", "value": spaces}], **{"compression.type": "gzip", "message.max.bytes": 50_000_000})
    produce_with_header(kafka, stream.transactions, b"caf\xe9", transaction(transaction_id="odd-header"))
    stream.produce([{"key": b"k", "value": transaction(transaction_id="last")}])

    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "log"):
        found = answers(stream, 4)

    letters = [message for message in found if message.topic() == stream.dead_letters]
    assert {len(letter.value() or b"") for letter in letters} == {len(transaction()), len(spaces)}
    assert {dict(letter.headers() or ())["dead-letter-reason"] for letter in letters} == {b"too_long"}
    verdicts = [json.loads(m.value() or b"") for m in found if m.topic() == stream.verdicts]
    assert {verdict["transaction_id"] for verdict in verdicts} == {"odd-header", "last"}


@pytest.mark.kafka
def test_dead_letters_are_kept_however_old_their_timestamp(kafka: str) -> None:
    stream = new_stream(kafka)
    client = AdminClient({"bootstrap.servers": kafka})
    topics = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in (stream.dead_letters, stream.verdicts)]

    kept = [answer.result()["retention.ms"].value for answer in client.describe_configs(topics).values()]

    assert kept == ["-1", str(30 * 24 * 60 * 60 * 1000)]


@pytest.mark.kafka
def test_sigterm_finishes_the_batch_in_hand_and_leaves(kafka: str, trained_model: Path, tmp_path: Path) -> None:
    stream = new_stream(kafka)
    stream.produce([{"key": str(n % 9).encode(), "value": transaction(transaction_id=f"t-{n}")} for n in range(2_000)])
    env = {**stream.env, "FRAUD_SCORER__BATCH_SIZE": "50"}
    reader = CommittedReader(kafka, [stream.verdicts])

    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "log") as scorer:
        reader.read_until(100)
        scorer.process.send_signal(signal.SIGTERM)
        assert scorer.process.wait(timeout=30) == 0

    answered = len(reader.read_to_end())
    committed = committed_offsets(kafka, stream.group, stream.transactions)
    reader.close()
    assert 100 <= answered < 2_000, "it was asked to end after its work, not in it"
    assert sum(offset for offset in committed.values() if offset > 0) == answered


@pytest.mark.kafka
def test_two_members_share_the_partitions_and_the_rest_goes_on_when_one_leaves(
    kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    ids = [f"t-{number}" for number in range(600)]
    model = ("score", "--model", trained_model, "--slot")

    def send(some: list[str]) -> None:
        stream.produce([{"key": one.encode(), "value": transaction(transaction_id=one)} for one in some])

    with (
        FraudProcess(*model, "0", env=stream.env, log=tmp_path / "0") as first,
        FraudProcess(*model, "1", env=stream.env, log=tmp_path / "1") as second,
    ):
        first.wait_until_ready()
        second.wait_until_ready()
        wait_until(
            lambda: all("fraud_consumer_lag{" in member.get("/metrics")[1] for member in (first, second)),
            within_s=30,
            what="the members do not share the partitions",
        )
        send(ids[:300])
        found = answers(stream, 300)
        assert first.terminate() == 0
        send(ids[300:])
        found = answers(stream, 600)
        ends = end_offsets(kafka, stream.transactions)
        wait_until(
            lambda: committed_offsets(kafka, stream.group, stream.transactions) == ends,
            within_s=30,
            what="not all was committed",
        )

    assert sorted(json.loads(message.value() or b"")["transaction_id"] for message in found) == sorted(ids)
