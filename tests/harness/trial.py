"""One trial: records go in, something happens to who answers them, and at the end the counts must tie."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from tests.harness.answered import Committed, require_each_answered_once
from tests.harness.fault_points import Action
from tests.harness.fraud import FRAUD, FraudProcess
from tests.harness.topics import Sent, new_stream
from tests.harness.waiting import wait_until

_ROOT: Final = Path(__file__).parents[2]
# Many small transactions: a mishap meets the loop in its middle, and never after its work.
_FEW, _MANY = 20, 100


class Mishap(NamedTuple):
    """What is to happen to a worker.

    Attributes:
        point: A name in `POINTS`.
        nth: At which passing.
        action: What.
    """

    point: str
    nth: int
    action: Action


class Trial:
    """A stream of its own, and who works on it.

    Args:
        bootstrap: The broker.
        model: The directory of what scores.
        folder: For logs.
        partitions: Of each topic.
        properties: librdkafka's, for every worker.
        env: Further settings, for every worker.
    """

    def __init__(
        self,
        bootstrap: str,
        model: Path,
        folder: Path,
        *,
        partitions: int = 4,
        properties: dict[str, Any] | None = None,
        **env: str,
    ) -> None:
        self.stream = new_stream(bootstrap, partitions)
        self.sent: list[Sent] = []
        self._model = model
        self._folder = folder
        self._env = {
            **self.stream.env,
            "FRAUD_KAFKA__PROPERTIES": json.dumps(properties or {}),
            **env,
        }
        self._workers = 0
        self._progress = Committed(bootstrap, self.stream.group, self.stream.transactions, partitions)

    def send(self, records: Iterable[dict[str, Any]], **properties: Any) -> None:
        """Produces records, partitioned as Kafka's own clients do it."""
        self.sent += self.stream.produce(records, partitioner="murmur2_random", **properties)

    def grow(self, partitions: int) -> None:
        """Gives the topics more partitions."""
        client = AdminClient({"bootstrap.servers": self.stream.bootstrap})
        topics = (self.stream.transactions, self.stream.verdicts, self.stream.dead_letters)
        for grown in client.create_partitions([NewPartitions(topic, partitions) for topic in topics]).values():
            grown.result()
        self._progress.close()
        self._progress = Committed(self.stream.bootstrap, self.stream.group, self.stream.transactions, partitions)

    def worker(
        self,
        slot: int = 0,
        *,
        mishap: Mishap | None = None,
        model: Path | None = None,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> FraudProcess:
        """A worker in a slot, which is not waited for.

        Args:
            slot: Its own, or that of one that has ended.
            mishap: What happens to it; None lets it be.
            model: Another one than the trial's.
            log: Another place than a file of its own.
            env: Further settings.
        """
        self._workers += 1
        here = {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
        batches = {"FRAUD_SCORER__BATCH_SIZE": str(_FEW if mishap else _MANY)}
        program = [sys.executable, "-m", "tests.harness.faulty", *map(str, mishap), "--"] if mishap else FRAUD
        return FraudProcess(
            *("score", "--model", model or self._model, "--slot", str(slot)),
            env={**here, **batches, **self._env, **(env or {})},
            log=log or self._folder / f"worker-{self._workers}-slot-{slot}.log",
            program=program,
        )

    def committed(self) -> dict[int, int] | None:
        """For each partition what the group would read next; None where the broker does not say."""
        return self._progress.offsets()

    def ends(self) -> dict[int, int]:
        """For each partition that has records what comes after its last."""
        ends: dict[int, int] = {}
        for one in self.sent:
            ends[one.partition] = max(one.offset + 1, ends.get(one.partition, 0))
        return ends

    def wait_until_committed(self, count: int, within_s: float = 120) -> None:
        """Waits until the group has committed so many records or more."""
        wait_until(lambda: self._sum() >= count, within_s=within_s, what=f"not {count} committed: {self._said()}")

    def wait_until_answered(self, within_s: float = 120) -> None:
        """Waits until the group has committed all that was sent."""
        wait_until(
            lambda: self._left() == {},
            within_s=within_s,
            what=f"not all was committed of {self.ends()}: {self._said()}",
        )

    def require_each_answered_once(self, *, skipped: Iterable[tuple[int, int]] = (), all_of_them: bool = True) -> None:
        """The independent count, once nobody writes any more.

        Args:
            skipped: Partition and offset of records that were deleted unread.
            all_of_them: Whether there is nothing left to be answered.
        """
        wait_until(lambda: self.committed() is not None, within_s=60, what="the broker does not tell what is committed")
        committed = self.committed()
        assert committed is not None
        if all_of_them:
            assert self._left() == {}
        require_each_answered_once(self.stream, self.sent, committed, skipped=set(skipped))

    def close(self) -> None:
        """Closes the connection."""
        self._progress.close()

    def _left(self) -> dict[int, int]:
        """For each partition that is not done what it would go on with."""
        committed = self.committed() or {}
        return {
            partition: committed.get(partition, 0)
            for partition, end in self.ends().items()
            if committed.get(partition, 0) != end
        }

    def _sum(self) -> int:
        return sum((self.committed() or {}).values())

    def _said(self) -> str:
        logs = sorted(self._folder.glob("worker-*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in logs)
