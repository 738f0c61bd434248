"""The verdicts of one topic in arrays, some thirty bytes each, so that millions fit into memory."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from stream.contracts import ModelRef, Probability, Ruling
from stream.offset_ranges import Range
from stream.records import Record


class SourcePartition(NamedTuple):
    """Where transactions stand that verdicts are of."""

    topic: str
    partition: int


@dataclass(frozen=True)
class Columns:
    """The verdicts on the transactions of one partition, one for each, in the order of the transactions.

    Attributes:
        offsets: int64[n], of the transactions, rising.
        probabilities: float64[n].
        frauds: bool[n].
        models: uint32[n], numbers in `VerdictColumns.models`.
        partitions: int32[n], of the verdict topic.
        places: int64[n], offsets in that partition.
        superseded: Earlier verdicts on the same transactions, which do not count.
    """

    offsets: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    frauds: NDArray[np.bool_]
    models: NDArray[np.uintc]
    partitions: NDArray[np.intc]
    places: NDArray[np.int64]
    superseded: int

    def __len__(self) -> int:
        return len(self.offsets)

    def within(self, range_: Range) -> Columns:
        """The rows whose transactions stand in a range of the partition."""
        rows = slice(*np.searchsorted(self.offsets, [range_.start, range_.end]).tolist())
        return Columns(
            offsets=self.offsets[rows],
            probabilities=self.probabilities[rows],
            frauds=self.frauds[rows],
            models=self.models[rows],
            partitions=self.partitions[rows],
            places=self.places[rows],
            superseded=self.superseded,
        )


class VerdictColumns:
    """Takes verdicts in, one after the other."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._parts: dict[SourcePartition, _Part] = {}
        self._numbers: dict[ModelRef, int] = {}
        self._decode = msgspec.json.Decoder(_Said).decode

    @property
    def models(self) -> list[ModelRef]:
        """Who ruled, by number."""
        return list(self._numbers)

    def add(self, record: Record) -> None:
        """Takes a record of a verdict topic; one that holds no verdict is counted as unreadable."""
        try:
            said = self._decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unreadable += 1
            return
        source = said.source
        part = self._parts.setdefault(SourcePartition(source.topic, source.partition), _Part())
        part.offsets.append(source.offset)
        part.probabilities.append(said.fraud_probability)
        part.frauds.append(said.verdict is Ruling.FRAUD)
        part.models.append(self._numbers.setdefault(said.model, len(self._numbers)))
        part.partitions.append(record.partition)
        part.places.append(record.offset)

    def settled(self) -> Mapping[SourcePartition, Columns]:
        """What counts: of several verdicts on one transaction the one that was taken in last. Nothing is kept here."""
        settled = {}
        while self._parts:
            at, part = self._parts.popitem()
            settled[at] = _settled(part)
        return settled


class _Place(msgspec.Struct, frozen=True):
    topic: str
    partition: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    offset: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Said(msgspec.Struct, frozen=True):
    """Of a verdict what is compared."""

    source: _Place
    fraud_probability: Probability
    verdict: Ruling
    model: ModelRef


@dataclass(frozen=True)
class _Part:
    offsets: array[int] = field(default_factory=lambda: array("q"))
    probabilities: array[float] = field(default_factory=lambda: array("d"))
    frauds: array[int] = field(default_factory=lambda: array("b"))
    models: array[int] = field(default_factory=lambda: array("I"))
    partitions: array[int] = field(default_factory=lambda: array("i"))
    places: array[int] = field(default_factory=lambda: array("q"))


def _settled(part: _Part) -> Columns:
    offsets = np.frombuffer(part.offsets, np.int64)
    order = _last_of_each(offsets)

    def column(values: array[Any], kind: type[np.generic]) -> NDArray[Any]:
        kept: NDArray[Any] = np.frombuffer(values, kind)[order]
        return kept

    kept = column(part.offsets, np.int64)
    return Columns(
        offsets=kept,
        probabilities=column(part.probabilities, np.float64),
        frauds=column(part.frauds, np.bool_),
        models=column(part.models, np.uintc),
        partitions=column(part.partitions, np.intc),
        places=column(part.places, np.int64),
        superseded=len(offsets) - len(kept),
    )


def _last_of_each(offsets: NDArray[np.int64]) -> NDArray[np.intp] | slice:
    """What to take to have the last of each offset, in order: everything, and no copy of it, where that is so."""
    if (offsets[1:] > offsets[:-1]).all():
        return slice(None)
    order = np.argsort(offsets, kind="stable")
    in_order = offsets[order]
    last: NDArray[np.intp] = order[np.append(in_order[1:] != in_order[:-1], True)]
    return last
