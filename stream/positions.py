"""How far each partition was read, and whether what comes next is what was due (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from stream.errors import WorkerFailed
from stream.records import Record

Partition: TypeAlias = tuple[str, int]


class Positions:
    """The next offset of each partition that a member owns.

    The client keeps its own; this one is there to notice where the two part: a record that comes twice, and a place
    that was to be read again and is passed over.
    """

    def __init__(self) -> None:
        self._due: dict[Partition, int] = {}
        self._exactly: dict[Partition, int] = {}
        self._placed: set[Partition] = set()

    def due(self, place: Partition) -> int | None:
        """The offset that comes next at the earliest; None where nothing was read yet."""
        return self._due.get(place)

    def without_stale(self, records: list[Record]) -> list[Record]:
        """Without those that come before the first that was due in a partition that was just assigned.

        The client had fetched them before the partition went, or before it was told where reading begins; whoever had
        the partition meanwhile has dealt with them.
        """
        if not self._placed:
            return records
        kept = []
        for record in records:
            place = (record.topic, record.partition)
            if place in self._placed:
                if record.offset < self._due[place]:
                    continue
                self._placed.discard(place)
            kept.append(record)
        return kept

    def read(self, records: Iterable[Record]) -> None:
        """Notes records in the order in which they came.

        Raises:
            WorkerFailed: One came twice, or those before it were passed over.
        """
        due = self._due
        for record in records:
            place = (record.topic, record.partition)
            if record.offset < due.get(place, 0):
                raise _astray(record, f"{due[place]} or later")
            if self._exactly and (wanted := self._exactly.pop(place, record.offset)) != record.offset:
                raise _astray(record, str(wanted))
            due[place] = record.offset + 1

    def begin(self, place: Partition, offset: int) -> None:
        """Notes where reading begins in a partition that was just assigned."""
        self.again(place, offset, record_there=False)
        self._placed.add(place)

    def again(self, place: Partition, offset: int, *, record_there: bool) -> None:
        """Notes that a partition is read from another place on.

        Args:
            place: The partition.
            offset: Where.
            record_there: Whether a record was read at this very offset before. Elsewhere a transaction's marker
                may stand, which no reader is shown.
        """
        self._due[place] = offset
        self._exactly.pop(place, None)
        if record_there:
            self._exactly[place] = offset

    def forget(self, places: Iterable[Partition]) -> None:
        """Of partitions that were taken away nothing is known any more."""
        for place in places:
            self._due.pop(place, None)
            self._exactly.pop(place, None)
            self._placed.discard(place)


def _astray(record: Record, due: str) -> WorkerFailed:
    return WorkerFailed(
        f"the consumer gave offset {record.offset} of partition {record.partition} of topic {record.topic!r} "
        f"where {due} was due; nothing of it was kept: start again from the committed offsets"
    )
