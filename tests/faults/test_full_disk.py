"""Whatever stderr goes to is full: a worker that cannot say anything scores on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.poison import mixed
from tests.harness.trial import Trial

FULL = Path("/dev/full")


@pytest.mark.kafka
@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_log_that_takes_nothing(trial: Trial) -> None:
    trial.send(mixed(2_000))
    with trial.worker(log=FULL) as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()
