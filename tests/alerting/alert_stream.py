"""Verdicts for `fraud alert` on a real Kafka, and what came of them: for the tests of the worker and of its faults."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import KafkaError, Message, Producer

from alerting.ledger.entries import Delivery, Entry
from alerting.ledger.writing import entry_in
from stream.contracts import SCHEMA_VERSION_HEADER, VERDICT_HEADER, Ruling, Source
from stream.records import record_of
from tests.alerting.receivers import Receivers
from tests.alerting.verdicts import verdict
from tests.harness.fraud import FRAUD, FraudProcess
from tests.harness.topics import CommittedReader, Stream, committed_offsets
from tests.harness.trial import Mishap
from tests.harness.waiting import wait_until

_ROOT: Final = Path(__file__).parents[2]
# Without limits and groups, so that every fraud is a notice of its own.
UNLIMITED: Final = """version: 1
receivers:
  - name: desk
{targets}
route: {{receiver: desk, group_by: [transaction_id]}}
limits: {{{limits}}}
"""


def rule(stream: Stream, first: int, count: int, *, fraud_every: int = 1, accounts: int = 0) -> list[str]:
    """Writes verdicts; the transactions of the fraudulent ones.

    Args:
        stream: Where.
        first: Number of the first.
        count: How many.
        fraud_every: Which are fraudulent.
        accounts: How many accounts they are of; 0 gives each its own.
    """
    producer = Producer({"bootstrap.servers": stream.bootstrap, "enable.idempotence": True})
    refused: list[KafkaError] = []
    frauds = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            refused.append(error)

    for number in range(first, first + count):
        is_fraud = number % fraud_every == 0
        ruling = Ruling.FRAUD if is_fraud else Ruling.LEGITIMATE
        transaction = f"tx-{number:04}"
        ruled = verdict(
            transaction_id=transaction,
            account_id=f"account-{number % accounts if accounts else number:08}",
            amount=0.1,
            verdict=ruling,
            source=Source(topic="t", partition=0, offset=number),
        )
        producer.produce(
            stream.verdicts,
            key=transaction,
            value=msgspec.json.encode(ruled),
            headers=[(VERDICT_HEADER, ruling.encode()), (SCHEMA_VERSION_HEADER, b"1")],
            on_delivery=delivered,
        )
        producer.poll(0)
        frauds += [transaction] if is_fraud else []
    assert producer.flush(60) == 0
    assert refused == []
    return frauds


def put(stream: Stream, value: bytes | None) -> None:
    """Writes something that is no verdict."""
    producer = Producer({"bootstrap.servers": stream.bootstrap, "message.max.bytes": 2_000_000})
    producer.produce(stream.verdicts, key="k", value=value, headers=[(VERDICT_HEADER, b"fraud")])
    assert producer.flush(60) == 0


def unlimited(folder: Path, people: Receivers, *channels: str) -> dict[str, str]:
    """Settings of a routing file by which every fraud is told by itself."""
    addresses = people.addresses()
    targets = "\n".join(f"    {channel}: [{addresses[channel]}]" for channel in channels)
    limits = ", ".join(
        [*(f"{channel}: []" for channel in channels), *(["provider/sms: []"] if "sms" in channels else [])]
    )
    file = folder / "unlimited.yml"
    file.write_text(UNLIMITED.format(targets=targets, limits=limits))
    return {"FRAUD_ALERTS__ROUTES": str(file)}


def alerting(
    stream: Stream,
    people: Receivers,
    folder: Path,
    *channels: str,
    slot: int = 0,
    mishap: Mishap | None = None,
    env: Mapping[str, str] | None = None,
) -> FraudProcess:
    """A worker that tells of every fraud by itself, unless the settings say otherwise."""
    number = len(list(folder.glob("alert-*.log")))
    settings = {
        **stream.env,
        **people.env(*channels),
        **unlimited(folder, people, *channels),
        "FRAUD_ALERTS__SLOT": str(slot),
        **(env or {}),
    }
    here = {"PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    program = [sys.executable, "-m", "tests.harness.faulty", *map(str, mishap), "--"] if mishap else FRAUD
    return FraudProcess("alert", env={**here, **settings}, log=folder / f"alert-{number}.log", program=program)


def wait_for(people: Receivers, frauds: list[str], *channels: str) -> None:
    """Waits until everybody was told of all of them."""
    wait_until(
        lambda: all(set(frauds) <= set(people.told()[channel]) for channel in channels),
        within_s=60,
        what=f"not everybody was told of {len(frauds)} frauds",
    )


def group(stream: Stream) -> dict[int, int]:
    """How far the alert workers' group has got."""
    return committed_offsets(stream.bootstrap, stream.env["FRAUD_ALERTS__GROUP_ID"], stream.verdicts)


def dead_letters(stream: Stream, count: int) -> list[Message]:
    """The notices that reached nobody, once there are so many."""
    reader = CommittedReader(stream.bootstrap, [stream.env["FRAUD_TOPICS__ALERT_DEAD_LETTERS"]])
    try:
        reader.read_until(count)
        return list(reader.read_to_end())
    finally:
        reader.close()


def ledger(stream: Stream) -> list[Entry]:
    """The last entry of each notice and group."""
    reader = CommittedReader(stream.bootstrap, [stream.env["FRAUD_TOPICS__ALERT_LEDGER"]])
    try:
        latest = {message.key(): entry_in(record_of(message)) for message in reader.read_to_end()}
    finally:
        reader.close()
    return [entry for entry in latest.values() if entry is not None]


def deliveries(stream: Stream) -> list[Delivery]:
    """The last entry of each notice."""
    return [entry for entry in ledger(stream) if isinstance(entry, Delivery)]


def headers(message: Message) -> dict[str, str]:
    """A record's headers as texts."""
    pairs = message.headers() or []
    assert isinstance(pairs, list)
    return {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in pairs}
