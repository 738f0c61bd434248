"""Workers are frozen for longer than the group waits, others take over, and then they go on where they were."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest

from tests.harness.fault_points import Action
from tests.harness.poison import mixed
from tests.harness.trial import Mishap, Trial
from tests.harness.waiting import wait_until

RECORDS = 3_000
POLL_INTERVAL_S = 14


@pytest.mark.kafka
@pytest.mark.parametrize("points", [("after-poll", "after-flush"), ("after-offsets", "during-commit")])
def test_frozen_beyond_the_poll_interval(points: tuple[str, ...], trial: Trial) -> None:
    limits = json.dumps({"session.timeout.ms": 6000, "max.poll.interval.ms": 1000 * POLL_INTERVAL_S})
    trial.send(mixed(RECORDS))
    with ExitStack() as running:
        frozen = [
            running.enter_context(
                trial.worker(slot, mishap=Mishap(point, 4, Action.STOP), env={"FRAUD_KAFKA__PROPERTIES": limits})
            )
            for slot, point in enumerate(points)
        ]
        for worker in frozen:
            wait_until(worker.is_frozen, within_s=90, what="a worker was not frozen")
        frozen_at = time.monotonic()
        healthy = running.enter_context(trial.worker(len(points), env={"FRAUD_KAFKA__PROPERTIES": limits}))
        trial.wait_until_answered()  # the group has given it everything
        time.sleep(max(frozen_at + POLL_INTERVAL_S - time.monotonic(), 0))
        for worker in frozen:
            worker.thaw()
        trial.send(mixed(RECORDS, first=RECORDS))
        for worker in frozen:
            worker.wait_until_ready()
        trial.wait_until_answered()
        assert [worker.terminate() for worker in [*frozen, healthy]] == [0, 0, 0]
    trial.require_each_answered_once()


@pytest.mark.kafka
@pytest.mark.parametrize("point", ["after-flush", "during-commit"])
def test_frozen_and_replaced_in_its_slot(point: str, trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap(point, 12, Action.STOP)) as frozen:
        wait_until(frozen.is_frozen, within_s=90, what="the worker was not frozen")
        with trial.worker() as successor:
            trial.wait_until_answered()
            frozen.thaw()
            assert frozen.ended() == 1
            assert "FRAUD_SCORER__SLOT" in frozen.log.read_text()
            trial.send(mixed(RECORDS, first=RECORDS))
            trial.wait_until_answered()
            assert successor.terminate() == 0
    trial.require_each_answered_once()
