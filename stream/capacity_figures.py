"""A worker's costs out of the lines that `make bench` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from stream.capacity import Costs, fitted
from stream.errors import Mendable

_FIGURE: Final = "transactions scored exactly once"
_OURS: Final = "ours"


class FiguresUnusable(Mendable):
    """A file without the figures that a plan rests on."""


@dataclass(frozen=True)
class StreamCosts:
    """What one worker was seen to take.

    Attributes:
        points: Records of a batch, and the seconds that it took with its transaction.
        record_bytes: Of a transaction; None where no line says.
    """

    points: tuple[tuple[int, float], ...]
    record_bytes: float | None

    def costs(self, commit_s: float) -> Costs:
        """As a plan needs them.

        A worker with full batches judges one while the broker takes in another, so that its transactions seem to cost
        less than they do where batches are small: `commit_s` is what they cost at least.
        """
        line = fitted(self.points)
        return Costs(max(line.transaction_s, commit_s), line.record_s)


class _Line(msgspec.Struct):
    figure: str
    value: float | None = None
    unit: str | None = None
    batch: int | None = None
    bytes: float | None = None
    contender: str = _OURS


def stream_costs(lines: Iterable[bytes]) -> StreamCosts:
    """The throughput of one scorer, by batch size.

    Args:
        lines: JSON objects; other figures, and other contenders', are passed over.

    Raises:
        FiguresUnusable: A line is no such object, or none has the figure.
    """
    decode = msgspec.json.Decoder(_Line).decode
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise FiguresUnusable(
                f"line {number} of the figures is not a JSON object with a figure",
                remedy="give --figures a file of what `make bench` printed to stdout",
            ) from None
    ours = [one for one in found if one.figure == _FIGURE and one.contender == _OURS]
    points = tuple((one.batch, one.batch / one.value) for one in ours if one.batch and one.value and one.value > 0)
    if not points:
        raise FiguresUnusable(
            f"the figures have no line {_FIGURE!r} with a batch and a value above 0",
            remedy="run `make bench` and give --figures what it printed to stdout, or leave --figures out",
        )
    return StreamCosts(points, next((one.bytes for one in ours if one.bytes), None))
