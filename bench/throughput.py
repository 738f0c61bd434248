"""Transactions a second, exactly once: how fast a group's committed offsets grow while plenty is waiting."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from bench.materials import again
from bench.roster import CannotRunError, Command, Task
from bench.trial_run import Cluster, Progress, require_right, running
from stream.records import Outgoing

_LOOK_EVERY_S: Final = 0.05
_STARTING_S: Final = 120.0
_WARMING_SHARE: Final = 0.25
_ENOUGH_COMMITS: Final = 4

Sample = tuple[float, int, float]


@dataclass(frozen=True)
class Rate:
    """What a contender did while it was watched.

    Attributes:
        per_second: Transactions committed a second.
        cpu_us: Microseconds of its own processor time for each.
        seconds: For how long, without the start.
        transactions: How many, without those of the start.
    """

    per_second: float
    cpu_us: float
    seconds: float
    transactions: int


@dataclass(frozen=True)
class Backlog:
    """Transactions that wait.

    Attributes:
        cluster: The broker.
        topic: Where.
        count: How many.
    """

    cluster: Cluster
    topic: str
    count: int


def rate_of(samples: Sequence[Sample]) -> Rate:
    """The steady part of a run, from one commit to another (pure).

    The first quarter of the time after the first commit is left out: caches, compilers and the broker warm up in it.

    Args:
        samples: Moments (seconds), transactions that were committed by then, and processor seconds that were used.

    Raises:
        CannotRunError: Too little was seen to say anything.
    """
    commits = [after for before, after in itertools.pairwise(samples) if after[1] > before[1]]
    if not commits:
        raise CannotRunError("it committed nothing that was seen")
    from_s = commits[0][0] + _WARMING_SHARE * (commits[-1][0] - commits[0][0])
    steady, last = [sample for sample in commits if sample[0] >= from_s], commits[-1]
    if len(steady) < _ENOUGH_COMMITS:
        raise CannotRunError("it was done before it could be watched: give it more transactions, or more time")
    seconds, done, cpu_s = (last[at] - steady[0][at] for at in range(3))
    return Rate(done / seconds, cpu_s / done * 1e6, seconds, int(done))


def preload(cluster: Cluster, transactions: Sequence[Outgoing], count: int) -> Backlog:
    """Makes a topic with so many transactions, from the first again after the last, each with an id of its own."""
    topic = cluster.new_topic("transactions")
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "linger.ms": 50,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for number in range(count):
        turn, at = divmod(number, len(transactions))
        one = transactions[at]
        value = one.value if turn == 0 else again(one.value or b"", turn)
        producer.produce(topic, value, one.key)
        if number % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0
    return Backlog(cluster, topic, count)


def measure_rate(
    command: Command,
    backlog: Backlog,
    materials: Path,
    expected: Mapping[str, float] | None,
    *,
    name: str,
    batch: int,
    seconds: float,
    log: Path,
) -> Rate:
    """Runs a contender on a topic that is full, until it is empty or the time is over, and checks what it wrote.

    Args:
        command: Its command and environment for a task.
        backlog: What waits for it.
        materials: The folder of `Materials`.
        expected: As for `require_right`.
        name: Of the contender.
        batch: Records of a transaction at most.
        seconds: To watch it from its first commit on, at most.
        log: File to write what it says to.

    Raises:
        CannotRunError: It ends by itself, or does not begin.
        WrongAnswersError: It wrote something else than it was to.
    """
    bootstrap, topic = backlog.cluster.bootstrap, backlog.topic
    verdicts = backlog.cluster.new_verdicts(f"{name}-{batch}")
    task = Task(bootstrap, topic, verdicts, f"group-of-{verdicts}", materials, batch)
    progress, samples = Progress(bootstrap, task.group, topic), list[Sample]()
    with closing(progress), running(*command(task), log) as process:
        started = time.monotonic()
        begun: float | None = None
        while begun is None or time.monotonic() - begun < seconds:
            process.require_alive()
            done = progress.committed()
            samples.append((time.monotonic(), done, process.cpu_s()))
            begun = samples[-1][0] if begun is None and done else begun
            if done >= backlog.count:
                break
            if begun is None and time.monotonic() - started > _STARTING_S:
                raise CannotRunError(f"it committed nothing within {_STARTING_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)
        process.end()
        require_right(bootstrap, verdicts, expected, progress.committed())
    return rate_of(samples)
