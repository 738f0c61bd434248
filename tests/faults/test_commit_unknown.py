"""The network between a worker and the broker fails while a transaction is on its way: the outcome is found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.harness.hurting import HurtBroker
from tests.harness.poison import mixed
from tests.harness.tcp_proxy import Loss, Request, TcpProxy
from tests.harness.trial import Trial
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

# Half of the poll interval is the budget of a commit: with 12 s it gives up after 6.
LIMITS = {"session.timeout.ms": 6000, "max.poll.interval.ms": 12_000}
BEYOND_THE_BUDGET_S = 9.0
RECORDS = 500


@pytest.fixture
def far_trial(hurt_broker: HurtBroker, new_trial: Callable[..., Trial]) -> Trial:
    """One whose workers go through the network, while the counts do not."""
    through = {"FRAUD_KAFKA__BOOTSTRAP_SERVERS": hurt_broker.network.address, "FRAUD_SCORER__BATCH_SIZE": "10"}
    return new_trial(hurt_broker.broker.bootstrap, properties=LIMITS, **through)


@pytest.fixture
def network(hurt_broker: HurtBroker) -> Iterator[TcpProxy]:
    yield hurt_broker.network
    hurt_broker.network.heal()


@pytest.mark.parametrize("loss", Loss)
def test_a_request_is_lost_or_its_answer_is(loss: Loss, far_trial: Trial, network: TcpProxy) -> None:
    trial = far_trial
    initialised = network.lose(Request.INIT_PRODUCER_ID, loss)
    with trial.worker() as worker:
        for request in (None, Request.PRODUCE, Request.ADD_OFFSETS_TO_TXN, Request.TXN_OFFSET_COMMIT, Request.END_TXN):
            lost = network.lose(request, loss) if request is not None else initialised
            trial.send(mixed(RECORDS, first=len(trial.sent)))
            wait_until(lost.is_set, within_s=90, what=f"{request} was not met; {worker.log.read_text()}")
            trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.parametrize(
    ("request_lost", "loss"),
    [(Request.END_TXN, Loss.REQUEST), (Request.END_TXN, Loss.ANSWER), (Request.TXN_OFFSET_COMMIT, Loss.ANSWER)],
)
def test_then_nothing_is_heard_for_longer_than_a_commit_may_take(
    request_lost: Request, loss: Loss, far_trial: Trial, network: TcpProxy
) -> None:
    trial = far_trial
    trial.send(mixed(RECORDS))
    with trial.worker() as worker:
        trial.wait_until_committed(100)
        lost = network.lose(request_lost, loss, then_black_hole=True)
        trial.send(mixed(RECORDS, first=RECORDS))
        wait_until(lost.is_set, within_s=90, what=f"{request_lost} was not met")
        time.sleep(BEYOND_THE_BUDGET_S)
        network.heal()

        trial.wait_until_answered()
        assert worker.terminate() == 0
        assert (request_lost is Request.END_TXN) == ("the commit's outcome is unknown" in worker.log.read_text())
    trial.require_each_answered_once()


def test_a_slow_and_brittle_network(far_trial: Trial, network: TcpProxy) -> None:
    trial = far_trial
    with trial.worker() as worker:
        worker.wait_until_ready()
        network.delay(0.05, 0.02)
        for hurt in (network.cut, network.half_close, network.cut, network.half_close):
            trial.send(mixed(RECORDS // 10, first=len(trial.sent)))
            trial.wait_until_committed(len(trial.sent) - RECORDS // 20)
            hurt()
        network.heal()
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()
