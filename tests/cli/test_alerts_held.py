"""`fraud alerts held` as a user runs it: what was held back is counted and listed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, Held, State
from alerting.ledger.writing import records_of
from alerting.notices import notice, parked
from alerting.tally import of_one
from stream import kafka as clients
from stream.settings import KafkaSettings
from tests.alerting.verdicts import ACCOUNT, alert, verdict
from tests.harness.commands import refusal_of, run
from tests.harness.topics import Stream, new_stream

pytestmark = pytest.mark.kafka

NOW = datetime.now(UTC)


@pytest.fixture
def stream(kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stream:
    made = new_stream(kafka)
    monkeypatch.chdir(tmp_path)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


def entry(number: int, held: Held | None, at: datetime = NOW, receiver: str = "desk") -> Delivery:
    destination = Destination(receiver, "sms", Recipient("+15550100001"), "analyst", Grouping(), "route")
    later = at + timedelta(hours=1)
    made = notice(
        f"alert-{number}", verdict(transaction_id=f"tx-{number}"), destination, group="g", now=at, expires_at=later
    )
    return replace(made, state=State.SENT, verdict=None) if held is None else parked(made, held)


def write(stream: Stream, *entries: Delivery) -> None:
    producer = clients.producer(KafkaSettings(bootstrap_servers=stream.bootstrap))
    changes = [Change(0, f"delivery/{one.id}", one) for one in entries]
    for record in records_of(changes, topic=stream.env["FRAUD_TOPICS__ALERT_LEDGER"]):
        producer.produce(record.topic, record.value, record.key, record.partition or 0)
    assert producer.flush(30) == 0


def test_what_was_held_back_is_counted_by_reason_and_listed(stream: Stream) -> None:
    digest = replace(entry(9, Held.ACKNOWLEDGED), transaction_id=None, tally=of_one(alert()))
    write(
        stream,
        *(entry(number, Held.LIMIT) for number in range(3)),
        entry(3, Held.SILENCE, receiver="lake"),
        entry(4, None),
        entry(5, Held.LIMIT, at=NOW - timedelta(days=2)),
        digest,
    )

    found = json.loads(run("alerts", "held", "--json"))
    table = run("alerts", "held", "--most", "2")
    longer = json.loads(run("alerts", "held", "--since", "7d", "--most", "0", "--json"))

    assert [(one["reason"], one["receiver"], one["notices"]) for one in found["counts"]] == [
        ("acknowledged", "desk", 1),
        ("limit", "desk", 3),
        ("silence", "lake", 1),
    ]
    assert {one["transaction_id"] for one in found["latest"]} == {"tx-0", "tx-1", "tx-2", "tx-3", None}
    assert {one["told_in_a_digest"] for one in found["latest"] if one["reason"] == "limit"} == {True}
    assert "the latest 2" in table
    assert ACCOUNT not in table + str(found)
    assert (sum(one["notices"] for one in longer["counts"]), longer["latest"]) == (6, [])


def test_a_period_that_is_none_is_refused() -> None:
    assert "'soon' is no period" in refusal_of("alerts", "held", "--since", "soon")
