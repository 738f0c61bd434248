"""Faust-streaming, exactly once: the forest through ONNX Runtime on the batches of `Stream.take_events`."""

# Its libraries are installed in an environment of its own only.
# mypy: ignore-errors

from __future__ import annotations

import argparse
import gc
import json
import logging
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faust
import mode.loop
import msgspec
import numpy as np
import onnxruntime as ort
from faust.app._attached import Attachments
from faust.transport.consumer import TransactionManager
from faust.types import TP, EventT, FutureMessage, RecordMetadata, StreamT


def main() -> None:
    """Scores until SIGTERM, which Faust's worker handles: it commits what was taken and ends."""
    options = _options()
    mode.loop.use("uvloop")
    # Some records of the client's debugging are made for each batch sent, and thrown away.
    logging.disable(logging.INFO)
    # A batch is thousands of futures that live until its commit, which the defaults search over and over.
    gc.set_threshold(100_000, 50, 50)
    with TemporaryDirectory(prefix="contender-") as folder:
        app = _app(options, Path(folder))
        _score_all(app, options)
        faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


def _app(options: argparse.Namespace, folder: Path) -> faust.App:
    return faust.App(
        options.group,
        broker=f"kafka://{options.bootstrap}",
        processing_guarantee="exactly_once",
        # Else a commit may fall between a verdict and the offset of its transaction.
        stream_publish_on_commit=True,
        # A commit is a transaction for each partition, one after the other.
        broker_commit_every=4 * options.batch,
        broker_commit_interval=options.commit_interval,
        broker_max_poll_records=options.batch,
        stream_buffer_maxsize=4 * options.batch,
        consumer_auto_offset_reset="earliest",
        producer_linger=0.005,
        producer_compression_type="lz4",
        producer_max_batch_size=256 * 1024,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=str(folder),
        key_serializer="raw",
        value_serializer="raw",
    )


def _score_all(app: faust.App, options: argparse.Namespace) -> None:
    app._attachments = UpToTheOffset(app)  # noqa: SLF001
    app.transport.TransactionManager = WithTheOffsets
    transactions, verdicts = app.topic(options.transactions), app.topic(options.verdicts)
    score = score_with(options.model)
    # What `Event.forward` calls while events come one by one; a batch has no current event.
    attach = app._attachments.put  # noqa: SLF001

    @app.agent(transactions)
    async def scoring(stream: StreamT[bytes]) -> None:
        events: Sequence[EventT[bytes]]
        async for events in stream.take_events(options.batch, within=options.within):
            for event, verdict in zip(events, score([event.value for event in events]), strict=True):
                attach(event.message, verdicts, event.key, verdict, partition=event.message.partition)


class WithTheOffsets(TransactionManager):
    """Writes in the transaction that takes the offsets of the same partition.

    Faust itself looks the topic up among those that the application reads, does not find the verdicts there, and
    writes them in no transaction at all.
    """

    async def send(  # noqa: D102, PLR0917
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,  # noqa: ARG002
    ) -> Awaitable[RecordMetadata]:
        # Of one topic: its group is the first.
        place = f"{self.app.conf.id}-0-{partition}"
        return await self.producer.send(topic, key, value, partition, timestamp, headers, transactional_id=place)


class UpToTheOffset(Attachments):
    """Publishes what is attached to the records before a committed offset.

    Faust itself takes the record at the offset too, which is the next one to be read.
    """

    def _attachments_for(self, tp: TP, commit_offset: int) -> Iterator[FutureMessage[Any]]:
        return super()._attachments_for(tp, commit_offset - 1)


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
    parser.add_argument("--within", type=float, default=0.05, help="seconds that a batch may take to fill")
    parser.add_argument("--commit-interval", type=float, default=0.2, help="seconds, while batches do not fill")
    return parser.parse_args()


if __name__ == "__main__":
    main()
