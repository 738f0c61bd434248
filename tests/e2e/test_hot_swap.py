"""A champion that changes while transactions flow, and a challenger beside it, through the command alone."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model.data.dataset import read_dataset
from model.profile import load_profile
from model.versions.manifest import SERVING_FILE
from tests.harness.fraud import FraudProcess, fraud
from tests.harness.small_model import small_model
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

FIRST, SECOND = range(2)


@dataclass
class Service:
    """A scorer that follows a registry's champion, and the transactions that it is sent.

    Attributes:
        stream: Its topics.
        registry: The directory.
        versions: Of the model `simulated`; the first is champion at the start.
        scorer: The process.
        reader: Of its verdicts.
        sent: How many transactions so far.
    """

    stream: Stream
    registry: Path
    versions: list[str]
    scorer: FraudProcess
    reader: CommittedReader
    sent: int = 0

    def send(self, count: int = 50) -> None:
        """So many transactions, to all partitions."""
        numbers = range(self.sent, self.sent + count)
        self.stream.produce([{"key": b"k%d" % (one % 17), "value": _transaction(one)} for one in numbers])
        self.sent += count

    def send_until(self, condition: Callable[[], bool], what: str) -> None:
        """Transactions flow until something holds."""

        def sent_and_held() -> bool:
            self.send()
            self.reader.read()
            return condition()

        wait_until(sent_and_held, within_s=60, what=f"{what}; its log:\n{self.scorer.log.read_text()}")

    def models(self, *arguments: str) -> None:
        fraud("models", *arguments, "--registry", self.registry)

    def promote(self, version: str) -> None:
        self.models("promote", f"simulated@{version}", "--force", "--reason", "a test")

    def send_until_ruled_by(self, version: str) -> None:
        """Transactions flow until a version rules, and then some more, all of which it rules on."""
        self.send_until(lambda: self._newest_version() == version, f"version {version} does not rule")
        self.send()
        self.reader.read_until(self.sent)

    def _newest_version(self) -> str | None:
        return str(_verdict(self.reader.records[-1])["model"]["version"]) if self.reader.records else None

    def metric(self, series: str) -> float:
        """The value of a series; 0 where it is not there."""
        lines = self.scorer.get("/metrics")[1].splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), 0.0)

    def require_each_answered_once(self) -> dict[int, list[str]]:
        """Waits for all answers and counts them; for each partition the versions that ruled, one after the other."""
        ends = end_offsets(self.stream.bootstrap, self.stream.transactions)
        wait_until(
            lambda: committed_offsets(self.stream.bootstrap, self.stream.group, self.stream.transactions) == ends,
            within_s=60,
            what=f"not all was committed; its log:\n{self.scorer.log.read_text()}",
        )
        verdicts = [_verdict(message) for message in self.reader.read_to_end()]
        assert sorted(one["transaction_id"] for one in verdicts) == sorted(f"t-{one}" for one in range(self.sent))
        assert len({(one["source"]["partition"], one["source"]["offset"]) for one in verdicts}) == len(verdicts)
        by_place = sorted(verdicts, key=lambda one: (one["source"]["partition"], one["source"]["offset"]))
        return {
            partition: [version for version, _ in itertools.groupby(one["model"]["version"] for one in some)]
            for partition, some in itertools.groupby(by_place, key=lambda one: int(one["source"]["partition"]))
        }


def _transaction(number: int) -> bytes:
    fields = {"transaction_id": f"t-{number}", "event_time": "2026-01-31T12:00:00Z", "amount": float(number % 500)}
    return json.dumps(fields).encode()


def _verdict(message: Any) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads(message.value() or b"")
    return verdict


@pytest.fixture(scope="module")
def models(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two versions of the model `simulated`."""
    folder, profile = tmp_path_factory.mktemp("models"), load_profile("simulated")
    dataset = read_dataset(simulated, profile, need_labels=True)
    for seed in (1, 2):
        small_model(dataset, profile=profile, seed=seed).save(folder / str(seed))
    return sorted(folder.iterdir())


