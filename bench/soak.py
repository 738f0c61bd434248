"""`python -m bench.soak --minutes N`: two workers under load and random faults; nothing grows, and the counts tie.

Brokers restart and members come and go around the worker in slot 0, whose memory, descriptors and threads are watched.
The one in slot 1 is killed, frozen and restarted. One that ends itself with status 1 is started again, as a platform
would; how often that was is in the result.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from bench.arrivals import Arrivals, steady_stream
from bench.figures import show
from bench.models import quick_model
from bench.soak_faults import FAULTS, Site
from demo.kafka.local import LocalKafka
from stream.contracts import DEAD_LETTER_OFFSET_HEADER, DEAD_LETTER_PARTITION_HEADER
from stream.records import first_header, record_of
from tests.harness.poison import MALFORMED
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

_PARTITIONS: Final = 6
_LOOK_EVERY_S: Final = 2.0
_SETTLING_S: Final = 60.0
_CATCH_UP_S: Final = 300.0
_GOING_ON_S: Final = 120.0


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long there is load and faults.")] = 30.0,
    rate: Annotated[float, typer.Option(min=1, help="Transactions a second; one in a hundred is poison.")] = 300.0,
    every_s: Annotated[float, typer.Option(min=1, help="Seconds between two faults, in the mean.")] = 20.0,
    seed: Annotated[int, typer.Option(help="Of the faults.")] = 1,
    logs: Annotated[Path | None, typer.Option(help="Directory to keep the workers' logs in.")] = None,
) -> None:
    """Prints one JSON line a figure to stdout, faults as they happen to stderr, and ends with 1 where counts differ."""
    with tempfile.TemporaryDirectory() as name, LocalKafka() as broker, ExitStack() as running:
        folder = logs or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        model, values = quick_model(folder)
        stream = new_stream(broker.bootstrap, _PARTITIONS)
        site = Site(broker, stream, model, folder, running)
        mixed = _with_poison(values)
        with steady_stream(
            broker.bootstrap, stream.transactions, stream.verdicts, mixed, partitions=_PARTITIONS, rate=rate
        ) as arrivals:
            vitals, faults = _suffer(site, arrivals, minutes * 60, every_s, random.Random(seed))
        lost, doubled, inputs, letters = _count(stream)
        for one in site.workers.values():
            assert one.terminate(60) == 0
    conditions = {
        "minutes": minutes,
        "rate": rate,
        "seed": seed,
        "faults": faults,
        "ended_by_themselves": site.ended_by_themselves,
    }
    _show_vitals(vitals, **conditions)
    show(
        "transactions lost or doubled",
        lost + doubled,
        "records",
        baseline="transactions sent",
        baseline_value=inputs,
        lost=lost,
        doubled=doubled,
        dead_letters=letters,
        **conditions,
    )
    sys.exit(1 if lost or doubled else 0)


@dataclass
class _Vitals:
    """Of the long-lived worker, a sample every other second."""

    rss_mb: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def sample(self, pid: int) -> None:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        self.rss_mb.append(int(status["VmRSS"].split()[0]) / 1024)
        self.threads.append(int(status["Threads"]))
        self.descriptors.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _suffer(
    site: Site, arrivals: Arrivals, seconds: float, every_s: float, chance: random.Random
) -> tuple[_Vitals, dict[str, int]]:
    """Faults at random moments; each is over, and every partition goes on, before the next one."""
    vitals, counts = _Vitals(), dict.fromkeys(FAULTS, 0)
    started = time.monotonic()
    due = started + _SETTLING_S / 2
    while (now := time.monotonic()) < started + seconds:
        if now - started > min(_SETTLING_S, seconds / 4):
            site.supervise()
            vitals.sample(site.workers[0].process.pid)
        if now >= due:
            name = chance.choice(list(FAULTS))
            counts[name] += 1
            FAULTS[name](site, chance)
            print(json.dumps({"at_s": round(now - started), "fault": name}), file=sys.stderr, flush=True)
            # A second later: what the fault interrupted may still be on its way to those who watch.
            over = time.monotonic() + 1

            def all_go_on(over: float = over) -> bool:
                site.supervise()
                return len(arrivals.after(over)) == _PARTITIONS

            try:
                wait_until(all_go_on, within_s=_GOING_ON_S, what=f"after {name} a partition stands still")
            except AssertionError:
                print(json.dumps(site.standing() | {"seen": arrivals.count()}), file=sys.stderr, flush=True)
                raise
            due = time.monotonic() + chance.expovariate(1 / every_s)
        time.sleep(_LOOK_EVERY_S)
    return vitals, counts


def _show_vitals(vitals: _Vitals, **conditions: object) -> None:
    named: tuple[tuple[str, str, Sequence[float]], ...] = (
        ("memory of the long-lived worker at the end", "MB", vitals.rss_mb),
        ("descriptors of the long-lived worker at the end", "files", vitals.descriptors),
        ("threads of the long-lived worker at the end", "threads", vitals.threads),
    )
    for figure, unit, samples in named:
        tenth = max(len(samples) // 10, 1)
        show(
            figure,
            statistics.median(samples[-tenth:]),
            unit,
            baseline="the same after the first minute",
            baseline_value=statistics.median(samples[:tenth]),
            highest=round(max(samples), 1),
            **conditions,
        )


def _count(stream: Stream) -> tuple[int, int, int, int]:
    """Lost, doubled, sent, and dead letters: places of transactions against places that answers name."""
    ends = end_offsets(stream.bootstrap, stream.transactions)
    wait_until(
        lambda: committed_offsets(stream.bootstrap, stream.group, stream.transactions) == ends,
        within_s=_CATCH_UP_S,
        what="the workers do not catch up",
    )
    answers = {partition: bytearray(end) for partition, end in ends.items()}
    letters = 0
    reader = CommittedReader(stream.bootstrap, [stream.verdicts, stream.dead_letters])
    for message in reader.read_to_end(within_s=_CATCH_UP_S):
        if message.topic() == stream.verdicts:
            source = msgspec.json.decode(message.value() or b"")["source"]
            partition, offset = source["partition"], source["offset"]
        else:
            letters += 1
            headers = record_of(message).headers
            partition, offset = (
                int(first_header(headers, name) or b"")
                for name in (DEAD_LETTER_PARTITION_HEADER, DEAD_LETTER_OFFSET_HEADER)
            )
        answers[partition][offset] += 1
    reader.close()
    lost = sum(counts.count(0) for counts in answers.values())
    doubled = sum(sum(count - 1 for count in counts if count > 1) for counts in answers.values())
    return lost, doubled, sum(ends.values()), letters


def _with_poison(values: Sequence[bytes]) -> list[bytes]:
    poison = [value for value in MALFORMED.values() if value]
    return [poison[at // 100 % len(poison)] if at % 100 == 99 else value for at, value in enumerate(values)]


if __name__ == "__main__":
    typer.run(main)
