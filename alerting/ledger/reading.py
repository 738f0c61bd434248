"""The ledger from the topic: what a partition holds, and what is known of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from alerting.ledger.book import OPEN
from alerting.ledger.entries import Confirmation, Delivery, Entry, Group, State
from alerting.ledger.writing import entry_in
from stream.errors import WorkerFailed
from stream.records import Record
from stream.settings import KafkaSettings
from stream.topic_reading import read_to_end


@dataclass(frozen=True, slots=True)
class Known:
    """A notice, and what its provider said of it later.

    Attributes:
        delivery: Its last entry.
        confirmation: None where the provider has said nothing.
    """

    delivery: Delivery
    confirmation: Confirmation | None


def read_page(kafka: KafkaSettings, topic: str, partition: int, *, since: datetime) -> list[Entry]:
    """What is still open in one partition of the ledger, and what was sent lately; the last entry of each key.

    Transactions that were begun before are waited for: what the committed offsets answer, is in what this gives.

    Args:
        kafka: Where.
        topic: The ledger.
        partition: Which.
        since: Notices that were sent before count for no limit.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: The broker fell silent, or a record is no entry: a newer version wrote it.
    """
    return list(_latest(read_to_end(kafka, topic, partition=partition, decided=True), lambda one: _matters(one, since)))


def deliveries_of(kafka: KafkaSettings, topic: str, transaction_or_alert: str) -> list[Known]:
    """What became of a transaction's notices, digests that count it included.

    Args:
        kafka: Where.
        topic: The ledger.
        transaction_or_alert: Id of either.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: As for `read_page`.
    """
    everything = _latest(read_to_end(kafka, topic), lambda entry: not isinstance(entry, Group))
    confirmed = {one.id: one for one in everything if isinstance(one, Confirmation)}
    deliveries = [one for one in everything if isinstance(one, Delivery)]
    own = [one for one in deliveries if transaction_or_alert in (one.transaction_id, one.alert_id)]
    digests = {one.digest for one in own if one.digest is not None}
    own += [one for one in deliveries if one.alert_id in digests and one not in own]
    return [Known(one, confirmed.get(one.id)) for one in own]


def given_up(kafka: KafkaSettings, topic: str, wanted: Collection[str]) -> frozenset[str]:
    """Which of these notices the ledger has as dead, or not at all.

    Args:
        kafka: Where.
        topic: The ledger.
        wanted: Ids of notices.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: As for `read_page`.
    """
    known = _latest(read_to_end(kafka, topic), lambda entry: isinstance(entry, Delivery) and entry.id in wanted)
    settled = {one.id for one in known if isinstance(one, Delivery) and one.state is not State.DEAD}
    return frozenset(wanted) - settled


def _matters(entry: Entry, since: datetime) -> bool:
    """Whether a worker goes on from an entry; of all that ever were few do, and only those are kept in memory."""
    if isinstance(entry, Delivery):
        return entry.state in OPEN or (entry.state is State.SENT and entry.changed_at >= since)
    return isinstance(entry, Group)


def _latest(records: Iterator[Record], wanted: Callable[[Entry], bool]) -> Iterable[Entry]:
    latest: dict[bytes, Entry] = {}
    for record in records:
        key = record.key or b""
        try:
            entry = entry_in(record)
        except msgspec.DecodeError as refusal:
            raise WorkerFailed(
                f"partition {record.partition} of topic {record.topic!r} has no ledger entry at offset "
                f"{record.offset} ({refusal}): a newer version may have written it"
            ) from None
        if entry is not None and wanted(entry):
            latest[key] = entry
        else:
            latest.pop(key, None)
    return latest.values()
