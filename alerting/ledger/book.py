"""The ledger as one worker knows it: what is still open in the partitions that it owns, and what changed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from alerting.ledger.entries import Confirmation, Delivery, Entry, Group, State

OPEN: Final = frozenset({State.PENDING, State.SENDING, State.AMBIGUOUS})
# Notices that are over are known by so many of their ids: a verdict that is read again is told of once.
MOST_KNOWN: Final = 200_000


@dataclass(frozen=True, slots=True)
class Change:
    """A record to be written.

    Attributes:
        partition: Of the ledger.
        key: The record's.
        entry: What it holds; None deletes.
    """

    partition: int
    key: str
    entry: Entry | None


@dataclass
class _Page:
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


class Book:
    """Deliveries that are not over, and groups, by partition. Used by one thread.

    What is put in is noted as changed until `changes` gives it out, to be written. When something of a delivery or
    group comes due is kept in one heap, so that a turn asks only for what is.
    """

    def __init__(self) -> None:
        self._pages: dict[int, _Page] = {}
        self._changed: dict[tuple[int, str], Change] = {}
        self._due: list[tuple[datetime, int, str]] = []
        self._wakes: dict[tuple[int, str], datetime] = {}
        self._open: Counter[str] = Counter()
        self._over: dict[tuple[int, str], None] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Those that are open."""
        return frozenset(self._pages)

    @property
    def open_deliveries(self) -> int:
        """How many are not over."""
        return self._open.total()

    def open_on(self, channel: str) -> int:
        """How many of a channel are not over."""
        return self._open[channel]

    def open(self, partition: int, entries: Iterable[Entry], *, over: Iterable[str] = ()) -> None:
        """Begins with what the ledger holds of a partition; the last of each id counts.

        Args:
            partition: Which.
            entries: What is open, groups, and what counts for limits.
            over: Ids of notices that are over.
        """
        self.close(partition)
        self._pages[partition] = _Page()
        for name in over:
            self._is_over(partition, name)
        for entry in {(type(entry), entry.id): entry for entry in entries}.values():
            self._keep(partition, entry)

    def close(self, partition: int) -> None:
        """Forgets a partition that is another's now, changes included."""
        page = self._pages.pop(partition, None)
        if page is not None:
            self._open.subtract(one.channel for one in page.deliveries.values())
            self._over = {place: None for place in self._over if place[0] != partition}
        self._changed = {key: change for key, change in self._changed.items() if key[0] != partition}

    def put(self, partition: int, entry: Entry) -> None:
        """Notes a new state of an entry; of a partition that is not open it is not kept, but given out."""
        key = key_of(entry)
        self._changed[partition, key] = Change(partition, key, entry)
        if partition in self._pages:
            self._keep(partition, entry)

    def forget(self, partition: int, name: str) -> None:
        """Deletes a group, which another alert would begin anew."""
        if self._pages[partition].groups.pop(name, None) is not None:
            key = f"group/{name}"
            self._changed[partition, key] = Change(partition, key, None)

    def changes(self) -> Sequence[Change]:
        """What changed since it was asked last."""
        changed, self._changed = list(self._changed.values()), {}
        return changed

    def delivery(self, partition: int, name: str) -> Delivery | None:
        """A delivery that is not over."""
        page = self._pages.get(partition)
        return None if page is None else page.deliveries.get(name)

    def knows(self, partition: int, name: str) -> bool:
        """Whether there is, or lately was, a delivery of that id."""
        return (partition, name) in self._over or self.delivery(partition, name) is not None

    def deliveries(self, partition: int) -> list[Delivery]:
        """Those of a partition that are not over."""
        page = self._pages.get(partition)
        return [] if page is None else list(page.deliveries.values())

    def group(self, partition: int, name: str) -> Group | None:
        """A group, as far as this partition has alerts of it."""
        page = self._pages.get(partition)
        return None if page is None else page.groups.get(name)

    def everywhere(self, name: str) -> list[tuple[int, Group]]:
        """A group in all partitions that have alerts of it, by partition."""
        return [(at, page.groups[name]) for at, page in sorted(self._pages.items()) if name in page.groups]

    def wake(self, partition: int, name: str, at: datetime) -> None:
        """Has `due` name a delivery or group at that time, or before it where that is so already.

        Whoever is woken looks for itself whether its time has come, and has itself woken again where it has not.
        """
        known = self._wakes.get((partition, name))
        if known is None or at < known:
            self._wakes[partition, name] = at
            heapq.heappush(self._due, (at, partition, name))

    def due(self, now: datetime) -> Iterator[tuple[int, str]]:
        """Partition and id of what comes due, each once."""
        while self._due and self._due[0][0] <= now:
            at, partition, name = heapq.heappop(self._due)
            if self._wakes.get((partition, name)) != at:
                continue  # it was to be woken earlier, and was
            del self._wakes[partition, name]
            if partition in self._pages:
                yield partition, name

    def next_due(self) -> datetime | None:
        """When something comes due, if anything will."""
        return self._due[0][0] if self._due else None

    def _keep(self, partition: int, entry: Entry) -> None:
        page = self._pages[partition]
        if isinstance(entry, Confirmation):
            return
        if isinstance(entry, Group):
            page.groups[entry.id] = entry
            return
        was_open = entry.id in page.deliveries
        if entry.state in OPEN:
            page.deliveries[entry.id] = entry
            self._open[entry.channel] += not was_open
            if entry.due_at is not None:
                self.wake(partition, entry.id, entry.due_at)
            return
        self._is_over(partition, entry.id)
        if was_open:
            del page.deliveries[entry.id]
            self._open[entry.channel] -= 1

    def _is_over(self, partition: int, name: str) -> None:
        self._over[partition, name] = None
        if len(self._over) > MOST_KNOWN:
            del self._over[next(iter(self._over))]


def key_of(entry: Entry) -> str:
    """The key of an entry's record."""
    kind = {Delivery: "delivery", Group: "group", Confirmation: "confirmation"}[type(entry)]
    return f"{kind}/{entry.id}"
