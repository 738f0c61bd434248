"""`fraud produce` and `fraud simulate --to-topic`: what arrives in the topic, and in which order."""

from __future__ import annotations

import json
import re
import signal
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from confluent_kafka import Message

from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.topics import CommittedReader, Stream, new_stream


def arrived(stream: Stream) -> list[Message]:
    reader = CommittedReader(stream.bootstrap, [stream.transactions])
    found = list(reader.read_to_end())
    reader.close()
    return found


def assert_in_order_for_each_account(messages: list[Message]) -> None:
    times = defaultdict(list)
    for message in messages:
        fields = json.loads(message.value() or b"")
        assert message.key() == fields["account_id"].encode()
        times[fields["account_id"]].append(fields["event_time"])
    assert len(times) > 10
    for moments in times.values():
        assert all(earlier <= later for earlier, later in pairwise(moments))


@pytest.mark.kafka
def test_a_file_is_replayed_without_its_labels_in_order_for_each_account(
    kafka: str, simulated: Path, tmp_path: Path
) -> None:
    rows = pd.read_parquet(simulated).head(1_000)
    shuffled = tmp_path / "shuffled.csv.gz"
    rows.sample(frac=1, random_state=7).to_csv(shuffled, index=False)
    stream = new_stream(kafka)

    fraud("produce", shuffled, "--profile", "simulated", "--rate", "0", "--limit", "600", env=stream.env)

    messages = arrived(stream)
    records = [json.loads(message.value() or b"") for message in messages]
    assert sorted(record["transaction_id"] for record in records) == rows["transaction_id"].head(600).tolist()
    assert not {"is_fraud", "fraud_kind"} & set().union(*records)
    assert_in_order_for_each_account(messages)


@pytest.mark.kafka
def test_a_simulation_goes_to_the_topic_as_it_goes_to_a_file(kafka: str, tmp_path: Path) -> None:
    size = ("--customers", "40", "--terminals", "60", "--days", "10", "--seed", "3")
    stream = new_stream(kafka)
    file = tmp_path / "simulated.parquet"

    fraud("simulate", *size, "--out", file, "--to-topic", "--rate", "0", env=stream.env)

    messages = arrived(stream)
    written = pd.read_parquet(file)
    amounts = {record["transaction_id"]: record["amount"] for m in messages if (record := json.loads(m.value() or b""))}
    assert amounts == dict(zip(written["transaction_id"], written["amount"], strict=True))
    assert not any(b"fraud" in (message.value() or b"") for message in messages)
    assert_in_order_for_each_account(messages)


@pytest.mark.kafka
def test_a_replay_that_is_interrupted_is_not_taken_for_a_whole_one(kafka: str, simulated: Path, tmp_path: Path) -> None:
    stream = new_stream(kafka)
    log = tmp_path / "log"

    with FraudProcess(
        "produce", simulated, "--profile", "simulated", "--rate", "20", env=stream.env, log=log
    ) as replay:
        reader = CommittedReader(kafka, [stream.transactions])
        reader.read_until(1)
        reader.close()
        replay.process.send_signal(signal.SIGINT)
        assert replay.process.wait(30) == 130

    told = re.search(r"interrupted: (\d+) of \d+ transactions sent", log.read_text())
    assert told is not None
    assert len(arrived(stream)) == int(told[1])


def test_a_broker_that_is_not_there_ends_a_one_off_command_with_one_line(simulated: Path) -> None:
    done = attempt("produce", simulated, "--profile", "simulated", "--bootstrap-servers", "127.0.0.1:1")

    assert done.returncode == 2
    assert "no Kafka broker answers at '127.0.0.1:1'" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
