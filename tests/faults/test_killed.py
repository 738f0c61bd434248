"""A worker is killed at every point of its loop, and started again in its slot: nothing lost, nothing doubled."""

from __future__ import annotations

import signal

import pytest

from tests.harness.fault_points import POINTS, Action
from tests.harness.poison import mixed
from tests.harness.trial import Mishap, Trial
from tests.harness.waiting import wait_until

RECORDS = 2_000


@pytest.mark.kafka
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point(point: str, trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap(point, 12, Action.KILL)) as worker:
        assert worker.ended() == -signal.SIGKILL

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_killed_again_and_again_at_its_first_transaction(trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    for point in ("after-begin", "after-flush", "during-commit"):
        with trial.worker(mishap=Mishap(point, 1, Action.KILL)) as worker:
            assert worker.ended() == -signal.SIGKILL

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_killed_with_another_at_work(trial: Trial) -> None:
    with trial.worker(1) as other, trial.worker(0, mishap=Mishap("after-offsets", 5, Action.KILL)) as worker:
        other.wait_until_ready()
        worker.wait_until_ready()

        def has_died() -> bool:
            trial.send(mixed(100, first=len(trial.sent)))
            return worker.process.poll() is not None

        wait_until(has_died, within_s=90, what="the worker was not killed")
        assert worker.ended() == -signal.SIGKILL
        # Nobody starts its slot again: the other one gets its partitions once the session and the transaction end.
        trial.send(mixed(RECORDS, first=len(trial.sent)))
        trial.wait_until_answered()
        assert other.terminate() == 0
    trial.require_each_answered_once()
