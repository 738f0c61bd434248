"""`python -m bench.restarts`: how long partitions stand still when a worker is killed, and when all are restarted."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.arrivals import Arrivals, steady_stream
from bench.figures import show
from bench.models import quick_model
from demo.kafka.local import LocalKafka
from tests.harness.fraud import FraudProcess
from tests.harness.topics import Stream, new_stream
from tests.harness.waiting import wait_until

_PARTITIONS: Final = 6
_RATE: Final = 600.0
_SETTLED_S: Final = 3.0
_SESSION_MS: Final = 15_000


def main(
    times: Annotated[int, typer.Option(min=1, help="Kills, and rolling restarts, of each kind.")] = 5,
) -> None:
    """Prints one JSON line a figure to stdout."""
    with tempfile.TemporaryDirectory() as folder, LocalKafka() as broker:
        model, values = quick_model(Path(folder))
        killed = [_killed(broker.bootstrap, model, values, Path(folder), times, static=one) for one in (True, False)]
        show(
            "recovery after SIGKILL with the same slot: from the kill to the last partition's next verdict",
            statistics.median(killed[0]),
            "s",
            baseline="the same without static membership",
            baseline_value=statistics.median(killed[1]),
            worst=round(max(killed[0]), 3),
            baseline_worst=round(max(killed[1]), 3),
            kills=times,
            session_timeout_ms=_SESSION_MS,
        )
        rolled = [_rolled(broker.bootstrap, model, values, Path(folder), times, static=one) for one in (True, False)]
        show(
            "rolling restart of two workers: longest time without a verdict, median over partitions and restarts",
            statistics.median(rolled[0]),
            "s",
            baseline="the same without static membership",
            baseline_value=statistics.median(rolled[1]),
            worst=round(max(rolled[0]), 3),
            baseline_worst=round(max(rolled[1]), 3),
            restarts=times * 2,
            partitions=_PARTITIONS,
            rate=_RATE,
        )


def _killed(bootstrap: str, model: Path, values: list[bytes], folder: Path, times: int, *, static: bool) -> list[float]:
    """Seconds from each kill until every partition had a verdict again; the worker is started again at once."""
    stream = new_stream(bootstrap, _PARTITIONS)
    found = []
    with (
        steady_stream(
            bootstrap, stream.transactions, stream.verdicts, values, partitions=_PARTITIONS, rate=_RATE
        ) as arrivals,
        ExitStack() as running,
    ):
        start = _starter(stream, model, folder, static=static)
        worker = running.enter_context(start(0))
        for _ in range(times):
            _wait_for_all(arrivals, time.monotonic() + _SETTLED_S)
            killed_at = time.monotonic()
            worker.kill()
            worker = running.enter_context(start(0))
            found.append(_wait_for_all(arrivals, killed_at) - killed_at)
    return found


def _rolled(bootstrap: str, model: Path, values: list[bytes], folder: Path, times: int, *, static: bool) -> list[float]:
    """For each partition and restart of one of two workers its longest time without a verdict, in seconds."""
    stream = new_stream(bootstrap, _PARTITIONS)
    found = []
    with (
        steady_stream(
            bootstrap, stream.transactions, stream.verdicts, values, partitions=_PARTITIONS, rate=_RATE
        ) as arrivals,
        ExitStack() as running,
    ):
        start = _starter(stream, model, folder, static=static)
        workers = [running.enter_context(start(slot)) for slot in (0, 1)]
        for worker in workers:
            worker.wait_until_ready()
        for _ in range(times):
            for slot in (0, 1):
                _wait_for_all(arrivals, time.monotonic() + _SETTLED_S)
                begin = time.monotonic()
                assert workers[slot].terminate() == 0
                workers[slot] = running.enter_context(start(slot))
                workers[slot].wait_until_ready()
                _wait_for_all(arrivals, time.monotonic() + _SETTLED_S)
                found += [arrivals.longest_gap(one, begin, time.monotonic()) for one in range(_PARTITIONS)]
    return found


def _starter(stream: Stream, model: Path, folder: Path, *, static: bool) -> Callable[[int], FraudProcess]:
    env = {
        **stream.env,
        "FRAUD_SCORER__STATIC_MEMBERSHIP": str(static).lower(),
        "FRAUD_KAFKA__PROPERTIES": json.dumps({"session.timeout.ms": _SESSION_MS}),
    }

    def start(slot: int) -> FraudProcess:
        log = folder / f"{stream.group}-{slot}-{time.monotonic_ns()}.log"
        return FraudProcess("score", "--model", model, "--slot", str(slot), env=env, log=log)

    return start


def _wait_for_all(arrivals: Arrivals, moment: float) -> float:
    """Waits until every partition had a verdict after a moment, and says when the last of them had."""
    wait_until(
        lambda: len(arrivals.after(moment)) == _PARTITIONS, within_s=120, what="a partition has no verdict again"
    )
    return max(arrivals.after(moment).values())


if __name__ == "__main__":
    typer.run(main)
