"""Notices that reached nobody, tried again: each dead letter once, under the id that it had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from alerting.dead_letters import lost_letter
from alerting.ledger.book import Book
from alerting.ledger.entries import Delivery, State
from alerting.ledger.writing import records_of
from alerting.outbox import Outbox
from alerting.policies import ChannelPolicy
from alerting.sending import Sending
from stream.contracts import DEAD_LETTER_PARTITION_HEADER, DEAD_LETTER_TOPIC_HEADER
from stream.errors import WorkerFailed
from stream.records import Record, first_header
from stream.transaction import Outcome, TransactionalWriter

_WAIT_S: Final = 0.05
_decode: Final = msgspec.json.Decoder(Delivery).decode


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter that can be tried again.

    Attributes:
        partition: Where its entry stands in the ledger.
        delivery: As it was when it was given up, with what it was to tell.
    """

    partition: int
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Attributes:
        sent: Notices that a provider took.
        failed: Those that are dead letters again.
        unsure: Those of which nobody knows; a worker goes on with them.
        unreadable: Dead letters that were no verdicts, and cannot be told of.
        settled: Those that had been sent before.
    """

    sent: int = 0
    failed: int = 0
    unsure: int = 0
    unreadable: int = 0
    settled: int = 0


def letters_in(records: Iterable[Record]) -> tuple[list[Letter], int]:
    """The last letter of each notice, and how many records have none that could be told of (pure)."""
    letters: dict[str, Letter] = {}
    unreadable = 0
    for record in records:
        partition = first_header(record.headers, DEAD_LETTER_PARTITION_HEADER)
        if first_header(record.headers, DEAD_LETTER_TOPIC_HEADER) is not None or partition is None:
            unreadable += 1
            continue
        try:
            delivery = _decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            unreadable += 1
            continue
        if delivery.verdict is None or not delivery.recipient:
            unreadable += 1
            continue
        letters[delivery.id] = Letter(int(partition), delivery)
    return list(letters.values()), unreadable


def revived(letter: Letter, policy: ChannelPolicy, now: datetime) -> Delivery:
    """A given-up notice as a new one, under its old id (pure)."""
    return replace(
        letter.delivery,
        state=State.PENDING,
        attempts=0,
        looks=0,
        due_at=now,
        changed_at=now,
        expires_at=now + policy.life,
        reason=None,
        detail=None,
    )


def replay(
    revivals: Iterable[tuple[int, Delivery]],
    *,
    book: Book,
    outbox: Outbox,
    sending: Sending,
    writer: TransactionalWriter,
    ledger_topic: str,
    dead_letter_topic: str,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Replayed:
    """Sends notices until each is sent, given up or unsure; every step is written down before the next.

    Args:
        revivals: Partition and notice.
        book: Empty.
        outbox: Decides, on that book.
        sending: The channels.
        writer: Of a transactional id that only replays have.
        ledger_topic: Where entries go.
        dead_letter_topic: Where those go that reach nobody again.
        now: The time of day, with a zone.
        sleep: Waits for seconds.

    Raises:
        WorkerFailed: What was decided could not be written down; the next replay goes on from there.
    """
    _put_back(revivals, book, outbox, now())
    counts: Counter[State] = Counter()
    while True:
        attempts = outbox.due(now(), sending.room())
        changes = book.changes()
        letters = [lost_letter(lost, topic=dead_letter_topic) for lost in outbox.lost()]
        outgoing = [*records_of(changes, topic=ledger_topic), *letters]
        if outgoing and writer.write(outgoing, {}) is not Outcome.COMMITTED:
            raise WorkerFailed("what became of notices could not be written down: replay again")
        counts.update(change.entry.state for change in changes if isinstance(change.entry, Delivery))
        for attempt in attempts:
            sending.begin(attempt)
        if not sending.on_their_way and book.next_due() is None:
            break
        if not sending.on_their_way:
            sleep(_WAIT_S)
        for ended in sending.ended(wait_s=_WAIT_S):
            outbox.ended(ended)
    return Replayed(sent=counts[State.SENT], failed=counts[State.DEAD], unsure=book.open_deliveries)


def _put_back(revivals: Iterable[tuple[int, Delivery]], book: Book, outbox: Outbox, now: datetime) -> None:
    by_partition: dict[int, list[Delivery]] = {}
    for partition, delivery in revivals:
        by_partition.setdefault(partition, []).append(delivery)
    for partition, some in by_partition.items():
        outbox.open(partition, some, now)
        for delivery in some:
            book.put(partition, delivery)
