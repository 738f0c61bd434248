"""What scores raises errors, or never returns: a record at fault is a dead letter, a model or a loop at fault ends."""

from __future__ import annotations

import pytest

from tests.harness.fault_points import INDIGESTIBLE_AMOUNT, Action
from tests.harness.poison import REASON_HEADER, mixed, transaction
from tests.harness.trial import Mishap, Trial

RECORDS = 2_000


@pytest.mark.kafka
def test_a_record_that_the_model_cannot_bear_is_a_dead_letter_and_no_other_is(trial: Trial) -> None:
    records = mixed(RECORDS)
    for number in (100, 101, 900):
        bad = transaction(number, amount=INDIGESTIBLE_AMOUNT)
        records[number] = {**bad, "headers": [(REASON_HEADER, b"scoring_failed")]}
    trial.send(records)
    with trial.worker(mishap=Mishap("scoring", 1, Action.CHOKE)) as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_a_model_that_raises_whatever_it_is_given_ends_the_worker_and_makes_no_dead_letters(trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap("scoring", 12, Action.BREAK)) as worker:
        assert worker.ended() == 1
        assert "raises ZeroDivisionError whatever it is given" in worker.log.read_text()
    trial.require_each_answered_once(all_of_them=False)

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_a_loop_that_hangs_ends_its_process(trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    limits = '{"session.timeout.ms": 6000, "max.poll.interval.ms": 8000}'
    with trial.worker(mishap=Mishap("scoring", 12, Action.HANG), env={"FRAUD_KAFKA__PROPERTIES": limits}) as worker:
        assert worker.ended() == 1
        assert "the loop stands still" in worker.log.read_text()

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
@pytest.mark.parametrize("point", ["after-first-produce", "after-commit"])
def test_an_error_that_nobody_expects_ends_the_worker_and_loses_nothing(point: str, trial: Trial) -> None:
    trial.send(mixed(RECORDS))
    with trial.worker(mishap=Mishap(point, 12, Action.RAISE)) as worker:
        assert worker.ended() == 1

    with trial.worker() as successor:
        trial.wait_until_answered()
        assert successor.terminate() == 0
    trial.require_each_answered_once()