@pytest.fixture
def service(kafka: str, models: list[Path], tmp_path: Path) -> Any:
    """The service, ready."""
    registry = tmp_path / "registry"
    added = [json.loads(fraud("models", "add", model, "--registry", registry, "--json")) for model in models]
    versions = [one["version"] for one in added]
    fraud("models", "promote", f"simulated@{versions[FIRST]}", "--registry", registry)
    stream = new_stream(kafka)
    env = {**stream.env, "FRAUD_SCORER__WATCH_S": "0.2", "FRAUD_SCORER__BATCH_SIZE": "50"}
    arguments = ("score", "--model", "simulated", "--registry", registry)
    reader = CommittedReader(kafka, [stream.verdicts])
    with FraudProcess(*arguments, env=env, log=tmp_path / "log") as scorer:
        scorer.wait_until_ready()
        yield Service(stream, registry, versions, scorer, reader)
    reader.close()


def _info(service: Service, version: int, role: str = "model") -> str:
    return f'fraud_{role}_info{{name="simulated",version="{service.versions[version]}"}}'


@pytest.mark.kafka
def test_a_promotion_and_a_rollback_change_who_rules_while_transactions_flow_and_none_is_lost_or_doubled(
    service: Service,
) -> None:
    first, second = service.versions
    service.send_until_ruled_by(first)

    service.promote(second)
    service.send_until_ruled_by(second)
    assert service.metric(_info(service, SECOND)) == 1
    assert service.metric(_info(service, FIRST)) == 0

    service.models("rollback", "simulated")
    service.send_until_ruled_by(first)

    ruled = service.require_each_answered_once()
    assert all(versions == [first, second, first] for versions in ruled.values()), ruled
    assert service.metric("fraud_model_swaps_total") == 2
    assert service.metric("fraud_rebalances_total") == 1
    assert service.scorer.terminate() == 0


@pytest.mark.kafka
def test_a_version_whose_bytes_were_altered_is_refused_and_rules_once_it_is_restored(service: Service) -> None:
    first, second = service.versions
    service.send_until_ruled_by(first)
    arrays = service.registry / "simulated" / "versions" / second / SERVING_FILE
    whole = arrays.read_bytes()

    # Frozen, so that it cannot look between the promotion, which would refuse altered bytes, and the alteration.
    service.scorer.process.send_signal(signal.SIGSTOP)
    service.promote(second)
    arrays.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    service.scorer.process.send_signal(signal.SIGCONT)

    refusals = 'fraud_model_refusals_total{cause="ModelDigestMismatch",role="champion"}'
    service.send_until(lambda: service.metric(refusals) >= 2, "nothing was refused")
    service.send_until_ruled_by(first)
    (said,) = [line for line in service.scorer.log_lines() if line.get("cause") == "ModelDigestMismatch"]
    assert (said["level"], said["version"], said["present"]) == ("error", second, first)

    arrays.write_bytes(whole)
    service.send_until_ruled_by(second)
    ruled = service.require_each_answered_once()
    assert all(versions == [first, second] for versions in ruled.values()), ruled
    assert service.scorer.terminate() == 0


@pytest.mark.kafka
def test_a_challenger_comes_and_goes_beside_the_champion(service: Service) -> None:
    first, second = service.versions
    shadow = CommittedReader(service.stream.bootstrap, [service.stream.shadow_verdicts])
    service.send_until_ruled_by(first)

    service.models("challenge", f"simulated@{second}")
    service.send_until(lambda: shadow.read() >= 100, "the challenger does not rule")
    assert service.metric(_info(service, SECOND, "challenger")) == 1
    assert service.metric(_info(service, FIRST)) == 1

    service.promote(second)
    service.send_until_ruled_by(second)
    wait_until(
        lambda: service.metric(_info(service, SECOND, "challenger")) == 0,
        within_s=30,
        what="the champion is its own challenger",
    )
    ruled = service.require_each_answered_once()
    assert all(versions == [first, second] for versions in ruled.values()), ruled
    assert service.scorer.terminate() == 0

    both = {one["transaction_id"]: one for one in map(_verdict, service.reader.records)}
    beside = [_verdict(message) for message in shadow.read_to_end()]
    shadow.close()
    assert {one["model"]["version"] for one in beside} == {second}
    assert len({one["transaction_id"] for one in beside}) == len(beside) <= len(both)
    for one in beside:
        assert one["source"] == both[one["transaction_id"]]["source"]
