"""`fraud score --workers 2`: both share the partitions, one is killed and comes back, and all end together."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.fraud import FraudProcess, attempt
from tests.harness.poison import mixed
from tests.harness.processes import is_gone
from tests.harness.topics import new_stream
from tests.harness.trial import Trial
from tests.harness.waiting import wait_until

RECORDS = 2_000


@contextmanager
def crew(trial: Trial, model: Path, folder: Path) -> Iterator[FraudProcess]:
    """Two workers under a supervisor; whatever is left of them is gone after the block."""
    settings = {"FRAUD_KAFKA__PROPERTIES": '{"session.timeout.ms": 6000}', "FRAUD_SCORER__BATCH_SIZE": "20"}
    process = FraudProcess(
        *("score", "--model", model, "--workers", "2"),
        env={**trial.stream.env, **settings},
        log=folder / "worker-supervised.log",
    )
    with process:
        yield process
    wait_until(lambda: all(is_gone(pid) for _, pid in started(process)), within_s=60, what="a worker lives on")


def started(process: FraudProcess) -> list[tuple[int, int]]:
    """Slot and number of each worker's process, in the order of their starts."""
    return [
        (int(str(line["slot"])), int(str(line["pid"])))
        for line in process.log_lines()
        if line.get("event") == "a worker is started"
    ]


def scored_by_slot(process: FraudProcess) -> dict[int, float]:
    """What the metrics say that each worker has dealt with."""
    page = process.get("/metrics")[1]
    found = re.findall(r'^fraud_transactions_total\{slot="(\d+)"\} (\S+)$', page, re.MULTILINE)
    return {int(slot): float(count) for slot, count in found}


@pytest.mark.kafka
def test_one_of_two_is_killed_and_comes_back(trial: Trial, trained_model: Path, tmp_path: Path) -> None:
    with crew(trial, trained_model, tmp_path) as process:
        process.wait_until_ready()

        def both_score() -> bool:
            trial.send(mixed(100, first=len(trial.sent)))
            shares = scored_by_slot(process)
            return set(shares) == {0, 1} and min(shares.values()) > 0

        wait_until(both_score, within_s=60, what="the workers do not share the partitions")
        trial.wait_until_answered()
        wait_until(
            lambda: sum(scored_by_slot(process).values()) == len(trial.sent), within_s=10, what="metrics that are short"
        )

        already = len(trial.sent)
        trial.send(mixed(RECORDS, first=already))
        trial.wait_until_committed(already + 100)
        os.kill(dict(started(process))[1], signal.SIGKILL)
        trial.send(mixed(RECORDS, first=len(trial.sent)))
        wait_until(lambda: len(started(process)) == 3, within_s=60, what="the killed worker does not come back")
        trial.wait_until_answered()
        process.wait_until_ready()
        assert 'fraud_worker_restarts_total{slot="1"} 1.0' in process.get("/metrics")[1]

        assert process.terminate() == 0
        workers = started(process)
        assert [slot for slot, _ in workers] == [0, 1, 1]
        assert all(is_gone(pid) for _, pid in workers)
        marked = [line["slot"] for line in process.log_lines() if line.get("event") == "ended cleanly"]
    assert sorted(map(str, marked)) == ["0", "1"]
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_workers_end_with_a_supervisor_that_is_killed(trial: Trial, trained_model: Path, tmp_path: Path) -> None:
    with crew(trial, trained_model, tmp_path) as process:
        process.wait_until_ready()
        trial.send(mixed(RECORDS))
        trial.wait_until_committed(100)
        process.kill()

    with crew(trial, trained_model, tmp_path) as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_what_is_to_be_mended_ends_all_workers_and_is_said_once(kafka: str, trained_model: Path) -> None:
    stream = new_stream(kafka, 1)
    env = {**stream.env, "FRAUD_TOPICS__VERDICTS": "nowhere", "FRAUD_HTTP__PORT": "0"}

    assert refusals("score", "--model", trained_model, "--workers", "3", env=env)[0].count("'nowhere'") == 1


def test_a_model_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    env = {"FRAUD_HTTP__PORT": "0"}

    assert "no-such-model" in refusals("score", "--model", tmp_path / "no-such-model", "--workers", "2", env=env)[0]


def test_all_that_is_wrong_with_the_settings_is_listed_once(trained_model: Path) -> None:
    wrong = {"FRAUD_SCORER__BATCH_SIZE": "0", "FRAUD_TOPICS__REPLICAS": "-1"}

    said = "\n".join(refusals("score", "--model", trained_model, "--workers", "2", env=wrong, lines=3))

    assert said.count("scorer.batch_size") == 1
    assert said.count("topics.replicas") == 1


def refusals(*arguments: str | Path, env: dict[str, str], lines: int = 1) -> list[str]:
    """What a command says that must be refused: a line for each problem, and one for the remedy of several."""
    done = attempt(*arguments, env=env)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == lines, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return errors
