"""What comes from a partition is what was due, or the worker ends."""

from __future__ import annotations

import pytest

from stream.errors import WorkerFailed
from stream.positions import Positions
from stream.records import Record

PLACE = ("t", 0)


def records(*offsets: int, partition: int = 0) -> list[Record]:
    return [Record("t", partition, offset, None, b"", (), 0) for offset in offsets]


def test_markers_of_transactions_leave_gaps_and_that_is_well() -> None:
    positions = Positions()

    positions.read(records(3, 4, 7))
    positions.read(records(0, partition=1))

    assert (positions.due(PLACE), positions.due(("t", 1)), positions.due(("t", 2))) == (8, 1, None)


def test_a_record_that_comes_twice_is_noticed() -> None:
    positions = Positions()
    positions.read(records(3, 4))

    with pytest.raises(WorkerFailed, match="gave offset 4 of partition 0 of topic 't' where 5 or later was due"):
        positions.read(records(4))


def test_after_an_abort_the_batch_comes_again_from_its_first_record() -> None:
    positions = Positions()
    positions.read(records(3, 4))
    positions.again(PLACE, 3, record_there=True)

    with pytest.raises(WorkerFailed, match=r"gave offset 4 .* where 3 was due"):
        positions.read(records(4))


def test_a_committed_offset_may_be_that_of_a_marker() -> None:
    positions = Positions()
    positions.read(records(3, 4))
    positions.again(PLACE, 5, record_there=False)

    positions.read(records(6))

    assert positions.due(PLACE) == 7


def test_of_a_partition_that_was_elsewhere_meanwhile_nothing_is_expected() -> None:
    positions = Positions()
    positions.read(records(3, 4))
    positions.again(PLACE, 3, record_there=True)
    positions.forget([PLACE])

    positions.read(records(0))

    assert positions.due(PLACE) == 1


def test_what_was_fetched_before_an_assignment_is_left_out_and_nothing_else() -> None:
    positions = Positions()
    positions.begin(PLACE, 5)

    kept = positions.without_stale([*records(0, 1, 5, 6), *records(0, partition=1)])
    positions.read(kept)

    assert [(record.partition, record.offset) for record in kept] == [(0, 5), (0, 6), (1, 0)]
    with pytest.raises(WorkerFailed, match="gave offset 2"):
        positions.read(positions.without_stale(records(2)))
