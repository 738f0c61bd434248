"""The supervisor's loop: every slot has a worker's process, and what dies is started again.

It knows nothing of Kafka: a worker in its old slot gets its partitions back and ends what its predecessor left open.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from stream.errors import Mendable, SlotTaken, WorkerFailed
from stream.health import Health
from stream.kafka import Stop
from stream.restarts import Again, Deaths, Ending, Hopeless, after
from stream.worker_process import WorkerProcess

log = structlog.get_logger()

_TICK_S: Final = 0.1
# A commit and the abort after it take 30 s at most, and leaving the group some more.
_GRACE_S: Final = 45.0
# Who is asked to end before it has begun to listen to signals has begun nothing else either.
_CLEAN: Final = (0, -signal.SIGTERM, -signal.SIGINT)


class WorkerRefused(Mendable):
    """A worker ended for what somebody must mend; all others were ended."""


@dataclass
class _Place:
    """One slot.

    Attributes:
        slot: Its number.
        worker: What runs in it; None between two processes.
        due: When the next process is started, monotonic seconds.
        since: When the last one was started, monotonic seconds.
        deaths: That came in a row.
        restarts: How often another process was started.
    """

    slot: int
    worker: WorkerProcess | None = None
    due: float = 0.0
    since: float = 0.0
    deaths: Deaths = field(default_factory=Deaths)
    restarts: int = -1


class Supervisor:
    """Keeps a worker in every slot. `run` is for one thread; `workers` and `restarts` may be read from any.

    Args:
        slots: Their numbers.
        spawn: Starts the process of a slot.
        stop: Ends all of them.
        health: Told of every turn.
        timer: Monotonic seconds.
        grace_s: Seconds from SIGTERM until a worker that still runs is killed.
    """

    def __init__(
        self,
        slots: Sequence[int],
        spawn: Callable[[int], WorkerProcess],
        *,
        stop: Stop,
        health: Health,
        timer: Callable[[], float] = time.monotonic,
        grace_s: float = _GRACE_S,
    ) -> None:
        self._places = [_Place(slot, due=timer()) for slot in slots]
        self._spawn = spawn
        self._stop = stop
        self._health = health
        self._timer = timer
        self._grace_s = grace_s

    @property
    def workers(self) -> Mapping[int, WorkerProcess | None]:
        """For each slot what runs in it; None while it waits to be started again."""
        return {place.slot: place.worker for place in self._places}

    @property
    def restarts(self) -> Mapping[int, int]:
        """For each slot how often a process was started after the first."""
        return {place.slot: max(place.restarts, 0) for place in self._places}

    def run(self) -> None:
        """Runs until `stop`, or until one worker ends in a way that starting it again cannot mend.

        Raises:
            WorkerRefused: A worker ended for what somebody must mend; names all that was said.
            SlotTaken: A slot's workers were fenced again and again: another process has it.
            WorkerFailed: A worker did not end cleanly when it was asked to.
        """
        hopeless: tuple[Hopeless, _Place] | None = None
        try:
            hopeless = self._watch()
        finally:
            endings = self._end_all()
        if hopeless is not None:
            raise self._reason(*hopeless)
        unclean = {slot: status for slot, status in endings.items() if status not in _CLEAN}
        if unclean:
            told = ", ".join(f"slot {slot}: {_named(status)}" for slot, status in unclean.items())
            raise WorkerFailed(f"not all workers ended cleanly ({told}); nothing uncommitted was kept")

    def _watch(self) -> tuple[Hopeless, _Place] | None:
        while not self._stop.is_set():
            self._health.beat()
            for place in self._places:
                hopeless = self._look_after(place)
                if hopeless is not None:
                    return hopeless, place
            self._stop.wait(_TICK_S)
        return None

    def _look_after(self, place: _Place) -> Hopeless | None:
        if place.worker is None:
            return self._start(place) if self._timer() >= place.due else None
        status = place.worker.status()
        if status is None:
            return None
        ending = Ending(status, self._timer() - place.since, slot_taken=place.worker.ousted is not None)
        return self._died(place, ending, _named(status))

    def _start(self, place: _Place) -> Hopeless | None:
        place.since = self._timer()
        try:
            place.worker = self._spawn(place.slot)
        except OSError as refusal:
            return self._died(place, Ending(None, 0.0), f"not started: {refusal.strerror}")
        place.restarts += 1
        log.info("a worker is started", slot=place.slot, pid=place.worker.pid, restarts=place.restarts)
        return None

    def _died(self, place: _Place, ending: Ending, how: str) -> Hopeless | None:
        step = after(ending, place.deaths)
        if not isinstance(step, Again):
            return step
        log.warning(
            "a worker ended: starting it again",
            slot=place.slot,
            how=how,
            lived_s=round(ending.lived_s, 1),
            pause_s=step.pause_s,
        )
        place.deaths, place.due = step.deaths, self._timer() + step.pause_s
        if place.worker is not None:
            gone, place.worker = place.worker, None
            gone.close()
        return None

    def _end_all(self) -> dict[int, int]:
        """Ends what runs; the exit status of each."""
        running = {place.slot: place.worker for place in self._places if place.worker is not None}
        for worker in running.values():
            worker.terminate()
        endings: dict[int, int] = {}
        end = self._timer() + self._grace_s
        while len(endings) < len(running):
            self._health.beat()
            for slot, worker in running.items():
                status = worker.status()
                if status is not None:
                    endings[slot] = status
            if len(endings) < len(running):
                if self._timer() >= end:
                    self._kill(running, endings)
                else:
                    time.sleep(_TICK_S)
        for worker in running.values():
            worker.close()
        return endings

    @staticmethod
    def _kill(running: Mapping[int, WorkerProcess], endings: Mapping[int, int]) -> None:
        for slot, worker in running.items():
            if slot not in endings:
                log.error("a worker does not end: killing it", slot=slot, pid=worker.pid)
                worker.kill()

    def _reason(self, hopeless: Hopeless, first: _Place) -> WorkerRefused | SlotTaken:
        assert first.worker is not None
        if hopeless is Hopeless.SLOT_TAKEN and first.worker.ousted is not None:
            return SlotTaken(f"slot {first.slot}: {first.worker.ousted.detail}")
        refused = [place.worker.refused for place in self._places if place.worker and place.worker.refused]
        if not refused:
            return WorkerRefused(
                f"the worker of slot {first.slot} ended with status 2, which starting it again does not mend",
                remedy="mend what its own line says",
            )
        # Most often all workers say the same.
        return WorkerRefused(
            "; ".join(dict.fromkeys(one.problem for one in refused)),
            remedy="; ".join(dict.fromkeys(one.remedy for one in refused)),
        )


def _named(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
