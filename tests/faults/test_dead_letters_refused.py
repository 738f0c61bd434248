"""The dead-letter topic does not take a record: the worker stops loudly, and once that is mended nothing is missing."""

from __future__ import annotations

import random
import time

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource

from tests.harness.poison import mixed, poison
from tests.harness.trial import Trial

ENOUGH, TOO_LITTLE = 1_000_000, 10_000
LONG = random.Random(1).randbytes(3 * TOO_LITTLE)


def alter(trial: Trial, topic: str, name: str, value: int) -> None:
    client = AdminClient({"bootstrap.servers": trial.stream.bootstrap})
    entry = ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
    altered = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    for future in client.incremental_alter_configs([altered]).values():
        future.result()


def let_dead_letters_have(most_bytes: int, trial: Trial) -> None:
    alter(trial, trial.stream.dead_letters, "max.message.bytes", most_bytes)


@pytest.mark.kafka
def test_refused_then_mended(trial: Trial) -> None:
    trial.send(mixed(1_000))
    trial.send([poison(1, "invalid_utf8", LONG)])
    trial.send(mixed(1_000, first=1_000))
    let_dead_letters_have(TOO_LITTLE, trial)
    for _ in range(2):  # whoever is started again stops again
        with trial.worker() as worker:
            assert worker.ended() == 1
            assert trial.stream.dead_letters in worker.log.read_text()
        trial.require_each_answered_once(all_of_them=False)

    let_dead_letters_have(ENOUGH, trial)
    with trial.worker() as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_a_bad_record_from_the_future_does_not_stop_the_stream(trial: Trial) -> None:
    alter(trial, trial.stream.transactions, "message.timestamp.after.max.ms", 2**63 - 1)
    alter(trial, trial.stream.dead_letters, "message.timestamp.after.max.ms", 3_600_000)
    in_a_year = int((time.time() + 365 * 86_400) * 1000)
    trial.send([poison(1, "not_json", b"no") | {"timestamp": in_a_year}, *mixed(100)])
    with trial.worker() as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()
