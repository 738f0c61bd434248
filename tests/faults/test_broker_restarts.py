"""The broker goes away under two workers, orderly, by a crash, frozen, or out of reach; they go on by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.harness.hurting import HurtBroker
from tests.harness.poison import mixed
from tests.harness.trial import Trial

pytestmark = pytest.mark.kafka

RECORDS = 2_000
# Longer than a transaction, a session and a commit may last.
AWAY_S = 30.0


def orderly(site: HurtBroker) -> None:
    site.broker.shut_down()
    site.broker.start()


def crash(site: HurtBroker) -> None:
    # A lone broker that is killed between a commit and its markers never writes them (README, "Not promised"): for a
    # second nothing new reaches it.
    site.network.black_hole()
    time.sleep(1)
    site.broker.kill()
    site.network.heal()
    site.broker.start()


def frozen(site: HurtBroker) -> None:
    site.freeze()
    try:
        time.sleep(AWAY_S)
    finally:
        site.thaw()


def unreachable(site: HurtBroker) -> None:
    site.network.black_hole()
    try:
        time.sleep(AWAY_S)
    finally:
        site.network.heal()


@contextmanager
def _load(trial: Trial) -> Iterator[None]:
    """Records enough that the workers are in the middle of them while the block runs."""
    trial.send(mixed(RECORDS))
    trial.wait_until_committed(RECORDS // 10)
    yield
    trial.send(mixed(RECORDS // 2, first=RECORDS))


# The controller is in the same process: after a freeze it would fence the broker, which then, alone, may lose the
# markers of a transaction as it does in a crash.
NOT_FENCED = {"broker.session.timeout.ms": str(int(2000 * AWAY_S))}


@pytest.mark.parametrize(
    ("hurt_broker", "outage"),
    [({}, orderly), ({}, crash), (NOT_FENCED, frozen), ({}, unreachable)],
    ids=["orderly", "crash", "frozen", "unreachable"],
    indirect=["hurt_broker"],
)
def test_an_outage(
    outage: Callable[[HurtBroker], None], hurt_broker: HurtBroker, new_trial: Callable[..., Trial]
) -> None:
    trial = new_trial(
        hurt_broker.broker.bootstrap,
        FRAUD_KAFKA__BOOTSTRAP_SERVERS=hurt_broker.network.address,
        FRAUD_SCORER__BATCH_SIZE="5",
    )
    with trial.worker(0) as one, trial.worker(1) as other:
        with _load(trial):
            outage(hurt_broker)
        trial.wait_until_answered(within_s=180)
        one.end_cleanly()
        other.end_cleanly()
    trial.require_each_answered_once()
