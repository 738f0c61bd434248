"""`python -m bench.workers`: what a worker needs until it scores, what it keeps in memory, and what two of them do.

Where broker and workers share the cores, two workers are not twice as fast: the figures say what each takes of the
processors. With ten times the trees the broker has little to do, and the workers have the cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.contest import LONGEST_WARMING
from bench.figures import show
from bench.materials import TREES, gather_materials
from bench.roster import OURS, Task, cache, made_ready
from bench.throughput import Backlog, Rate, preload, rate_of
from bench.trial_run import Cluster, Progress, cpu_s, family, require_right, running
from cli.console import configure_logging
from demo.kafka.local import LocalKafka
from demo.ports import free_ports
from stream.settings import LogSettings

_DIFFERENT: Final = 50_000
_STARTS: Final = 5
_TIMES_OVER: Final = 10
_STEADY: Final = 1.1
_LONGEST_START_S: Final = 60.0
# While workers join one after the other, partitions move and stand still.
_SETTLING_S: Final = 4.0
_LOOK_EVERY_S: Final = 0.05


@dataclass(frozen=True)
class Sight:
    """What was seen of some workers.

    Attributes:
        ready_s: From the start until /readyz says so.
        rate: What they committed, and their processor time for it.
        broker_us: The broker's processor time for each transaction, microseconds.
        resident_mb: The largest worker's memory at the end, megabytes.
    """

    ready_s: float
    rate: Rate
    broker_us: float
    resident_mb: float


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a file with labels; simulated without")
    parser.add_argument("--profile", help="what its columns are; ulb unless said")
    parser.add_argument("--transactions", type=int, default=1_200_000, help="that wait when a run begins")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    options = parser.parse_args()
    configure_logging(LogSettings(level="error"))
    profile = options.profile or ("ulb" if options.data else "simulated")
    with ExitStack() as ending:
        broker = ending.enter_context(LocalKafka())
        cluster, backlog = Cluster(broker.bootstrap), None
        for times_over in (1, _TIMES_OVER):
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="fraud-bench-")))
            materials = gather_materials(
                folder, options.data, profile, rows=_DIFFERENT, cache=cache(), times_over=times_over
            )
            backlog = backlog or preload(cluster, materials.transactions, options.transactions)

            def seen(workers: int, backlog: Backlog = backlog, folder: Path = folder) -> Sight:
                return _seen(backlog, folder, workers=workers, seconds=options.seconds, broker=broker.pid)

            one = _warm(seen) if times_over == 1 else seen(1)
            if times_over == 1:
                _show_starts(one, [seen(1) for _ in range(_STARTS - 1)])
            _show_two(one, seen(2), trees=TREES * times_over)


def _warm(seen: Callable[[int], Sight]) -> Sight:
    """One worker, once the broker does not get faster any more."""
    best = seen(1)
    for _ in range(LONGEST_WARMING):
        again = seen(1)
        if again.rate.per_second <= _STEADY * best.rate.per_second:
            return again
        best = again
    return best


def _seen(backlog: Backlog, folder: Path, *, workers: int, seconds: float, broker: int) -> Sight:
    """Runs `fraud score --workers` on a topic that is full, and holds what it wrote against what it committed."""
    bootstrap, topic, port = backlog.cluster.bootstrap, backlog.topic, free_ports(1)[0]
    verdicts = backlog.cluster.new_verdicts(f"of-{workers}")
    task = Task(bootstrap, topic, verdicts, f"group-of-{verdicts}", folder, 2_000)
    command, env = made_ready(OURS, folder)(task)
    env = {**env, "FRAUD_HTTP__PORT": str(port)}
    progress, samples = Progress(bootstrap, task.group, topic), list[tuple[float, int, float]]()
    started, ready_s = time.monotonic(), 0.0
    with closing(progress), running([*command, "--workers", str(workers)], env, folder / "log") as process:
        while not ready_s:
            process.require_alive()
            ready_s = time.monotonic() - started if _is_ready(port) else 0.0
            if time.monotonic() - started > _LONGEST_START_S:
                raise TimeoutError("the worker does not get ready")
        time.sleep(_SETTLING_S)
        broker_s, until = cpu_s(broker), time.monotonic() + seconds
        while time.monotonic() < until and (not samples or samples[-1][1] < backlog.count):
            process.require_alive()
            samples.append((time.monotonic(), progress.committed(), process.cpu_s()))
            time.sleep(_LOOK_EVERY_S)
        broker_us = (cpu_s(broker) - broker_s) / (samples[-1][1] - samples[0][1]) * 1e6
        resident_mb = max(map(_resident_mb, family(process.pid)))
        process.end()
        require_right(bootstrap, verdicts, None, progress.committed())
    return Sight(ready_s, rate_of(samples), broker_us, resident_mb)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        time.sleep(0.01)
        return False


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _show_starts(first: Sight, others: list[Sight]) -> None:
    ready = [one.ready_s for one in (first, *others)]
    show(
        "start to ready, model on disk",
        statistics.median(ready),
        "s",
        baseline="the slowest of as many starts",
        baseline_value=max(ready),
        starts=len(ready),
    )
    resident = [one.resident_mb for one in (first, *others)]
    show(
        "resident memory of a worker that scores",
        statistics.median(resident),
        "MB",
        baseline="the largest of as many runs",
        baseline_value=max(resident),
        transactions=first.rate.transactions,
    )


def _show_two(one: Sight, two: Sight, *, trees: int) -> None:
    show(
        "transactions scored exactly once by two workers",
        two.rate.per_second,
        "tx/s",
        baseline="one worker",
        baseline_value=one.rate.per_second,
        trees=trees,
        workers_cores=round(two.rate.per_second * two.rate.cpu_us / 1e6, 2),
        broker_cores=round(two.rate.per_second * two.broker_us / 1e6, 2),
        baseline_workers_cores=round(one.rate.per_second * one.rate.cpu_us / 1e6, 2),
        baseline_broker_cores=round(one.rate.per_second * one.broker_us / 1e6, 2),
        load=round(os.getloadavg()[0], 1),
    )


if __name__ == "__main__":
    main()
