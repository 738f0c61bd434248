"""Records are deleted before they are read: the worker stops and says which, or is told to skip and counts them."""

from __future__ import annotations

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.harness.fault_points import Action
from tests.harness.poison import mixed
from tests.harness.trial import Mishap, Trial

LOST = 30


def delete_unread(trial: Trial, partition: int, first_kept: int) -> None:
    client = AdminClient({"bootstrap.servers": trial.stream.bootstrap})
    place = TopicPartition(trial.stream.transactions, partition, first_kept)
    for future in client.delete_records([place]).values():
        future.result()


@pytest.mark.kafka
def test_a_gap_stops_the_worker_until_it_is_told_to_skip(trial: Trial) -> None:
    trial.send(mixed(2_000))
    with trial.worker(mishap=Mishap("after-commit", 12, Action.TERM)) as worker:
        assert worker.ended() == 0
    committed = trial.committed() or {}
    partition = max(committed, key=committed.__getitem__)
    due = committed[partition]
    delete_unread(trial, partition, due + LOST)

    with trial.worker() as worker:
        assert worker.ended() == 2
        said = worker.log.read_text()
    for told in (trial.stream.transactions, f"partition {partition}", str(due), str(due + LOST), "FRAUD_SCORER__GAPS"):
        assert told in said
    gone = {(partition, offset) for offset in range(due, due + LOST)}
    assert (trial.committed() or {})[partition] == due
    trial.require_each_answered_once(all_of_them=False)

    with trial.worker(env={"FRAUD_SCORER__GAPS": "skip"}) as worker:
        trial.wait_until_answered()
        assert f'\nfraud_skipped_records_total{{partition="{partition}"}} {LOST}.0' in worker.get("/metrics")[1]
        assert worker.terminate() == 0
    trial.require_each_answered_once(skipped=gone)
