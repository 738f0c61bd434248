"""What every fault needs: a stream to count on, and brokers that may be hurt because nobody else uses them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from demo.kafka.jars import missing_tools
from demo.kafka.local import LocalKafka
from demo.ports import LOOPBACK, free_ports
from tests.harness.broker import JARS, go_without
from tests.harness.hurting import HurtBroker
from tests.harness.tcp_proxy import TcpProxy
from tests.harness.trial import Trial

_SHELL: Final = dict(os.environ)


@pytest.fixture
def new_trial(trained_model: Path, tmp_path: Path) -> Iterator[Callable[..., Trial]]:
    """Makes trials: `new_trial(bootstrap, partitions=6, properties={...}, FRAUD_SCORER__GAPS="skip")`."""
    with ExitStack() as open_trials:

        def make(bootstrap: str, **more: Any) -> Trial:
            return open_trials.enter_context(closing(Trial(bootstrap, trained_model, tmp_path, **more)))

        yield make


@pytest.fixture
def trial(kafka: str, new_trial: Callable[..., Trial]) -> Trial:
    """One on the broker that all tests share, with a session as short as that broker allows."""
    return new_trial(kafka, properties={"session.timeout.ms": 6000})


@pytest.fixture(scope="module")
def hurt_broker(kafka: str, request: pytest.FixtureRequest) -> Iterator[HurtBroker]:
    """A broker that may be killed and frozen, and a network to it that may be cut; both work at first.

    As an indirect parameter it takes further properties of the broker.

    It comes after the one that all share, which sees to it that no JVM outlives the run.
    """
    if missing_tools():
        go_without(_SHELL)
    (behind,) = free_ports(1)
    # A transaction that timed out is noticed sooner than within ten seconds; but not while the broker starts: a lone
    # one that aborts before it knows itself for the leader never writes the markers (README, "Not promised").
    soon = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "5000"}
    with TcpProxy(behind) as network:
        listeners = {"PROXIED": (f"{LOOPBACK}:{behind}", network.address)}
        with LocalKafka(jars=JARS, listeners=listeners, properties={**soon, **getattr(request, "param", {})}) as broker:
            yield HurtBroker(broker, network)
