"""Two have one slot: the older ends, says why, and leaves nothing behind."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from tests.harness.poison import mixed
from tests.harness.trial import Trial

RECORDS = 3_000
# Small transactions and much to do: the newer one comes while the older is at work.
SLOWLY = {"FRAUD_SCORER__BATCH_SIZE": "5"}


@pytest.mark.kafka
def test_a_foreign_producer_with_the_slots_transactional_id(trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(env=SLOWLY) as worker:
        trial.wait_until_committed(200)
        name = f"{trial.stream.group}-0"
        intruder = Producer({"bootstrap.servers": trial.stream.bootstrap, "transactional.id": name})
        intruder.init_transactions(30)
        assert worker.ended() == 1
        assert "FRAUD_SCORER__SLOT" in worker.log.read_text()
    trial.require_each_answered_once(all_of_them=False)

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
@pytest.mark.parametrize("membership", ["true", "false"])
def test_of_two_workers_with_one_slot_the_older_ends(membership: str, trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    setting = {"FRAUD_SCORER__STATIC_MEMBERSHIP": membership}
    with trial.worker(env={**SLOWLY, **setting}) as older:
        trial.wait_until_committed(200)
        with trial.worker(env=setting) as newer:
            assert older.ended() == 1
            assert "FRAUD_SCORER__SLOT" in older.log.read_text()
            trial.wait_until_answered()
            assert newer.terminate() == 0
    trial.require_each_answered_once()
