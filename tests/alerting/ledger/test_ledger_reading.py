"""The ledger is read to the end of every transaction that had begun: an offset without its entry is an alert lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace

from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger import reading
from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, Group, State
from alerting.ledger.reading import deliveries_of, read_page
from alerting.ledger.writing import records_of
from alerting.notices import notice
from alerting.replay import replays_name
from stream import kafka as clients
from stream.settings import KafkaSettings
from tests.alerting.verdicts import verdict
from tests.harness.topics import Stream, new_stream

pytestmark = pytest.mark.kafka

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=1)


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 2)


def entry(number: int, state: State, changed_at: datetime = NOW) -> Delivery:
    destination = Destination("desk", "webhook", Recipient("https://bank.example"), "analyst", Grouping(), "route")
    made = notice(
        f"alert-{number}",
        verdict(transaction_id=f"tx-{number}"),
        destination,
        group=None,
        now=changed_at,
        expires_at=changed_at + timedelta(hours=1),
    )
    return Delivery(**{**{name: getattr(made, name) for name in made.__struct_fields__}, "state": state})


def write(producer: Producer, stream: Stream, *entries: Delivery | Group, partition: int = 0) -> None:
    changes = [
        Change(partition, f"{'group' if isinstance(one, Group) else 'delivery'}/{one.id}", one) for one in entries
    ]
    for record in records_of(changes, topic=stream.env["FRAUD_TOPICS__ALERT_LEDGER"]):
        producer.produce(record.topic, record.value, record.key, partition)


def test_open_entries_and_recent_ones_are_given_and_old_ones_left(stream: Stream) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    producer = clients.producer(kafka)
    group = Group(id="g", receiver="desk", channel="sms", recipient="abcd", fields={}, told_at=NOW)
    write(producer, stream, entry(0, State.SENDING), entry(1, State.SENT), entry(2, State.SENT, OLD), group)
    write(producer, stream, entry(3, State.PENDING), entry(4, State.DEAD), entry(5, State.PARKED))
    write(producer, stream, entry(3, State.SENT, OLD))
    write(producer, stream, entry(6, State.SENDING), partition=1)
    assert producer.flush(30) == 0

    page = read_page(
        kafka, stream.env["FRAUD_TOPICS__ALERT_LEDGER"], 0, since=NOW - timedelta(hours=3), meanwhile=lambda: None
    )

    assert {one.id for one in page.entries} == {entry(0, State.SENDING).id, entry(1, State.SENT).id, "g"}
    over = (1, State.SENT), (2, State.SENT), (4, State.DEAD), (5, State.PARKED), (3, State.SENT)
    assert page.over == [entry(number, state).id for number, state in over], "the latest last"


def test_what_a_replay_is_at_is_no_worker_s(stream: Stream) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    producer = clients.producer(kafka)
    replayed = replace(entry(0, State.SENDING), by=replays_name("fraud-alerts"))
    write(producer, stream, replayed)
    assert producer.flush(30) == 0

    page = read_page(kafka, stream.env["FRAUD_TOPICS__ALERT_LEDGER"], 0, since=NOW, meanwhile=lambda: None)

    assert (page.entries, page.over) == ([], [replayed.id])


def test_whoever_reads_a_long_ledger_is_let_do_other_things(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_AT_ONCE", 2)
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    producer = clients.producer(kafka)
    write(producer, stream, *(entry(number, State.SENT) for number in range(5)))
    assert producer.flush(30) == 0
    turns: list[None] = []

    read_page(kafka, stream.env["FRAUD_TOPICS__ALERT_LEDGER"], 0, since=NOW, meanwhile=lambda: turns.append(None))

    assert len(turns) == 2


def test_a_transaction_that_is_open_is_waited_for(stream: Stream) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    ledger = stream.env["FRAUD_TOPICS__ALERT_LEDGER"]
    producer = clients.transactional_producer(kafka, f"{ledger}-writer")
    producer.init_transactions()
    producer.begin_transaction()
    write(producer, stream, entry(0, State.SENDING))
    assert producer.flush(30) == 0
    found: list[object] = []

    def read() -> None:
        found.extend(read_page(kafka, ledger, 0, since=NOW, meanwhile=lambda: None).entries)

    reader = threading.Thread(target=read)
    reader.start()
    reader.join(1.5)
    assert reader.is_alive(), "its end is not known"

    producer.commit_transaction()
    reader.join(20)

    assert [one.id for one in found if isinstance(one, Delivery)] == [entry(0, State.SENDING).id]


def test_what_was_aborted_is_not_given(stream: Stream) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    ledger = stream.env["FRAUD_TOPICS__ALERT_LEDGER"]
    producer = clients.transactional_producer(kafka, f"{ledger}-writer")
    producer.init_transactions()
    producer.begin_transaction()
    write(producer, stream, entry(0, State.SENDING))
    assert producer.flush(30) == 0
    producer.abort_transaction()

    assert read_page(kafka, ledger, 0, since=NOW, meanwhile=lambda: None).entries == []


def test_a_digest_is_known_with_the_transactions_that_it_counts_and_one_that_was_counted_in_another(
    stream: Stream,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    producer = clients.producer(kafka)
    held = replace(entry(0, State.PARKED), digest="of the group")
    digest = replace(entry(8, State.PARKED), transaction_id=None, counts=("of the group",), digest="of the limit")
    other = replace(entry(9, State.SENT), transaction_id=None, counts=("of another", "of the limit"))
    write(producer, stream, held, digest, other, entry(1, State.SENT))
    assert producer.flush(30) == 0

    known = deliveries_of(kafka, stream.env["FRAUD_TOPICS__ALERT_LEDGER"], "tx-0")

    assert {one.delivery.id for one in known} == {held.id, digest.id, other.id}
