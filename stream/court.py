"""Who judges the stream: one judge, and at a batch's boundary perhaps the next one."""

from __future__ import annotations

from collections.abc import Sequence

from stream.judging import Judge, Judged
from stream.records import Record


class Court:
    """The judge in office.

    Args:
        judge: The first one.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def judge(self, records: Sequence[Record]) -> Judged:
        """One answer for each record of a batch, in its order."""
        return self._judge.judge(records)

    def committed(self, records: Sequence[Record], judged: Judged) -> None:
        """Told of each batch whose answers stand for good."""
