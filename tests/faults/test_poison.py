"""Records that cannot be scored: each is one dead letter, as it came, and its neighbours get their verdicts."""

from __future__ import annotations

import random

import pytest

from tests.harness.poison import malformed, mixed, poison, transaction
from tests.harness.trial import Trial

LONGER_THAN_READ = 1_048_577


@pytest.mark.kafka
def test_every_kind_among_good_ones(trial: Trial) -> None:
    trial.send(mixed(2_000, every=10))
    with trial.worker() as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_batches_of_nothing_but_poison(trial: Trial) -> None:
    trial.send([malformed(number) for number in range(400)])
    trial.send([transaction(number) for number in range(400, 2_000)])
    with trial.worker(env={"FRAUD_SCORER__BATCH_SIZE": "20"}) as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_long_and_deep_and_compressed(trial: Trial) -> None:
    noise = random.Random(1).randbytes(LONGER_THAN_READ)
    strange = {
        "long": poison(1, "too_long", noise),
        "long, but short when compressed": poison(2, "too_long", b" " * 15_000_000),
        "deep": poison(3, "too_deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "deep in lists": poison(4, "too_deep", b"[" * 500_000),
        "many and flat": poison(5, "not_json", b"}" * 500_000),
        "not text": poison(6, "invalid_utf8", noise[:10_000]),
    }
    for compression in ("none", "gzip", "zstd", "lz4", "snappy"):
        properties = {"compression.type": compression}
        trial.send(mixed(200, first=len(trial.sent)), **properties)
        trial.send(strange.values(), **properties)
    trial.send(mixed(200, first=len(trial.sent)))
    with trial.worker() as worker:
        trial.wait_until_answered()
        assert worker.terminate() == 0
    trial.require_each_answered_once()


@pytest.mark.kafka
def test_a_flood_opens_the_breaker_which_loses_nothing(trial: Trial) -> None:
    trial.send([malformed(number) for number in range(2_500)])
    trial.send([transaction(number) for number in range(2_500, 3_000)])
    with trial.worker(env={"FRAUD_SCORER__BREAKER__PAUSE_S": "2"}) as worker:
        trial.wait_until_answered()
        assert "reading pauses" in worker.log.read_text()
        assert worker.terminate() == 0
    trial.require_each_answered_once()
