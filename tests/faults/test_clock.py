"""The time of day goes an hour forward and back again while a worker scores: only what it writes of the time does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.fault_points import Action
from tests.harness.poison import mixed
from tests.harness.topics import CommittedReader
from tests.harness.trial import Mishap, Trial

RECORDS = 2_000


@pytest.mark.kafka
def test_a_clock_that_steps(trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap("after-commit", 7, Action.STEP)) as worker:
        trial.wait_until_answered()
        assert worker.wait_until_ready().get("/healthz") == (200, "ok\n")
        assert worker.terminate() == 0
    trial.require_each_answered_once()

    reader = CommittedReader(trial.stream.bootstrap, [trial.stream.verdicts])
    scored = [
        datetime.fromisoformat(json.loads(verdict.value() or b"")["scored_at"]) for verdict in reader.read_to_end()
    ]
    reader.close()
    soon = datetime.now(UTC) + timedelta(minutes=30)
    assert {at > soon for at in scored} == {True, False}, "the clock did not step"
