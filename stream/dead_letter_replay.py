"""Dead letters sent again to where they came from, each once, whoever is killed or does it twice.

A ledger topic says which were sent; each is sent in one transaction with its entry there. All replays of a dead-letter
topic have one transactional id. Whoever begins one fences the others off first and reads the ledger then, so that
nothing can be added to what was read but by this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice, takewhile
from typing import Final

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from stream import kafka as clients
from stream.contracts import DEAD_LETTER_REPLAYED_AT_HEADER, DEAD_LETTER_REPLAYED_FROM_HEADER
from stream.dead_letter_reading import Choice, DeadLetter, letter_of
from stream.errors import DeliveryRefused, SlotTaken, WorkerFailed
from stream.kafka import Stop
from stream.records import Outgoing, Record
from stream.settings import KafkaSettings, TopicSettings
from stream.timeouts import timeouts
from stream.topic_reading import read_to_end
from stream.topics import create_topics, plan_topics
from stream.transaction import Outcome, TransactionalWriter

_BATCH_SIZE: Final = 500
_BATCH_BYTES: Final = 16 * 1024 * 1024
_REQUEST_TIMEOUT_S: Final = 10.0
_VISIBLE_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.1


class ReplayUnfinished(WorkerFailed):
    """A replay ended before its last record; what was sent is noted, and is not sent again by the next."""


@dataclass
class Tally:
    """What a replay did, or would do, with the records that it met.

    Attributes:
        sent: Dead letters sent again; in a dry run those that would be.
        already_replayed: Chosen, and sent again before.
        of_other_topics: Chosen, and left, because they came from another topic than is configured.
        no_dead_letters: Records without a dead letter's headers.
    """

    sent: int = 0
    already_replayed: int = 0
    of_other_topics: int = 0
    no_dead_letters: int = 0


def replay(
    kafka: KafkaSettings,
    topics: TopicSettings,
    choice: Choice,
    *,
    limit: int | None = None,
    stop: Stop,
    now: Callable[[], datetime],
    progress: Callable[[int], None],
) -> Tally:
    """Sends the chosen dead letters again that were not sent again before.

    Args:
        kafka: Where.
        topics: The dead letters' exists; their ledger is made where it is missing.
        choice: Which.
        limit: So many at most.
        stop: Ends it after the transaction in hand.
        now: The time of day, with its zone.
        progress: Called with the number sent so far.

    Raises:
        ReplayUnfinished: Another replay began, or the broker did not take a transaction.
        TopicRefused: The broker does not make the ledger.
        NotAllowed: A grant is missing.
        DeliveryRefused: The broker will never take one of the records; those before it are sent.
        WorkerFailed: The client cannot go on.
    """
    admin = clients.admin(kafka)
    _make_ledger(admin, topics, stop)
    identity = _identity(admin, topics.dead_letters)
    producer = partial(clients.transactional_producer, kafka, replay_id(topics))
    writer = TransactionalWriter(producer, limits=timeouts(kafka.properties))
    tally = Tally()
    _open(writer)
    already = _noted(kafka, topics, identity)  # only now: an earlier replay can add nothing any more
    with closing(read_to_end(kafka, topics.dead_letters, since_ms=choice.since_ms)) as records:
        going = takewhile(lambda _: not stop.is_set(), records)
        for batch in _batches(islice(due(going, choice, already, topics.transactions, tally), limit)):
            _write(
                writer, [record for letter in batch for record in _sent_again(letter, topics, identity, now())], tally
            )
            tally.sent += len(batch)
            progress(tally.sent)
    return tally


def rehearse(kafka: KafkaSettings, topics: TopicSettings, choice: Choice, *, limit: int | None = None) -> Tally:
    """What `replay` would do now. Nothing is written, and a replay that runs is left alone.

    Raises:
        NotAllowed: A grant is missing.
        WorkerFailed: The client cannot go on.
    """
    tally = Tally()
    already = replayed_places(kafka, topics)
    with closing(read_to_end(kafka, topics.dead_letters, since_ms=choice.since_ms)) as records:
        tally.sent = sum(1 for _ in islice(due(records, choice, already, topics.transactions, tally), limit))
    return tally


def replay_id(topics: TopicSettings) -> str:
    """The transactional id that all replays of a dead-letter topic share."""
    return f"{topics.dead_letters}-replay"


def replayed_places(kafka: KafkaSettings, topics: TopicSettings) -> Set[str]:
    """Places of dead letters that were sent again, as `partition:offset`; none where there is no ledger.

    Raises:
        NotAllowed: A grant is missing.
        WorkerFailed: The client cannot go on.
    """
    admin = clients.admin(kafka)
    if topics.replayed_dead_letters not in admin.list_topics(timeout=_REQUEST_TIMEOUT_S).topics:
        return frozenset()
    return _noted(kafka, topics, _identity(admin, topics.dead_letters))


def due(
    records: Iterable[Record], choice: Choice, already: Set[str], source: str, tally: Tally
) -> Iterator[DeadLetter]:
    """The chosen dead letters that are to be sent again; the others are counted (pure but for that).

    Args:
        records: Of the dead-letter topic.
        choice: Which are meant.
        already: Places of those that were sent again before.
        source: The topic that they may go to.
        tally: Counts those that are left out.
    """
    for record in records:
        letter = letter_of(record)
        if letter is None:
            tally.no_dead_letters += 1
        elif not choice.takes(letter):
            continue
        elif letter.topic != source:
            tally.of_other_topics += 1
        elif letter.place in already:
            tally.already_replayed += 1
        else:
            yield letter


def record_again(letter: DeadLetter, at: datetime) -> Outgoing:
    """The record as it was before it was a dead letter, and two headers more: where from, and when (pure).

    The key decides the partition, as it did before; a record without one goes where it was. The timestamp is that of
    the sending: the topic's retention counts from there, and would delete an old record before it is scored.
    """
    record = letter.record
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return Outgoing(
        topic=letter.topic,
        key=record.key,
        value=record.value,
        headers=(
            *letter.headers,
            (DEAD_LETTER_REPLAYED_FROM_HEADER, place.encode()),
            (DEAD_LETTER_REPLAYED_AT_HEADER, at.isoformat(timespec="milliseconds").encode()),
        ),
        partition=letter.partition if record.key is None else None,
    )


def _open(writer: TransactionalWriter) -> None:
    try:
        opened = writer.open()
    except SlotTaken:
        raise ReplayUnfinished("another replay begins at the same time: this one ends") from None
    if not opened:
        raise ReplayUnfinished("the broker does not open transactions yet: run the command again")


def _write(writer: TransactionalWriter, outgoing: Sequence[Outgoing], tally: Tally) -> None:
    """Writes a transaction, or says how far the replay came."""
    try:
        outcome = writer.write(outgoing, {})
    except DeliveryRefused:
        raise
    except SlotTaken:
        raise ReplayUnfinished(
            f"another replay began: this one ends after {tally.sent} dead letters, and the other goes on from there"
        ) from None
    except WorkerFailed as failure:
        raise ReplayUnfinished(_unfinished(tally, str(failure))) from None
    if outcome is not Outcome.COMMITTED:
        raise ReplayUnfinished(_unfinished(tally, f"the next transaction's outcome: {outcome}"))


def _unfinished(tally: Tally, why: str) -> str:
    return (
        f"the replay ends after {tally.sent} dead letters ({why}): unless another replay began, run the command again; "
        "none is sent twice"
    )


def _sent_again(letter: DeadLetter, topics: TopicSettings, identity: str, at: datetime) -> tuple[Outgoing, Outgoing]:
    """What is sent of a dead letter: the record, and its entry in the ledger."""
    entry = Outgoing(topics.replayed_dead_letters, key=letter.place.encode(), value=identity.encode(), headers=())
    return record_again(letter, at), entry


def _noted(kafka: KafkaSettings, topics: TopicSettings, identity: str) -> Set[str]:
    """What the ledger says of this very dead-letter topic, and not of one that had its name before."""
    places: set[str] = set()
    for entry in read_to_end(kafka, topics.replayed_dead_letters):
        place = (entry.key or b"").decode()
        if entry.value == identity.encode():
            places.add(place)
        else:
            places.discard(place)
    return places


def _identity(admin: AdminClient, topic: str) -> str:
    """What tells a topic from one of the same name that was made anew."""
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=_REQUEST_TIMEOUT_S)
    return str(described[topic].result().topic_id)


def _make_ledger(admin: AdminClient, topics: TopicSettings, stop: Stop) -> None:
    name = topics.replayed_dead_letters
    if name in admin.list_topics(timeout=_REQUEST_TIMEOUT_S).topics:
        return
    create_topics(admin, [plan for plan in plan_topics(topics, partitions=1, replicas=-1) if plan.name == name])
    for _ in range(round(_VISIBLE_WITHIN_S / _LOOK_EVERY_S)):
        if name in admin.list_topics(timeout=_REQUEST_TIMEOUT_S).topics:
            return
        stop.wait(_LOOK_EVERY_S)
    raise WorkerFailed(f"topic {name!r} was made, and the broker does not show it yet: run the command again")


def _batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    """Some hundreds at a time, or fewer where they are long."""
    batch: list[DeadLetter] = []
    size = 0
    for letter in letters:
        batch.append(letter)
        size += len(letter.record.value or b"")
        if len(batch) == _BATCH_SIZE or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
