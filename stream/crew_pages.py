"""/readyz and /metrics of all workers of a supervisor as one: each is asked over loopback, at the moment of asking."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from stream.health import Health
from stream.supervisor import Supervisor

_LOOPBACK: Final = "127.0.0.1"
_TIMEOUT_S: Final = 1.0
_OPEN_METRICS: Final = "application/openmetrics-text; version=1.0.0"

Answer = TypeVar("Answer")


class CrewPages(Collector):
    """What probes and Prometheus see of a supervisor.

    It is healthy while its own loop turns: to start a worker again is its own business, and whoever restarted it for
    one that is ill would end those that are well. It is ready while every worker is.

    Args:
        supervisor: Whose workers.
        health: Of its loop.
    """

    def __init__(self, supervisor: Supervisor, health: Health) -> None:
        self._supervisor = supervisor
        self._health = health

    def is_healthy(self) -> bool:
        """Whether the supervisor's loop turns."""
        return self._health.is_healthy()

    def is_ready(self) -> bool:
        """Whether every slot has a worker that takes part in the group now."""
        return self.is_healthy() and all(self._asked(_says_ready).values())

    def collect(self) -> Iterator[Metric]:
        """The series of all workers with the label `slot`, and which workers answered."""
        pages = self._asked(_families)
        up = GaugeMetricFamily("fraud_worker_up", "1 for a worker that answers", labels=["slot"])
        restarts = CounterMetricFamily(
            "fraud_worker_restarts", "How often a worker that had ended was started again", labels=["slot"]
        )
        for slot, page in pages.items():
            up.add_metric([str(slot)], float(page is not None))
        for slot, times in self._supervisor.restarts.items():
            restarts.add_metric([str(slot)], times)
        yield up
        yield restarts
        yield from merged({slot: page for slot, page in pages.items() if page is not None})

    def _asked(self, ask: Callable[[int], Answer]) -> dict[int, Answer | None]:
        """What every slot's worker answers; None for one that does not, or does not run."""
        ports = {slot: worker and worker.port for slot, worker in self._supervisor.workers.items()}
        with ThreadPoolExecutor(len(ports)) as asking:
            return dict(zip(ports, asking.map(partial(_answered, ask), ports.values()), strict=True))


def merged(pages: Mapping[int, list[Metric]]) -> list[Metric]:
    """The families of several workers as one list, each family once, its samples told apart by `slot` (pure).

    Args:
        pages: For each slot its families.
    """
    families: dict[str, Metric] = {}
    for slot, page in pages.items():
        for family in page:
            whole = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type, family.unit)
            )
            whole.samples += [sample._replace(labels={"slot": str(slot), **sample.labels}) for sample in family.samples]
    return list(families.values())


def _answered(ask: Callable[[int], Answer], port: int | None) -> Answer | None:
    if port is None:
        return None
    try:
        return ask(port)
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _says_ready(port: int) -> bool:
    return _get(port, "/readyz")[0] == http.client.OK


def _families(port: int) -> list[Metric]:
    status, page = _get(port, "/metrics", Accept=_OPEN_METRICS)
    if status != http.client.OK:
        message = f"/metrics answers {status}"
        raise ValueError(message)
    return list(text_string_to_metric_families(page))  # type: ignore[no-untyped-call]


def _get(port: int, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of a page, asked here rather than by `urllib.request`, which would ask a proxy."""
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
