"""What people want no notices of: silences, acknowledgements, blocked accounts, each with author and reason (pure).

A silence names alerts by the routing file's conditions, or the group that was acknowledged, or a recipient who wants
nothing more on a channel.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from alerting.alert import Alert
from alerting.ledger.entries import Held
from alerting.routing.matching import Conditions, ConditionUnclear, condition, matches
from stream.contracts import Instant

LONGEST_AUTHOR: Final = 200
LONGEST_REASON: Final = 500

_ACCOUNT: Final = "account_id"


class Kind(StrEnum):
    """Why there is a silence."""

    SILENCE = "silence"
    ACKNOWLEDGED = "acknowledged"
    BLOCKED = "blocked"
    STOPPED = "stopped"


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, as it stands in topic `alerts.silences`; the last of an id counts."""

    id: str
    kind: Kind = Kind.SILENCE
    conditions: Annotated[
        dict[str, list[str | None]], Meta(description="Field to alternatives, in the routing file's language")
    ] = {}
    group: Annotated[str | None, Meta(description="Id of the group that was acknowledged")] = None
    account: Annotated[str | None, Meta(description="What stands for the account that was acknowledged")] = None
    channel: Annotated[str | None, Meta(description="Where a recipient wants nothing more")] = None
    recipient: Annotated[str | None, Meta(description="Fingerprint of who wants nothing more")] = None
    author: Annotated[str, Meta(min_length=1, max_length=LONGEST_AUTHOR)]
    reason: Annotated[str, Meta(min_length=1, max_length=LONGEST_REASON)]
    created_at: Instant
    starts_at: Instant
    ends_at: Instant

    def is_active(self, now: datetime) -> bool:
        """Whether it holds anything back."""
        return self.starts_at <= now < self.ends_at


def understood(conditions: Mapping[str, list[str | None]]) -> Conditions:
    """Conditions that alerts can be held against.

    Raises:
        ConditionUnclear: One of them cannot be understood.
    """
    return {name: condition(name, alternatives) for name, alternatives in conditions.items()}


def flaw(silence: Silence) -> str | None:
    """Why a silence is none, in words without an account's number; None where it is one.

    One that names nothing would hold everything back.
    """
    if silence.kind is Kind.STOPPED:
        return None if silence.channel and silence.recipient else "it names no recipient on a channel"
    if silence.group is None and silence.account is None and not silence.conditions:
        return "it names neither a group nor an account nor conditions"
    try:
        understood(silence.conditions)
    except ConditionUnclear as unclear:
        return unclear.problem
    return None


class Hush:
    """The silences in force. Used by one thread.

    Those of one account, of which there may be many, are found by its number, or by what stands for it.

    Args:
        mark: What stands for an account; None where alerts are not answered.
    """

    def __init__(self, mark: Callable[[str], str] | None = None) -> None:
        self._mark = mark
        self._stops: set[tuple[str, str]] = set()
        self._by_id: dict[str, Silence] = {}
        self._conditions: dict[str, Conditions] = {}
        self._of_account: dict[str, set[str]] = {}
        self._of_group: dict[str, set[str]] = {}
        self._of_mark: dict[str, set[str]] = {}
        self._others: set[str] = set()
        self._ends: list[tuple[datetime, str]] = []

    def put(self, silence: Silence, now: datetime) -> None:
        """A new one, or another state of a known one; without a `flaw`."""
        self._drop(silence.id)
        self._drop_ended(now)
        if silence.ends_at <= now:
            return
        self._by_id[silence.id] = silence
        heapq.heappush(self._ends, (silence.ends_at, silence.id))
        if silence.kind is Kind.STOPPED:
            if silence.channel is not None and silence.recipient is not None:
                self._stops.add((silence.channel, silence.recipient))
            return
        if silence.group is not None or silence.account is not None:
            if silence.group is not None:
                self._of_group.setdefault(silence.group, set()).add(silence.id)
            if silence.account is not None:
                self._of_mark.setdefault(silence.account, set()).add(silence.id)
            return
        self._conditions[silence.id] = understood(silence.conditions)
        self._place(silence).add(silence.id)

    def hushed(self, alert: Alert, group: str, now: datetime) -> Held | None:
        """What holds an alert of a group back; None where nothing does."""
        self._drop_ended(now)
        found: Held | None = None
        account = alert.verdict.account_id
        for name in [*self._others, *self._of_account.get(account or "", ())]:
            silence = self._by_id[name]
            if silence.is_active(now) and matches(self._conditions[name], alert):
                if silence.kind is Kind.SILENCE:
                    return Held.SILENCE
                found = Held.BLOCKED
        return Held.ACKNOWLEDGED if self._is_answered(group, account, now) else found

    def ends(self, group: str, account: str | None, now: datetime) -> Held | None:
        """What holds a group's digest back; None where nothing does.

        Only what is true of all that it counts: each alert was held against all silences when it came.

        Args:
            group: Its id.
            account: That all its alerts are of; None where they are of several.
            now: With a zone.
        """
        self._drop_ended(now)
        if self._is_answered(group, account, now):
            return Held.ACKNOWLEDGED
        of_account = (self._by_id[name] for name in self._of_account.get(account or "", ()))
        kinds = {one.kind for one in of_account if one.is_active(now) and one.conditions.keys() == {_ACCOUNT}}
        if Kind.SILENCE in kinds:
            return Held.SILENCE
        return Held.BLOCKED if Kind.BLOCKED in kinds else None

    def _is_answered(self, group: str, account: str | None, now: datetime) -> bool:
        """Whether somebody answered an alert of the group, or of the account, whichever receiver's it was."""
        names = list(self._of_group.get(group, ()))
        if self._of_mark and self._mark is not None and account is not None:
            names += self._of_mark.get(self._mark(account), ())
        return any(self._by_id[name].is_active(now) for name in names)

    def stopped(self, channel: str, recipient: str) -> bool:
        """Whether a recipient, by fingerprint, wants nothing more on a channel."""
        return (channel, recipient) in self._stops

    def stop(self, channel: str, recipient: str) -> None:
        """Notes that a recipient wants nothing more on a channel."""
        self._stops.add((channel, recipient))

    def _place(self, silence: Silence) -> set[str]:
        """Where a silence by conditions is looked for."""
        numbers = silence.conditions.get(_ACCOUNT, [])
        number = numbers[0] if len(numbers) == 1 else None
        if number is None or number.strip().startswith("!="):
            return self._others
        return self._of_account.setdefault(number, set())

    def _drop_ended(self, now: datetime) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            silence = self._by_id.get(name)
            if silence is not None and silence.ends_at <= now:
                self._drop(name)

    def _drop(self, name: str) -> None:
        silence = self._by_id.pop(name, None)
        if silence is None:
            return
        if silence.channel is not None and silence.recipient is not None:
            self._stops.discard((silence.channel, silence.recipient))
        self._conditions.pop(name, None)
        self._others.discard(name)
        named = (
            (self._of_account, (silence.conditions.get(_ACCOUNT) or [None])[0]),
            (self._of_group, silence.group),
            (self._of_mark, silence.account),
        )
        for places, key in named:
            if key is not None and key in places:
                places[key].discard(name)
                if not places[key]:
                    del places[key]
