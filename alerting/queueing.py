"""Deliver: what is due stands in line, and leaves as channels have room and breakers let it (no I/O)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from alerting.ledger.entries import Delivery
from alerting.policies import ChannelPolicy, Gate

# Where nothing leaves, lines are looked through for notices whose life is over no more often.
_LOOKED_THROUGH: Final = timedelta(seconds=1)

Place = tuple[int, str]


class Queue:
    """A line for everything that may be down by itself: a channel's provider, or one host of a channel.

    No host gets all threads of its channel before it has answered: one that hangs leaves some to the others. Used by
    one thread.

    Args:
        policies: Of each channel.
        gate: Keeps attempts back from what does not answer.
    """

    def __init__(self, policies: Mapping[str, ChannelPolicy], gate: Gate) -> None:
        self._policies = policies
        self._gate = gate
        self._lines: dict[str, deque[Place]] = {}
        self._standing: set[Place] = set()
        self._under_way: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self._looked_through: dict[str, datetime] = {}

    def key(self, delivery: Delivery) -> str:
        """What may be down by itself."""
        if self._policies[delivery.channel].one_provider:
            return delivery.channel
        return f"{delivery.channel}/{delivery.recipient}"

    def add(self, partition: int, delivery: Delivery) -> None:
        """A notice that is due."""
        place = (partition, delivery.id)
        if place not in self._standing:
            self._standing.add(place)
            self._lines.setdefault(self.key(delivery), deque()).append(place)

    def began(self, delivery: Delivery) -> None:
        """An attempt is on its way."""
        self._under_way[self.key(delivery)] += 1

    def ended(self, delivery: Delivery, *, is_accepted: bool) -> None:
        """It is over."""
        key = self.key(delivery)
        self._answered[key] = self._answered[key] + 1 if is_accepted else 0
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]

    def next(
        self,
        now: datetime,
        room: Mapping[str, int],
        *,
        due: Callable[[Place], Delivery | None],
        may_leave: Callable[[int, Delivery], bool],
        fits: Callable[[int, Delivery], bool],
    ) -> Iterator[tuple[int, Delivery]]:
        """Partition and notice of what leaves now; for each of them the caller says `began` before it takes the next.

        Args:
            now: With a zone.
            room: How many attempts more each channel takes.
            due: The notice at a place as it is now, where it is still due.
            may_leave: Asked of the first in line; False where something became of it instead.
            fits: The same, asked last: whoever stands before a gate that is shut keeps its place, whatever the limits.
        """
        left = dict(room)
        # One of each line after the other: a host with a long line does not take all the room there is.
        keys = deque(self._lines)
        while keys:
            key = keys.popleft()
            channel = key.partition("/")[0]
            first = self._first(key, now, due, may_leave, fits) if left[channel] > 0 else None
            if key in self._lines and not self._lines[key]:
                del self._lines[key]
                self._looked_through.pop(key, None)
            if first is not None:
                left[channel] -= 1
                if key in self._lines:
                    self._lines[key] = self._lines.pop(key)  # behind the others, also for the next turn
                    keys.append(key)
                yield first

    def _first(
        self,
        key: str,
        now: datetime,
        due: Callable[[Place], Delivery | None],
        may_leave: Callable[[int, Delivery], bool],
        fits: Callable[[int, Delivery], bool],
    ) -> tuple[int, Delivery] | None:
        """What leaves first of a line, taken out of it; None where nothing may now."""
        line = self._lines[key]
        while line and self._under_way[key] < self._most(key, key.partition("/")[0]):
            place = line[0]
            delivery = due(place)
            if delivery is None or not may_leave(place[0], delivery):
                self._standing.discard(line.popleft())
                continue
            if not self._gate.ready(key, now):
                self._look_through(key, now, due)
                return None
            self._standing.discard(line.popleft())
            if fits(place[0], delivery):
                return place[0], delivery
            self._gate.untried(key)
        return None

    def _most(self, key: str, channel: str) -> int:
        """As many as the channel takes, where all of them go to one provider, or a host has shown that it answers."""
        policy = self._policies[channel]
        if policy.one_provider:
            return 2 * policy.at_once
        return min(max(3 * policy.at_once // 4, 1) + self._answered[key], 2 * policy.at_once)

    def _look_through(self, key: str, now: datetime, due: Callable[[Place], Delivery | None]) -> None:
        """Lets go of what is due no more; `due` sees to those whose life is over."""
        last = self._looked_through.get(key)
        if last is not None and last <= now < last + _LOOKED_THROUGH:
            return
        self._looked_through[key] = now
        gone = {place for place in self._lines[key] if due(place) is None}
        self._standing -= gone
        self._lines[key] = deque(place for place in self._lines[key] if place not in gone)
