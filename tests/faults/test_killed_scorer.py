"""The scorer is killed, twice, in the middle of its work: nothing is lost and nothing doubled."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from stream.records import Record, first_header, record_of
from tests.harness.fraud import FraudProcess
from tests.harness.poison import MALFORMED
from tests.harness.topics import CommittedReader, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

TRANSACTIONS = 5_000
EVERY = 100  # each hundredth record is malformed: fifty of them, in ten ways


def records() -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for number in range(TRANSACTIONS):
        account = f"account-{number % 61}"
        if number % EVERY == 7:
            kind = list(MALFORMED)[(number // EVERY) % len(MALFORMED)]
            made.append({"key": account.encode(), "value": MALFORMED[kind], "headers": [("kind", kind.encode())]})
        else:
            fields = {"transaction_id": f"t-{number}", "event_time": 1_700_000_000_000 + number, "amount": number % 300}
            made.append({"key": account.encode(), "value": json.dumps(fields).encode()})
    return made


def place(record: Record) -> tuple[str, int, int]:
    """Where the transaction stood that a verdict or dead letter answers."""
    if first_header(record.headers, "verdict") is not None:
        source = json.loads(record.value or b"")["source"]
        return source["topic"], source["partition"], source["offset"]
    topic, partition, offset = (
        (first_header(record.headers, f"dead-letter-source-{part}") or b"").decode()
        for part in ("topic", "partition", "offset")
    )
    return topic, int(partition), int(offset)


@pytest.mark.kafka
def test_a_scorer_killed_twice_answers_every_transaction_exactly_once(
    kafka: str, trained_model: Path, tmp_path: Path
) -> None:
    stream = new_stream(kafka)
    stream.produce(records())
    env = {
        **stream.env,
        "FRAUD_SCORER__BATCH_SIZE": "20",
        # The broker notices the death sooner than by default: the test waits for it twice.
        "FRAUD_KAFKA__PROPERTIES": json.dumps({"session.timeout.ms": 6000}),
    }
    reader = CommittedReader(kafka, [stream.verdicts, stream.dead_letters])

    for kill, seen in enumerate((800, 2_400)):
        with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / f"{kill}.log") as scorer:
            reader.read_until(seen)
            scorer.kill()
        assert reader.read() < TRANSACTIONS, "it was killed after its work, not in it"
    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "last.log") as scorer:
        reader.read_until(TRANSACTIONS)
        ends = end_offsets(kafka, stream.transactions)
        wait_until(
            lambda: committed_offsets(kafka, stream.group, stream.transactions) == ends,
            within_s=30,
            what="the group has not committed all it answered",
        )
        assert scorer.terminate() == 0

    answers = [record_of(message) for message in reader.read_to_end()]
    reader.close()
    assert len(answers) == TRANSACTIONS
    assert Counter(map(place, answers)) == {
        (stream.transactions, partition, offset): 1 for partition, end in ends.items() for offset in range(end)
    }
    verdicts = Counter(json.loads(a.value or b"")["transaction_id"] for a in answers if a.topic == stream.verdicts)
    assert verdicts == {f"t-{number}": 1 for number in range(TRANSACTIONS) if number % EVERY != 7}
    letters = [answer for answer in answers if answer.topic == stream.dead_letters]
    assert Counter(first_header(letter.headers, "kind") for letter in letters) == {
        kind.encode(): TRANSACTIONS // EVERY // len(MALFORMED) for kind in MALFORMED
    }
    for letter in letters:
        kind = (first_header(letter.headers, "kind") or b"").decode()
        assert letter.value == MALFORMED[kind]
        assert first_header(letter.headers, "dead-letter-reason") == kind.encode()
