"""`python -m bench.backlog`: a worker's memory while millions of transactions wait, beside its memory with none."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from confluent_kafka import Producer

from bench.figures import show
from bench.models import quick_model
from demo.kafka.local import LocalKafka
from stream.settings import ScorerSettings
from tests.harness.fraud import FraudProcess
from tests.harness.topics import Stream, committed_offsets, new_stream

_PARTITIONS: Final = 6
_LOOK_EVERY_S: Final = 0.2


def main(
    records: Annotated[int, typer.Option(min=1, help="Transactions that wait.")] = 5_000_000,
    minutes: Annotated[float, typer.Option(help="How long the worker is watched at most.")] = 2.0,
) -> None:
    """Prints one JSON line a figure to stdout."""
    with tempfile.TemporaryDirectory() as folder, LocalKafka() as broker:
        model, values = quick_model(Path(folder))
        idle, _ = _peak(new_stream(broker.bootstrap, _PARTITIONS), model, Path(folder), records=0, within_s=5.0)
        stream = new_stream(broker.bootstrap, _PARTITIONS)
        _pile_up(stream, values, records)
        peak, scored = _peak(stream, model, Path(folder), records=records, within_s=minutes * 60)
        show(
            "peak memory of a worker under a backlog",
            peak,
            "MB",
            baseline="the same worker with nothing to read",
            baseline_value=idle,
            backlog=records,
            scored_meanwhile=scored,
            bytes=sum(map(len, values)) // len(values),
            batch=ScorerSettings().batch_size,
        )


def _pile_up(stream: Stream, values: Sequence[bytes], records: int) -> None:
    producer = Producer({"bootstrap.servers": stream.bootstrap, "linger.ms": 20, "compression.type": "zstd"})
    for number, value in enumerate(itertools.islice(itertools.cycle(values), records)):
        while True:
            try:
                producer.produce(stream.transactions, value=value, partition=number % _PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1_000 == 0:
            producer.poll(0)
    producer.flush()


def _peak(stream: Stream, model: Path, folder: Path, *, records: int, within_s: float) -> tuple[float, int]:
    """The peak of resident memory in MB, and how many records were scored meanwhile."""
    log = folder / f"{stream.group}.log"
    with FraudProcess("score", "--model", model, env=stream.env, log=log) as worker:
        worker.wait_until_ready()
        until, scored = time.monotonic() + within_s, 0
        while time.monotonic() < until and (records == 0 or scored < records):
            time.sleep(_LOOK_EVERY_S)
            scored = sum(
                max(at, 0) for at in committed_offsets(stream.bootstrap, stream.group, stream.transactions).values()
            )
        status = Path(f"/proc/{worker.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        assert worker.terminate() == 0
    return peak / 1024, scored


if __name__ == "__main__":
    typer.run(main)
