"""A stream with a past: transactions of a file, bad records among them, and the verdicts that a scorer gave them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Message

from model.data.dataset import read_dataset
from model.profile import load_profile
from stream.replay import transactions_of
from tests.harness.fraud import FraudProcess
from tests.harness.poison import MALFORMED, malformed
from tests.harness.small_model import small_model
from tests.harness.topics import CommittedReader, Sent, Stream, new_stream

GOOD: Final = 1_500
# So many milliseconds stand between two records.
STEP_MS: Final = 1_000


@dataclass(frozen=True)
class Past:
    """What was sent, and what became of it.

    Attributes:
        stream: Where.
        models: Two directories; the first one's verdicts are there.
        sent: All records in the order of sending.
        first_ms: The timestamp of the first one; each has one of `STEP_MS` more than the one before.
    """

    stream: Stream
    models: tuple[Path, Path]
    sent: list[Sent]
    first_ms: int

    def good(self) -> set[tuple[int, int]]:
        """Partition and offset of each transaction."""
        return {(one.partition, one.offset) for one in self.sent if not one.headers}


def past(kafka: str, simulated: Path, folder: Path) -> Past:
    """Sends `GOOD` transactions and every kind of bad record, and has them scored."""
    models = two_models(simulated, folder)
    stream = new_stream(kafka, 3)
    first_ms = int(time.time() * 1000) - 24 * 3600 * 1000
    dataset = read_dataset(simulated, load_profile("simulated"), need_labels=False)
    records = transactions_of(dataset, load_profile("simulated"), topic=stream.transactions, limit=GOOD)
    mixed = [{"key": one.key, "value": one.value} for one in records]
    for number in range(len(MALFORMED)):
        mixed.insert(50 * number, malformed(number))
    dated = [{**record, "timestamp": first_ms + STEP_MS * number} for number, record in enumerate(mixed)]
    sent = stream.produce(dated, partitioner="murmur2_random")
    with FraudProcess("score", "--model", models[0], env=stream.env, log=folder / "score.log") as scorer:
        reader = CommittedReader(kafka, [stream.verdicts, stream.dead_letters])
        reader.read_until(len(sent))
        reader.close()
        assert scorer.terminate() == 0
    return Past(stream, models, sent, first_ms)


def two_models(simulated: Path, folder: Path) -> tuple[Path, Path]:
    """Two versions of one model, which learnt from one file with different seeds."""
    profile = load_profile("simulated")
    dataset = read_dataset(simulated, profile, need_labels=True)
    first, second = folder / "first", folder / "second"
    for seed, out in ((1, first), (2, second)):
        small_model(dataset, profile=profile, seed=seed).save(out)
    return first, second


def verdicts_in(stream: Stream, topic: str) -> list[dict[str, Any]]:
    """All committed verdicts of a topic."""
    return [json.loads(message.value() or b"") for message in records_in(stream, topic)]


def records_in(stream: Stream, topic: str) -> list[Message]:
    """All committed records of a topic."""
    reader = CommittedReader(stream.bootstrap, [topic])
    try:
        return reader.read_to_end()
    finally:
        reader.close()


def sources_of(verdicts: Iterable[dict[str, Any]]) -> list[tuple[int, int]]:
    """Partition and offset of the transaction of each verdict, sorted."""
    return sorted((one["source"]["partition"], one["source"]["offset"]) for one in verdicts)


def without_time(verdict: dict[str, Any]) -> dict[str, Any]:
    """Everything but when it was given."""
    return {name: value for name, value in verdict.items() if name != "scored_at"}
