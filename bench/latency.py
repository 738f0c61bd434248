"""Latency: from a producer's send to a read-committed reader's receipt, at steady rates."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from bench.delays import Delays, delays_of
from bench.roster import CannotRunError, Command, Task
from bench.trial_run import PARTITIONS, Cluster, Running, running

_ID: Final = b'"transaction_id":"'
_STAMP_DIGITS: Final = 20
_WARMING_SHARE: Final = 0.25
# A contender that is further behind at the end of a run than it gets through in this time does not keep up.
_LATE_S: Final = 5.0
_QUIET_S: Final = 30.0
_STARTING_S: Final = 120.0
_LEAST_SENT: Final = 0.98


def measure_latency(
    command: Command,
    cluster: Cluster,
    materials: Path,
    values: Path,
    *,
    name: str,
    batch: int,
    rates: Sequence[int],
    seconds: float,
    log: Path,
) -> Generator[Delays | str]:
    """Runs a contender at growing rates, until it does not keep up.

    Args:
        command: Its command and environment for a task.
        cluster: The broker.
        materials: The folder of `Materials`.
        values: File of transactions, one a line.
        name: Of the contender.
        batch: Records of a transaction at most.
        rates: Transactions a second, ascending.
        seconds: Of each rate; the first quarter is left out.
        log: File to write what it says to.

    Yields:
        For each rate the delays; or, for the first that it does not keep up with, why there are none.

    Raises:
        CannotRunError: It ends by itself, or does not begin.
    """
    bootstrap, topic, verdicts = cluster.bootstrap, cluster.new_topic("live"), cluster.new_verdicts(f"{name}-live")
    task = Task(bootstrap, topic, verdicts, f"group-of-{verdicts}", materials, batch)
    with running(*command(task), log) as process, _receiving(bootstrap, verdicts) as receipts:
        _sent(bootstrap, topic, values, 100, 1.0)
        receipts.wait_for(100, process, _STARTING_S)
        # Caches, and the other end of every connection.
        _sent(bootstrap, topic, values, rates[0], seconds / 4)
        for rate in rates:
            receipts.wait_for_quiet(process)
            receipts.clear()
            whole = int(rate * seconds)
            reached = _sent(bootstrap, topic, values, rate, seconds)
            if reached < _LEAST_SENT * rate:
                yield f"the sender came to {reached:.0f}/s"
                return
            if not receipts.all_came(whole, process, _LATE_S):
                yield f"falls behind: {receipts.count} of {whole} verdicts {_LATE_S:.0f} s after the last was sent"
                return
            yield delays_of(receipts.delays_ms(_WARMING_SHARE * seconds))


def _sent(bootstrap: str, topic: str, values: Path, rate: float, seconds: float) -> float:
    command = [sys.executable, "-m", "bench.sending", "--bootstrap", bootstrap, "--topic", topic]
    command += ["--values", str(values), "--rate", str(rate), "--seconds", str(seconds)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CannotRunError(f"the sender failed: {ended.stderr[-300:]}")
    return float(ended.stdout)


class _Receipts:
    """Stamps of transactions, and when their verdicts could be read. One thread writes, another reads."""

    def __init__(self) -> None:
        self._pairs: list[tuple[int, int]] = []

    @property
    def count(self) -> int:
        """Verdicts that came."""
        return len(self._pairs)

    def came(self, value: bytes, now_ns: int) -> None:
        """A verdict, or copy, with a stamp in its id."""
        self._pairs.append((stamp_of(value), now_ns))

    def clear(self) -> None:
        """Forgets all that came."""
        self._pairs = []

    def wait_for(self, count: int, process: Running, within_s: float) -> None:
        """Waits until so many came.

        Raises:
            CannotRunError: They did not.
        """
        if not self.all_came(count, process, within_s):
            raise CannotRunError(f"{self.count} of {count} verdicts came within {within_s:.0f} s")

    def all_came(self, count: int, process: Running, within_s: float) -> bool:
        """Whether so many came before the time was over."""
        end = time.monotonic() + within_s
        while self.count < count and time.monotonic() < end:
            process.require_alive()
            time.sleep(0.05)
        return self.count >= count

    def wait_for_quiet(self, process: Running) -> None:
        """Waits until nothing comes any more."""
        end, before = time.monotonic() + _QUIET_S, -1
        while self.count > before and time.monotonic() < end:
            process.require_alive()
            before = self.count
            time.sleep(0.5)

    def delays_ms(self, without_s: float) -> NDArray[np.float64]:
        """Of what was sent, without the first so many seconds."""
        stamps, moments = np.array(self._pairs, dtype=np.int64).T
        later = stamps >= stamps.min() + int(without_s * 1e9)
        taken: NDArray[np.float64] = (moments[later] - stamps[later]) / 1e6
        return taken


def stamp_of(value: bytes) -> int:
    """The number before the `*` of a verdict's transaction id (pure).

    Raises:
        CannotRunError: It has none.
    """
    begin = value.find(_ID) + len(_ID)
    stamp, star, _ = value[begin : begin + _STAMP_DIGITS].partition(b"*")
    if not star or not stamp.isdigit():
        raise CannotRunError("a verdict does not name its transaction")
    return int(stamp)


@contextmanager
def _receiving(bootstrap: str, verdicts: str) -> Iterator[_Receipts]:
    """Reads what is committed until the block ends."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "receipts",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 5,
        }
    )
    consumer.assign([TopicPartition(verdicts, number, 0) for number in range(PARTITIONS)])
    receipts, done = _Receipts(), threading.Event()

    def receive() -> None:
        while not done.is_set():
            # Asked for many at once, the client waits for all of them.
            messages = consumer.consume(1, 0.1)
            messages += consumer.consume(10_000, 0) if messages else []
            now_ns = time.monotonic_ns()
            for message in messages:
                if message.error() is None:
                    receipts.came(message.value() or b"", now_ns)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    try:
        yield receipts
    finally:
        done.set()
        thread.join()
        consumer.close()
