"""What one writes around `predict_proba`: a loop with confluent-kafka, exactly once, with the settings that help it.

It decodes with msgspec, scores a batch in one call, and has the fetch and queue settings of ours: what it lacks is a
kernel, and the work that overlaps.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import joblib
import msgspec
import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition
from numpy.typing import NDArray

Predict: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def main(*, single: bool) -> None:
    """Scores until SIGTERM.

    Args:
        single: Whether a record is scored at a time; what is read and committed at once is the same.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bootstrap", "transactions", "verdicts", "group", "model"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--batch", required=True, type=int)
    options = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            "group.id": options.group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 5,
            "queued.min.messages": 20_000,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": options.bootstrap,
            "transactional.id": options.group,
            "linger.ms": 5,
            "compression.type": "zstd",
        }
    )
    producer.init_transactions(30)
    consumer.subscribe([options.transactions])
    names = json.loads((Path(options.model) / "inputs.json").read_text())
    forest = joblib.load(Path(options.model) / "forest.joblib")

    def together(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = forest.predict_proba(rows)[:, 1]
        return scores

    def one_by_one(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.concatenate([together(rows[at : at + 1]) for at in range(len(rows))])

    loop = _Loop(consumer, producer, options.transactions, options.verdicts, names, one_by_one if single else together)
    while not stop.is_set():
        loop.turn(options.batch)
    consumer.close()


@dataclass
class _Loop:
    consumer: Consumer
    producer: Producer
    transactions: str
    verdicts: str
    names: list[str]
    predict: Predict
    decode: Callable[[bytes], dict[str, Any]] = field(default=msgspec.json.Decoder(dict[str, Any]).decode)
    encode: Callable[[object], bytes] = field(default=msgspec.json.Encoder().encode)

    def turn(self, most: int) -> None:
        """A batch, in a transaction with its offsets; half a second where nothing comes."""
        messages = self.consumer.consume(1, 0.5)
        messages += self.consumer.consume(most - 1, 0) if messages and most > 1 else []
        if not messages:
            return
        transactions = [self.decode(message.value() or b"") for message in messages]
        rows = np.array([[one[name] for name in self.names] for one in transactions], dtype=np.float32)
        probabilities = self.predict(rows).tolist()
        self.producer.begin_transaction()
        after: dict[int, int] = {}
        for message, one, probability in zip(messages, transactions, probabilities, strict=True):
            verdict = {"transaction_id": one["transaction_id"], "fraud_probability": probability}
            self.producer.produce(self.verdicts, self.encode(verdict), message.key())
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            after[partition] = offset + 1
        self.producer.flush()
        offsets = [TopicPartition(self.transactions, partition, offset) for partition, offset in after.items()]
        self.producer.send_offsets_to_transaction(offsets, self.consumer.consumer_group_metadata())
        self.producer.commit_transaction()


if __name__ == "__main__":
    main(single=False)
