"""A topic is given more partitions: they are read, also where every worker was restarted meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.harness.poison import mixed
from tests.harness.trial import Trial

RECORDS = 400


@pytest.mark.kafka
def test_while_all_workers_are_at_work(kafka: str, new_trial: Callable[..., Trial]) -> None:
    trial = new_trial(kafka, partitions=2)
    with trial.worker(0) as one, trial.worker(1) as other:
        one.wait_until_ready()
        other.wait_until_ready()
        trial.grow(4)
        trial.send(mixed(RECORDS))
        trial.wait_until_answered()
        assert [one.terminate(), other.terminate()] == [0, 0]
    trial.require_each_answered_once()


@pytest.mark.kafka
@pytest.mark.parametrize("workers", [1, 2])
def test_while_all_workers_restart(workers: int, kafka: str, new_trial: Callable[..., Trial]) -> None:
    """The group has static members take their old partitions at once, and nobody would look for others."""
    trial = new_trial(kafka, partitions=2)
    with ExitStack() as running:
        for worker in [running.enter_context(trial.worker(slot)) for slot in range(workers)]:
            worker.wait_until_ready()
            assert worker.terminate() == 0
        trial.grow(4)
        successors = [running.enter_context(trial.worker(slot)) for slot in range(workers)]
        trial.send(mixed(RECORDS))
        trial.wait_until_answered()
        assert [worker.terminate() for worker in successors] == [0] * workers
    trial.require_each_answered_once()
