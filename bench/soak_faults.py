"""What can happen to a running system: each fault is a function, over when it returns.

The broker is not killed: a lone one that crashes can skip the markers of a commit, after which no client gets on.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeAlias

from demo.kafka.local import LocalKafka
from tests.harness.fraud import FraudProcess
from tests.harness.topics import Stream, committed_offsets, end_offsets

_VICTIM: Final = 1
_GUEST: Final = 2


class Site:
    """A broker and its workers; those of slot 0 and 1 run from the start.

    Args:
        broker: Runs.
        stream: Its topics.
        model: What scores.
        folder: For logs.
        running: Ends whatever still runs.
    """

    def __init__(self, broker: LocalKafka, stream: Stream, model: Path, folder: Path, running: ExitStack) -> None:
        self.broker = broker
        self._stream = stream
        self._model = model
        self._folder = folder
        self._running = running
        self.workers: dict[int, FraudProcess] = {}
        self.ended_by_themselves = 0
        for slot in (0, _VICTIM):
            self.start(slot)
        for worker in self.workers.values():
            worker.wait_until_ready()

    def start(self, slot: int) -> FraudProcess:
        """A worker in a slot; it is not waited for."""
        log = self._folder / f"{slot}-{time.monotonic_ns()}.log"
        worker = FraudProcess("score", "--model", self._model, "--slot", str(slot), env=self._stream.env, log=log)
        self.workers[slot] = self._running.enter_context(worker)
        return worker

    def standing(self) -> dict[str, dict[int, int]]:
        """The ends of the topics and where the group stands, by partition: who stands still shows in them."""
        bootstrap, source = self._stream.bootstrap, self._stream.transactions
        return {
            "transactions": end_offsets(bootstrap, source),
            "committed": committed_offsets(bootstrap, self._stream.group, source),
            "verdicts": end_offsets(bootstrap, self._stream.verdicts),
        }

    def supervise(self) -> None:
        """Starts workers again that ended themselves with status 1, as a platform would."""
        for slot, worker in list(self.workers.items()):
            status = worker.process.poll()
            if status is not None:
                assert status == 1, f"slot {slot} ended with {status}:\n{worker.log.read_text()[-2000:]}"
                print(worker.log.read_text().splitlines()[-1], file=sys.stderr, flush=True)
                self.ended_by_themselves += 1
                self.start(slot)


Fault: TypeAlias = Callable[[Site, random.Random], None]


def kill(site: Site, _: random.Random) -> None:
    """SIGKILL, and a start in the same slot."""
    site.workers[_VICTIM].kill()
    site.start(_VICTIM)


def restart(site: Site, _: random.Random) -> None:
    """SIGTERM, and a start in the same slot."""
    assert site.workers[_VICTIM].terminate(60) == 0
    site.start(_VICTIM)


def freeze(site: Site, chance: random.Random) -> None:
    """SIGSTOP, for less or for longer than the session, and SIGCONT."""
    frozen = site.workers[_VICTIM].process
    frozen.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(1, 25))
    frozen.send_signal(signal.SIGCONT)


def visit(site: Site, chance: random.Random) -> None:
    """A third member comes, stays a little, and leaves."""
    guest = site.start(_GUEST).wait_until_ready()
    time.sleep(chance.uniform(0, 5))
    assert guest.terminate(60) == 0
    del site.workers[_GUEST]


def restart_broker(site: Site, _: random.Random) -> None:
    """SIGTERM to the broker, and a start with the same data."""
    site.broker.shut_down()
    site.broker.start()


FAULTS: Final[Mapping[str, Fault]] = {one.__name__: one for one in (kill, restart, freeze, visit, restart_broker)}
