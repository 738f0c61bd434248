"""A courier with a clock of the test's own, and what it did."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from alerting.channels import Channel
from alerting.courier import Courier, Undelivered
from alerting.metrics import AlertMetrics
from alerting.settings import RetrySettings
from tests.alerting.verdicts import alert

POLICY = RetrySettings(attempts=3, first_wait_s=1.0, budget_s=20.0)


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.stopped = threading.Event()
        self.stop_after: int | None = None

    def timer(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    def is_set(self) -> bool:
        return self.stopped.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        if self.stop_after is not None and len(self.waits) >= self.stop_after:
            self.stopped.set()
        if not self.stopped.is_set():
            self.sleep(timeout or 0.0)
        return self.stopped.is_set()


class Told:
    """What a courier did: its metrics, read back."""

    def __init__(self, channel: Channel, clock: Clock, policy: RetrySettings = POLICY) -> None:
        self.registry = CollectorRegistry()
        self.beats = 0
        self.channel = channel
        self._courier = Courier(
            channel,
            policy,
            metrics=AlertMetrics(self.registry, [channel.name]),
            stop=clock,
            beat=self._beat,
            timer=clock.timer,
            now=lambda: datetime(2026, 1, 31, 12, 0, 10, tzinfo=UTC),
            sleep=clock.sleep,
            random=lambda: 1.0,
        )

    def deliver(self) -> list[Undelivered]:
        return self._courier.deliver(alert(), verdict_ms=1_769_860_806_000)

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"fraud_{name}", {"channel": self.channel.name, **labels})

    def _beat(self) -> None:
        self.beats += 1
