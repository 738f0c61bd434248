"""Ten thousand frauds for one analyst: the limit's text messages, and one digest with the exact total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from alerting.ledger.entries import Held, State
from tests.alerting.alert_stream import alerting, deliveries, group, rule
from tests.alerting.receivers import NUMBER, Receivers, receivers
from tests.harness.fraud import FraudProcess
from tests.harness.topics import Stream, end_offsets, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka

FRAUDS = 10_000
# What 5,000 more frauds may leave behind: groups for their interval. A notice each would be ten times as much.
MOST_GROWTH_KIB = 60_000


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def resident_kib(worker: FraudProcess) -> int:
    lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_a_storm_for_one_analyst(kafka: str, people: Receivers, tmp_path: Path) -> None:
    stream: Stream = new_stream(kafka, 2)
    routes = tmp_path / "one.yml"
    routes.write_text(
        "version: 1\n"
        f'receivers: [{{name: analyst, sms: ["{NUMBER}"]}}]\n'
        "route: {receiver: analyst, group_by: [account_id]}\n"
        "limits: {sms: [1/30s]}\n"
    )
    with alerting(stream, people, tmp_path, "sms", env={"FRAUD_ALERTS__ROUTES": str(routes)}) as worker:
        worker.wait_until_ready()
        rule(stream, 0, FRAUDS // 2)
        wait_until(lambda: sum(group(stream).values()) >= FRAUDS // 2, within_s=60, what="half is not read")
        before_kib = resident_kib(worker)
        rule(stream, FRAUDS // 2, FRAUDS // 2)
        wait_until(lambda: sum(group(stream).values()) >= FRAUDS, within_s=60, what="not all is read")
        grown_kib = resident_kib(worker) - before_kib
        assert len(people.twilio.received()) == 1
        wait_until(lambda: len(people.twilio.received()) == 2, within_s=60, what="no digest came")
        _, metrics = worker.get("/metrics")
        assert worker.terminate() == 0

    known = deliveries(stream)
    states = Counter((one.state, one.held, one.tally is not None) for one in known)
    assert states == {
        (State.SENT, None, False): 1,
        (State.SENT, None, True): 1,
        (State.PARKED, Held.LIMIT, False): FRAUDS - 1,
    }
    assert f"{FRAUDS - 1:,}" in people.twilio.received()[1].body.replace(".", ",")
    (digest,) = [one for one in known if one.tally is not None]
    assert digest.tally is not None
    assert digest.tally.count == FRAUDS - 1
    assert Decimal(digest.tally.sums["EUR"]) == Decimal(FRAUDS - 1) / 10
    assert {one.digest for one in known if one.held is Held.LIMIT} == set(digest.counts)
    assert f'fraud_notifications_suppressed_total{{channel="sms",reason="limit"}} {FRAUDS - 1}.0' in metrics
    assert group(stream) == end_offsets(stream.bootstrap, stream.verdicts)
    assert grown_kib < MOST_GROWTH_KIB, f"{grown_kib} KiB more"
