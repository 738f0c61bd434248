"""A worker is asked to end in the middle of a batch: it finishes the batch, ends with 0, and leaves the rest."""

from __future__ import annotations

import pytest

from tests.harness.fault_points import Action
from tests.harness.poison import mixed
from tests.harness.trial import Mishap, Trial

RECORDS = 2_000


@pytest.mark.kafka
@pytest.mark.parametrize("point", ["after-poll", "after-first-produce", "during-commit"])
def test_terminated_in_a_batch(point: str, trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap(point, 12, Action.TERM)) as worker:
        assert worker.ended() == 0

    assert 0 < sum((trial.committed() or {}).values()) < RECORDS
    trial.require_each_answered_once(all_of_them=False)
    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()
