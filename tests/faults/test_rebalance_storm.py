"""Members join and leave every second while records keep coming: the others get on, and every answer is given once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer

from tests.harness.poison import mixed
from tests.harness.trial import Trial

BURSTS = 10
RECORDS_EACH = 150
STAY_S = 0.5


def _visit(trial: Trial) -> None:
    """One who joins the group, gets partitions, reads of them, answers nothing, and leaves."""
    visitor = Consumer(
        {
            "bootstrap.servers": trial.stream.bootstrap,
            "group.id": trial.stream.group,
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    visitor.subscribe([trial.stream.transactions])
    end = time.monotonic() + STAY_S
    while time.monotonic() < end:
        visitor.poll(0.1)
    visitor.close()


@contextmanager
def _visitors(trial: Trial) -> Iterator[None]:
    """They come and go, one after the other, for as long as the block runs."""
    over = threading.Event()

    def come_and_go() -> None:
        while not over.wait(STAY_S):
            _visit(trial)

    thread = threading.Thread(target=come_and_go, name="visitors")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.kafka
def test_a_storm(trial: Trial) -> None:
    static, dynamic = ({"FRAUD_SCORER__STATIC_MEMBERSHIP": value} for value in ("true", "false"))
    with trial.worker(0, env=static) as one, trial.worker(1, env=dynamic) as other:
        one.wait_until_ready()
        other.wait_until_ready()
        with _visitors(trial):
            for _ in range(BURSTS):
                before = trial.committed() or {}
                trial.send(mixed(RECORDS_EACH, first=len(trial.sent)))
                trial.wait_until_committed(sum(before.values()) + 1)
        trial.wait_until_answered()
        assert [one.terminate(), other.terminate()] == [0, 0]
    trial.require_each_answered_once()
