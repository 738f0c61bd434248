"""Quix Streams, exactly once: the forest through ONNX Runtime, as Quix documents it, or on whole checkpoints."""

# Its libraries are installed in an environment of its own only.
# mypy: ignore-errors

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort
from quixstreams import Application
from quixstreams.models import HeadersTuples
from quixstreams.sinks import BaseSink


def main() -> None:
    """Scores until SIGTERM, which Quix handles: it commits what was taken and ends."""
    options = _options()
    with TemporaryDirectory(prefix="contender-") as state:
        app = _app(options, Path(state))
        transactions = app.topic(options.transactions, key_deserializer="bytes", value_deserializer="bytes")
        score = score_with(options.model)
        if options.whole:
            app.dataframe(transactions).sink(Scoring(app, options.verdicts, score))
        else:
            verdicts = app.topic(options.verdicts, key_serializer="bytes", value_serializer="bytes")
            app.dataframe(transactions).apply(lambda value: score([value])[0]).to_topic(verdicts)
        app.run()


def _app(options: argparse.Namespace, state: Path) -> Application:
    return Application(
        broker_address=options.bootstrap,
        consumer_group=options.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_every=options.batch,
        commit_interval=options.commit_interval,
        # A checkpoint that is due waits for the poll to end, so this adds to the interval while records are few.
        consumer_poll_timeout=0.005,
        consumer_extra_config={
            "isolation.level": "read_committed",
            # 100 ms in Quix, a second in librdkafka: for so long fetching stops once the queue is full.
            "fetch.queue.backoff.ms": 5,
            "queued.min.messages": 20_000,
            "queued.max.messages.kbytes": 32_768,
        },
        producer_extra_config={
            "linger.ms": 5,
            "compression.type": "lz4",
        },
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=state,
        loglevel="WARNING",
    )


class Scoring(BaseSink):
    """Keeps the records of a checkpoint, and scores them when it commits: into the transaction of their offsets.

    Args:
        app: Whose transactional producer takes the verdicts; Quix has no public way to it from a sink.
        verdicts: The topic.
        score: Transactions to verdicts, one each and in their order.
    """

    def __init__(self, app: Application, verdicts: str, score: Callable[[list[bytes]], list[bytes]]) -> None:
        super().__init__(on_client_connect_success=lambda: None)
        self._producer = app._producer  # noqa: SLF001
        self._verdicts = verdicts
        self._score = score
        self._keys: list[bytes | None] = []
        self._values: list[bytes] = []

    def add(  # noqa: PLR0917
        self,
        value: bytes,
        key: bytes | None,
        timestamp: int,  # noqa: ARG002
        headers: HeadersTuples,  # noqa: ARG002
        topic: str,  # noqa: ARG002
        partition: int,  # noqa: ARG002
        offset: int,  # noqa: ARG002
    ) -> None:
        """Keeps a record until the checkpoint."""
        self._keys.append(key)
        self._values.append(value)

    def flush(self) -> None:
        """Scores what was kept; Quix then waits for the delivery and commits the offsets with it."""
        keys, values, self._keys, self._values = self._keys, self._values, [], []
        if not values:
            return
        produce, topic = self._producer.produce, self._verdicts
        for key, verdict in zip(keys, self._score(values), strict=True):
            produce(topic, verdict, key)

    def on_paused(self) -> None:
        """Forgets what will be read again."""
        self._keys, self._values = [], []


class Verdict(msgspec.Struct):
    """What is written."""

    transaction_id: str
    fraud_probability: float


def score_with(model: Path) -> Callable[[list[bytes]], list[bytes]]:
    """Transactions to verdicts, both JSON, by the forest in `model`."""
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = ort.InferenceSession(str(model / "forest.onnx"), settings, providers=["CPUExecutionProvider"])
    names: list[str] = json.loads((model / "inputs.json").read_text())
    fields: list[Any] = [(f"input_{i}", float, msgspec.field(name=name)) for i, name in enumerate(names)]
    transaction = msgspec.defstruct("Transaction", [*fields, ("transaction_id", str)], gc=False)
    decode = msgspec.json.Decoder(transaction).decode
    encode = msgspec.json.Encoder().encode
    fields_of, pack = msgspec.structs.astuple, struct.Struct(f"{len(names)}f").pack

    def score(values: list[bytes]) -> list[bytes]:
        rows = [fields_of(decode(value)) for value in values]
        packed = b"".join([pack(*row[:-1]) for row in rows])
        numbers = np.frombuffer(packed, np.float32).reshape(len(rows), len(names))
        (probabilities,) = session.run(["probabilities"], {"rows": numbers})
        return [
            encode(Verdict(row[-1], probability))
            for row, probability in zip(rows, probabilities[:, 1].tolist(), strict=True)
        ]

    return score


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("bootstrap", "transactions", "verdicts", "group"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--batch", required=True, type=int)
    parser.add_argument("--whole", action="store_true", help="score a checkpoint at once, and write past Quix")
    parser.add_argument("--commit-interval", type=float, default=0.1, help="seconds, while batches do not fill")
    return parser.parse_args()


if __name__ == "__main__":
    main()
