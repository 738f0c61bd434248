"""Dead letters to channels: what `fraud alerts replay` puts together."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from alerting.breaker import Breaker
from alerting.clock import SteadyClock
from alerting.composing import Composer
from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery, State
from alerting.ledger.reading import all_deliveries
from alerting.limits import LONGEST, Limiter
from alerting.notices import notice_id
from alerting.outbox import Outbox
from alerting.policies import ChannelPolicy, Surroundings
from alerting.preparing import Prepared, prepare
from alerting.replay import Letters, Sorting, letters_in, replays_name
from alerting.sending import Sending
from alerting.settings import AlertSettings
from alerting.silences import all_silences
from alerting.silencing import Hush
from alerting.site import links_of, mark_of
from alerting.unwritten import Destined, Unwritten
from stream import kafka as clients
from stream.errors import WorkerFailed
from stream.records import Outgoing
from stream.settings import KafkaSettings, TopicSettings
from stream.timeouts import timeouts
from stream.topic_reading import read_to_end
from stream.transaction import Outcome, TransactionalWriter

_WAIT_S: Final = 0.05
# Somebody waits for the command to end: what is not settled by then is the next replay's.
_LONGEST: Final = timedelta(minutes=2)
# The ledger keeps a fortnight (`fraud topics create`); a day less, for clocks and segments.
_REMEMBERED: Final = timedelta(days=13)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Attributes:
        sent: Notices that a provider took; without `execute`, those that would be sent.
        failed: Those that are dead letters again.
        unsure: Those of which nobody knows yet; the next replay goes on with them.
        held: Those that limits, silences or the recipient's wish hold back.
        gone: Those for whom the rules name no more.
        forgotten: Those that the ledger does not know any more, which may have been sent.
        unreadable: Dead letters that hold nothing that could be told.
        settled: Those that had been sent before, or that a worker is at.
    """

    sent: int = 0
    failed: int = 0
    unsure: int = 0
    held: int = 0
    gone: int = 0
    forgotten: int = 0
    unreadable: int = 0
    settled: int = 0


def replay_dead_letters(
    settings: AlertSettings, kafka: KafkaSettings, topics: TopicSettings, *, execute: bool
) -> Replayed:
    """Sends what reached nobody, and counts; without `execute` it only counts what it would send.

    Raises:
        Mendable: Settings or rules are wrong, or a grant is missing.
        WorkerFailed: Kafka did not take what was decided, or another replay runs.
    """
    now = SteadyClock()
    name = replays_name(settings.group_id)
    with ExitStack() as ending:
        prepared = ending.enter_context(prepare(settings))
        writer = TransactionalWriter(
            lambda: clients.transactional_producer(kafka, name), limits=timeouts(kafka.properties)
        )
        # Whoever writes fences an earlier replay off first, and reads what that one came to.
        if execute and not writer.open():
            raise WorkerFailed("the broker does not open transactions: try again")
        letters = letters_in(read_to_end(kafka, topics.alert_dead_letters))
        around = _surroundings(prepared, kafka, topics, mark_of(settings.acknowledge), now)
        due = Sorting(_known(kafka, topics, letters, around, now()), around, name, now(), _REMEMBERED).due(letters)
        counted = Replayed(
            sent=len(due.revivals),
            held=due.held,
            gone=due.gone,
            forgotten=due.forgotten,
            unreadable=letters.unreadable,
            settled=due.settled,
        )
        if not execute or not due.revivals:
            return counted
        composer = Composer(prepared.renderer, prepared.rulebook, links_of(settings.acknowledge))
        sending = ending.enter_context(Sending(prepared.channels, composer, timer=time.monotonic, now=now))
        destined = Destined(topics.alert_ledger, topics.alert_dead_letters, topics.alert_silences)
        book = Book()
        outbox = Outbox(book, replace(around, limits=Limiter({})), name=name)
        _put_back(due.revivals, book, outbox, now())
        counts = _send(book, outbox, sending, lambda records: writer.write(records, {}), destined, now=now)
        return replace(counted, sent=counts[State.SENT], failed=counts[State.DEAD], unsure=counts[State.AMBIGUOUS])


def _surroundings(
    prepared: Prepared,
    kafka: KafkaSettings,
    topics: TopicSettings,
    mark: Callable[[str], str] | None,
    now: Callable[[], datetime],
) -> Surroundings:
    hush = Hush(mark)
    for silence in all_silences(kafka, topics.alert_silences):
        hush.put(silence, now())
    return Surroundings(
        routes=prepared.rulebook,
        policies={name: _impatient(policy) for name, policy in prepared.policies.items()},
        limits=prepared.limiter,
        quiet=hush,
        gate=Breaker(),
        most_waiting=1_000_000_000,
        random=random.random,
        mark=mark,
    )


def _impatient(policy: ChannelPolicy) -> ChannelPolicy:
    """One attempt: who waits for a replay can have another."""
    return replace(policy, patience=replace(policy.patience, attempts=1))


def _known(
    kafka: KafkaSettings, topics: TopicSettings, letters: Letters, around: Surroundings, now: datetime
) -> dict[str, Delivery]:
    """The ledger's entries of what letters are about; what was sent lately counts for the limits."""
    wanted = {letter.delivery.id for letter in letters.addressed}
    for one in letters.unaddressed:
        alert = around.routes.alert(one.verdict)
        for to in around.routes.told(alert).destinations:
            wanted.add(notice_id(alert.id, to.receiver, to.channel, to.recipient.fingerprint(to.channel)))

    def matters(entry: Delivery) -> bool:
        return entry.id in wanted or (entry.state is State.SENT and entry.changed_at >= now - LONGEST)

    found = all_deliveries(kafka, topics.alert_ledger, wanted=matters)
    for entry in found:
        if entry.state is State.SENT:
            around.limits.take(entry.id, entry.channel, entry.recipient, entry.changed_at)
    return {entry.id: entry for entry in found if entry.id in wanted}


def _send(
    book: Book,
    outbox: Outbox,
    sending: Sending,
    write: Callable[[Sequence[Outgoing]], Outcome],
    topics: Destined,
    *,
    now: Callable[[], datetime],
) -> Counter[State]:
    """Sends what is in the book until each is sent, given up or unsure; every step is written before the next."""
    unwritten = Unwritten(topics)
    counts: Counter[State] = Counter()
    until = now() + _LONGEST
    while now() < until:
        attempts = outbox.due(now(), sending.room())
        unwritten.add(book.changes(), outbox.lost(), outbox.stopped())
        if unwritten and write(unwritten.records()) is not Outcome.COMMITTED:
            raise WorkerFailed("what became of notices could not be written down: replay again")
        counts.update(one.entry.state for one in unwritten.changes if isinstance(one.entry, Delivery))
        unwritten.written()
        for attempt in attempts:
            sending.begin(attempt)
        if not sending.on_their_way and not book.open_deliveries:
            break
        if not sending.on_their_way:
            time.sleep(_WAIT_S)
        for ended in sending.ended(wait_s=_WAIT_S):
            outbox.ended(ended)
    counts[State.AMBIGUOUS] = book.open_deliveries
    return counts


def _put_back(revivals: Sequence[tuple[int, Delivery]], book: Book, outbox: Outbox, now: datetime) -> None:
    by_partition: dict[int, list[Delivery]] = {}
    for partition, delivery in revivals:
        by_partition.setdefault(partition, []).append(delivery)
    for partition, some in by_partition.items():
        outbox.open(partition, some, now)
        for delivery in some:
            book.put(partition, delivery)
