"""How many dead letters there are of which kind, and the newest of them; values are counted in bytes, and not kept."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from stream.dead_letter_reading import DeadLetter


@dataclass(frozen=True, slots=True)
class Listed:
    """A dead letter without what is in it.

    Attributes:
        place: In the dead-letter topic, as `partition:offset`.
        reason: Why.
        message: Why, in words.
        topic: Where it stood before.
        partition: Of that topic.
        offset: In that partition.
        timestamp_ms: The record's own, milliseconds since 1970-01-01 UTC.
        key_bytes: How long its key is; None where it has none.
        value_bytes: How long its value is; None for a tombstone.
        replayed: Whether it was sent again.
    """

    place: str
    reason: str
    message: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key_bytes: int | None
    value_bytes: int | None
    replayed: bool


def listed(letter: DeadLetter, *, replayed: bool) -> Listed:
    """A dead letter without what is in it (pure)."""
    record = letter.record
    return Listed(
        place=letter.place,
        reason=letter.reason,
        message=letter.message,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        timestamp_ms=record.timestamp_ms,
        key_bytes=None if record.key is None else len(record.key),
        value_bytes=None if record.value is None else len(record.value),
        replayed=replayed,
    )


@dataclass
class Group:
    """Dead letters of one reason and one partition of their source.

    Attributes:
        reason: Why.
        topic: Where they stood before.
        partition: Of that topic.
        first_ms: The earliest record's timestamp, milliseconds since 1970-01-01 UTC.
        last_ms: The latest record's.
        count: How many.
        replayed: How many of them were sent again.
    """

    reason: str
    topic: str
    partition: int
    first_ms: int
    last_ms: int
    count: int = 0
    replayed: int = 0


class Overview:
    """Counts dead letters, and keeps the newest.

    Args:
        newest: So many are kept.
    """

    def __init__(self, newest: int) -> None:
        self._groups: dict[tuple[str, str, int], Group] = {}
        self._most = newest
        self._newest: list[tuple[int, int, int, Listed]] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(group.count for group in self._groups.values())

    @property
    def groups(self) -> list[Group]:
        """One for each reason and partition, the largest first."""
        return sorted(
            self._groups.values(), key=lambda group: (-group.count, group.reason, group.topic, group.partition)
        )

    @property
    def newest(self) -> list[Listed]:
        """Those with the latest timestamps, the latest first."""
        return [entry[-1] for entry in sorted(self._newest, reverse=True)]

    def add(self, letter: DeadLetter, *, replayed: bool) -> None:
        """Counts one.

        Args:
            letter: It.
            replayed: Whether it was sent again.
        """
        at = letter.record.timestamp_ms
        key = (letter.reason, letter.topic, letter.partition)
        group = self._groups.setdefault(key, Group(*key, first_ms=at, last_ms=at))
        group.first_ms, group.last_ms = min(group.first_ms, at), max(group.last_ms, at)
        group.count += 1
        group.replayed += replayed
        heapq.heappush(
            self._newest, (at, letter.record.partition, letter.record.offset, listed(letter, replayed=replayed))
        )
        if len(self._newest) > self._most:
            heapq.heappop(self._newest)
