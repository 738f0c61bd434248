"""Several scorers as one process to the outside: one supervisor, one HTTP port, a worker for each slot."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from stream.crew_pages import CrewPages
from stream.health import Health, serving
from stream.kafka import Stop
from stream.process import SCORER_PORT
from stream.settings import HttpSettings
from stream.supervisor import Supervisor
from stream.worker_process import WorkerProcess

log = structlog.get_logger()

# A worker runs the very code that this process does, wherever it found it.
_PATH: Final = "PYTHONPATH"


def supervise(
    slots: Sequence[int], arguments: Callable[[int], Sequence[str]], *, module: str, http: HttpSettings, stop: Stop
) -> None:
    """Runs a worker in every slot until `stop`.

    Settings reach the workers by the environment and the settings file; so do secrets.

    Args:
        slots: Their numbers.
        arguments: Of the command that works in a slot, under supervision.
        module: Runs that command.
        http: Where probes and metrics of all workers are answered.
        stop: Ends all of them.

    Raises:
        Mendable: What a worker ended for, or the port, that the user can mend.
        WorkerFailed: A slot has another worker, or a worker did not end cleanly.
    """
    env = {**os.environ, _PATH: os.pathsep.join(sys.path)}

    def spawn(slot: int) -> WorkerProcess:
        # -P: nothing of the working directory is taken for a module of ours.
        return WorkerProcess([sys.executable, "-P", "-m", module, *arguments(slot)], env)

    health, registry = Health(), CollectorRegistry()
    supervisor = Supervisor(slots, spawn, stop=stop, health=health)
    pages = CrewPages(supervisor, health)
    registry.register(pages)
    with serving(http, pages, registry, default_port=SCORER_PORT):
        log.info("supervising", workers=len(slots), first_slot=slots[0], last_slot=slots[-1])
        supervisor.run()
        log.info("all workers ended cleanly")
