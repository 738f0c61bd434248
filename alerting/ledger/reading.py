"""The ledger from the topic: what a partition holds, and what is known of a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from alerting.ledger.book import MOST_KNOWN, OPEN
from alerting.ledger.entries import Confirmation, Delivery, Entry, Group, State
from alerting.ledger.writing import entry_in
from stream.errors import WorkerFailed
from stream.records import Record
from stream.settings import KafkaSettings
from stream.topic_reading import partitions_of, read_to_end

# Some tenths of a second's.
_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    """A notice, and what its provider said of it later.

    Attributes:
        delivery: Its last entry.
        confirmation: None where the provider has said nothing.
    """

    delivery: Delivery
    confirmation: Confirmation | None


@dataclass(frozen=True, slots=True)
class Page:
    """What a worker goes on from in one partition.

    Attributes:
        entries: What is open, groups, and what was sent lately.
        over: Ids of notices that are over, the latest last; not of all that ever were.
    """

    entries: Sequence[Entry]
    over: Sequence[str]


def read_page(
    kafka: KafkaSettings, topic: str, partition: int, *, since: datetime, meanwhile: Callable[[], None]
) -> Page:
    """The last entry of each key, as far as a worker needs it.

    Transactions that were begun before are waited for: what the committed offsets answer, is in what this gives.

    Args:
        kafka: Where.
        topic: The ledger.
        partition: Which.
        since: Notices that were sent before count for no limit.
        meanwhile: Called now and then: there may be a fortnight's entries.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: The broker fell silent, or a record is no entry: a newer version wrote it.
    """
    over: dict[str, None] = {}

    def wanted(entry: Entry) -> bool:
        if not isinstance(entry, Delivery):
            return isinstance(entry, Group)
        over.pop(entry.id, None)
        if entry.state in OPEN and not entry.is_replayed:
            return True
        over[entry.id] = None
        if len(over) > MOST_KNOWN:
            del over[next(iter(over))]
        return entry.state is State.SENT and entry.changed_at >= since

    entries = _latest(_interrupted(read_to_end(kafka, topic, partition=partition, decided=True), meanwhile), wanted)
    return Page(list(entries), list(over))


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
    own = {one.id: one for one in deliveries if transaction_or_alert in (one.transaction_id, one.alert_id)}
    counted_in = {key: one for one in deliveries for key in one.counts}
    # A digest that a limit held back is counted in another.
    unseen = list(own.values())
    while unseen:
        digest = counted_in.get(unseen.pop().digest or "")
        if digest is not None and digest.id not in own:
            own[digest.id] = digest
            unseen.append(digest)
    own_in_order = sorted(own.values(), key=lambda one: one.created_at)
    return [Known(one, confirmed.get(one.id)) for one in own_in_order]


def all_deliveries(kafka: KafkaSettings, topic: str, *, wanted: Callable[[Delivery], bool]) -> list[Delivery]:
    """The last entry of each notice that is wanted.

    Args:
        kafka: Where.
        topic: The ledger.
        wanted: Asked of each entry; what it leaves out is not kept in memory.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: As for `read_page`.
    """
    entries = _latest(read_to_end(kafka, topic), lambda entry: isinstance(entry, Delivery) and wanted(entry))
    return [one for one in entries if isinstance(one, Delivery)]


def delivery_in(
    kafka: KafkaSettings, topic: str, partition: int, wanted: Callable[[Delivery], bool]
) -> Delivery | None:
    """The last entry of the notice that is wanted; None where there is none in that partition, or no such partition.

    Raises:
        NotAllowed: The broker does not let this client read the topic.
        WorkerFailed: As for `read_page`.
    """
    if partition not in partitions_of(kafka, topic):
        return None
    records = read_to_end(kafka, topic, partition=partition)
    found = _latest(records, lambda entry: isinstance(entry, Delivery) and wanted(entry))
    return next((one for one in found if isinstance(one, Delivery)), None)


def _interrupted(records: Iterable[Record], meanwhile: Callable[[], None]) -> Iterator[Record]:
    for number, record in enumerate(records, 1):
        if not number % _AT_ONCE:
            meanwhile()
        yield record


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
