"""Notices that reached nobody, tried again: which of the dead letters, and as what (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from alerting.channels import WhenUnsure
from alerting.ledger.book import OPEN
from alerting.ledger.entries import REPLAY, Delivery, State
from alerting.notices import OPERATOR, notice_of_alert, recipient_of
from alerting.policies import Limits, Quiet, Surroundings
from alerting.reading import Unreadable, fraud_in, written_at
from stream.contracts import DEAD_LETTER_PARTITION_HEADER, DEAD_LETTER_TOPIC_HEADER, Verdict
from stream.records import Record, first_header

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_decode = msgspec.json.Decoder(Delivery).decode


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
class Unaddressed:
    """A fraud of which it was not known whom to tell: its verdict could not be read, or a holder not be reached.

    Attributes:
        partition: Of the ledger.
        verdict: Readable by now.
        receiver: Whose holder could not be reached; None for everybody.
        channel: On which; None for all.
        at: When it was given up.
    """

    partition: int
    verdict: Verdict
    receiver: str | None
    channel: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Letters:
    """What a topic of dead letters holds.

    Attributes:
        addressed: The last of each notice.
        unaddressed: Frauds to be routed anew.
        unreadable: How many hold nothing that could be told.
    """

    addressed: Sequence[Letter] = ()
    unaddressed: Sequence[Unaddressed] = ()
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """What a replay does.

    Attributes:
        revivals: Partition and notice, under its old id, due now.
        settled: Notices that were sent since, or a worker is at.
        forgotten: Notices that the ledger does not know any more: they may have been sent.
        held: Notices that limits, silences or the recipient's wish hold back; they stay dead letters.
        gone: Notices for whom the rules, or the channels, name no more.
    """

    revivals: Sequence[tuple[int, Delivery]] = ()
    settled: int = 0
    forgotten: int = 0
    held: int = 0
    gone: int = 0


def letters_in(records: Iterable[Record]) -> Letters:
    """The last letter of each notice, and what has to be routed anew."""
    addressed: dict[str, Letter] = {}
    unaddressed: dict[tuple[object, ...], Unaddressed] = {}
    unreadable = 0
    for record in records:
        one = _read(record)
        if isinstance(one, Letter):
            addressed[one.delivery.id] = one
        elif isinstance(one, Unaddressed):
            unaddressed[one.partition, one.verdict.source, one.receiver, one.channel] = one
        else:
            unreadable += 1
    return Letters(list(addressed.values()), list(unaddressed.values()), unreadable)


@dataclass
class Sorting:
    """Decides which letters are sent once more.

    Args:
        known: The ledger's last entry of each notice.
        around: Rules, policies, limits with what was sent lately, and silences.
        name: The replay's, ends with `REPLAY`.
        now: With a zone.
        remembered: The ledger keeps entries for so long: of a younger letter without an entry nothing was sent.
    """

    known: Mapping[str, Delivery]
    around: Surroundings
    name: str
    now: datetime
    remembered: timedelta
    _revivals: dict[str, tuple[int, Delivery]] = field(default_factory=dict)
    _settled: int = 0
    _forgotten: int = 0
    _held: int = 0
    _gone: int = 0

    def due(self, letters: Letters) -> Due:
        """What is sent once more, and what is not and why."""
        for letter in letters.addressed:
            self._sort(letter)
        for one in letters.unaddressed:
            self._route(one)
        return Due(list(self._revivals.values()), self._settled, self._forgotten, self._held, self._gone)

    def _sort(self, letter: Letter) -> None:
        entry = self.known.get(letter.delivery.id)
        if entry is None:
            self._forgotten += 1
        elif self._is_open_to_replay(entry):
            self._revive(letter.partition, replace(letter.delivery, unsure=_may_have_been_sent(entry)))
        else:
            self._settled += 1

    def _route(self, one: Unaddressed) -> None:
        alert = self.around.routes.alert(one.verdict)
        for destination in self.around.routes.told(alert).destinations:
            if one.receiver is not None and (destination.receiver, destination.channel) != (one.receiver, one.channel):
                continue
            made = notice_of_alert(alert, destination, self.around.mark, now=self.now, expires_at=self.now)
            entry = self.known.get(made.id)
            if entry is not None and not self._is_open_to_replay(entry):
                self._settled += 1
            elif entry is None and one.at < self.now - self.remembered:
                self._forgotten += 1
            else:
                unsure = entry is not None and _may_have_been_sent(entry)
                self._revive(one.partition, replace(made, unsure=unsure))

    def _is_open_to_replay(self, entry: Delivery) -> bool:
        """Whether a notice reached nobody, or was an earlier replay's that did not end."""
        return entry.state is State.DEAD or (entry.state in OPEN and entry.by == self.name)

    def _revive(self, partition: int, delivery: Delivery) -> None:
        around, policy = self.around, self.around.policies.get(delivery.channel)
        if delivery.id in self._revivals:
            return
        if policy is None or recipient_of(delivery, around.routes) is None:
            self._gone += 1
        elif self._is_held(delivery, around.quiet, around.limits):
            self._held += 1
        else:
            around.limits.take(delivery.id, delivery.channel, delivery.recipient, self.now)
            again = revived(delivery, policy.when_unsure, self.now, self.now + policy.life)
            self._revivals[delivery.id] = (partition, replace(again, by=self.name))

    def _is_held(self, delivery: Delivery, quiet: Quiet, limits: Limits) -> bool:
        if quiet.stopped(delivery.channel, delivery.recipient):
            return True
        if delivery.tally is None and delivery.template != OPERATOR and delivery.verdict is not None:
            alert = self.around.routes.alert(delivery.verdict)
            if quiet.hushed(alert, delivery.group or "", self.now) is not None:
                return True
        return limits.free_at(delivery.channel, delivery.recipient, self.now)[0] > self.now


def _may_have_been_sent(entry: Delivery) -> bool:
    """What an earlier replay began, and did not end, may have been."""
    return entry.unsure or (entry.state in OPEN and entry.attempts > 0)


def revived(delivery: Delivery, when_unsure: WhenUnsure, now: datetime, expires_at: datetime) -> Delivery:
    """A given-up notice as a new one, under its old id; asked about first, where the provider may have it already."""
    asks = delivery.unsure and when_unsure is WhenUnsure.LOOK_UP
    return replace(
        delivery,
        state=State.AMBIGUOUS if asks else State.PENDING,
        attempts=0,
        looks=0,
        due_at=now,
        changed_at=now,
        expires_at=expires_at,
        reason=None,
        detail=None,
    )


def replays_name(group_id: str) -> str:
    """What stands in the ledger for who is at a notice; also the transactional id, which one replay has at a time."""
    return f"{group_id}{REPLAY}"


def _read(record: Record) -> Letter | Unaddressed | None:
    partition = first_header(record.headers, DEAD_LETTER_PARTITION_HEADER)
    if partition is None or not partition.isdigit():
        return None
    at = written_at(record, otherwise=_LONG_AGO)
    if first_header(record.headers, DEAD_LETTER_TOPIC_HEADER) is not None:
        return _of_record(record, int(partition), at)
    try:
        delivery = _decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if delivery.verdict is None:
        return None
    if not delivery.recipient:
        return Unaddressed(int(partition), delivery.verdict, delivery.receiver, delivery.channel, at)
    return Letter(int(partition), delivery)


def _of_record(record: Record, partition: int, at: datetime) -> Unaddressed | None:
    """A record that was no verdict: for this version it may be one."""
    try:
        verdict = fraud_in(record)
    except Unreadable:
        return None
    return None if verdict is None else Unaddressed(partition, verdict, None, None, at)
