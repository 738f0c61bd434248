"""One contender at work: started, watched, ended, and held against what it was to write."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.roster import CannotRunError, environment, last_words
from tests.harness.topics import CommittedReader

PARTITIONS: Final = 4
_ENDING_S: Final = 60
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_TOLERANCE: Final = 1e-5
_READING_S: Final = 300
_ANSWER_S: Final = 30


class WrongAnswersError(Exception):
    """A contender wrote something else than one right verdict for each transaction."""


class Running:
    """A contender's process.

    Args:
        process: The process.
        log: What it says.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def require_alive(self) -> None:
        """Makes sure that it runs.

        Raises:
            CannotRunError: It has ended; quotes its last words.
        """
        status = self._process.poll()
        if status is not None:
            raise CannotRunError(f"ended with status {status}: {last_words(self._log.read_text(errors='replace'))}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_s(self) -> float:
        """Seconds of processor that it has used, and the processes that it has started."""
        return sum(map(cpu_s, family(self.pid)))

    def end(self) -> None:
        """Ends it with SIGTERM, or without mercy where it does not end."""
        self._process.terminate()
        try:
            self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[Running]:
    """A contender until the block ends.

    Raises:
        CannotRunError: It cannot be started.
    """
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(command, env=environment(env), stdout=file, stderr=file)
        except OSError as refusal:
            raise CannotRunError(f"not started: {refusal}") from None
        contender = Running(process, log)
        try:
            yield contender
        finally:
            contender.end()


def family(pid: int) -> list[int]:
    """A process and those that it has started, which run."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used; 0 where it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Cluster:
    """A broker to make topics on, through one client for the whole run.

    Args:
        bootstrap: The broker.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._numbers = itertools.count()

    def new_topic(self, stem: str) -> str:
        """Makes a topic with a name of its own."""
        name = f"{stem}-{next(self._numbers)}"
        self._make(name)
        return name

    def new_verdicts(self, stem: str) -> str:
        """Makes a topic for verdicts, and the one for what would be none."""
        name = self.new_topic(stem)
        self._make(f"{name}.dlq")
        return name

    def _make(self, name: str) -> None:
        self._admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])[name].result()


class Progress:
    """How far a group's committed offsets are: what exactly-once counts as done.

    Args:
        bootstrap: The broker.
        group: Whose.
        topic: Of the transactions.
    """

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self._asking = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                # Otherwise the client waits for the open transaction to end.
                "isolation.level": "read_uncommitted",
            }
        )
        self._places = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def committed(self) -> int:
        """Transactions done; what a transaction that is open commits does not count yet."""
        found = self._asking.committed(self._places, timeout=_ANSWER_S)
        return sum(max(place.offset, 0) for place in found)

    def close(self) -> None:
        """Closes the connection."""
        self._asking.close()


class _Verdict(msgspec.Struct):
    transaction_id: str
    fraud_probability: float | None = None


def require_right(bootstrap: str, verdicts: str, expected: Mapping[str, float] | None, committed: int) -> None:
    """Makes sure of one right verdict for each transaction whose offset is committed.

    Args:
        bootstrap: The broker.
        verdicts: The topic.
        expected: For each transaction's id, without what `again` put before it, what scikit-learn says of it; None
            where copies are all that is wanted.
        committed: Transactions that are done.

    Raises:
        WrongAnswersError: Says which invariant does not hold.
    """
    reader, decode = CommittedReader(bootstrap, [verdicts]), msgspec.json.Decoder(_Verdict).decode
    try:
        found = [decode(message.value() or b"") for message in reader.read_to_end(within_s=_READING_S)]
    except msgspec.DecodeError as unread:
        raise WrongAnswersError(f"a verdict is not JSON with a transaction's id: {unread}") from None
    finally:
        reader.close()
    given = {one.transaction_id: one.fraud_probability for one in found}
    if len(given) != len(found):
        raise WrongAnswersError(f"{len(found) - len(given)} of {len(found)} verdicts are doubled")
    if len(found) != committed:
        raise WrongAnswersError(f"{len(found)} verdicts for {committed} transactions that are committed")
    if expected is not None and (wrong := wrong_ones(given, expected)):
        raise WrongAnswersError(f"{wrong} of {len(given)} probabilities are not scikit-learn's")


def wrong_ones(given: Mapping[str, float | None], expected: Mapping[str, float]) -> int:
    """How many probabilities are missing, or further from what is expected than float32 explains (pure).

    Args:
        given: For each id, which may have something before a `*`.
        expected: For each id without.
    """
    return sum(
        probability is None or not abs(probability - expected.get(name.rpartition("*")[2], math.nan)) <= _TOLERANCE
        for name, probability in given.items()
    )
