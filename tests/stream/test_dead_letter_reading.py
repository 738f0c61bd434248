"""A dead letter is read as it was written, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from stream.contracts import DeadLetterReason
from stream.dead_letter_overview import Overview
from stream.dead_letter_reading import Choice, DeadLetter, letter_of
from stream.dead_letters import dead_letter
from stream.diagnosis import Rejection
from stream.records import Record

OWN = (("h", b"1"), ("h", None), ("traceparent", b"00-1"))


def written(
    source: Record, *, reason: DeadLetterReason = DeadLetterReason.NOT_JSON, partition: int = 0, offset: int = 0
) -> Record:
    """What a reader of the dead-letter topic gets for a record that was refused."""
    letter = dead_letter(source, Rejection(reason, f"it is {reason}"), topic="dlq", now_ms=source.timestamp_ms)
    return Record("dlq", partition, offset, letter.key, letter.value, letter.headers, letter.timestamp_ms)


def source(partition: int = 2, offset: int = 41, at: int = 1000) -> Record:
    return Record("transactions", partition, offset, b"key", b"bad", OWN, at)


def read(record: Record) -> DeadLetter:
    letter = letter_of(record)
    assert letter is not None
    return letter


def test_what_was_written_is_read() -> None:
    letter = read(written(source(), partition=3, offset=17))

    assert letter.place == "3:17"
    assert (letter.topic, letter.partition, letter.offset) == ("transactions", 2, 41)
    assert (letter.reason, letter.message) == ("not_json", "it is not_json")
    assert letter.headers == OWN


def test_of_a_record_that_was_a_dead_letter_before_the_newest_is_told() -> None:
    first = written(source(), reason=DeadLetterReason.TOO_LONG, partition=3, offset=17)

    letter = read(written(replace(first, topic="elsewhere")))

    assert (letter.topic, letter.partition, letter.offset, letter.reason) == ("elsewhere", 3, 17, "not_json")
    assert letter.headers == OWN


@pytest.mark.parametrize("number", range(5))
def test_a_record_that_lacks_one_of_the_headers_is_no_dead_letter(number: int) -> None:
    record = written(source())
    place = len(OWN) + number
    headers = (*record.headers[:place], *record.headers[place + 1 :])

    assert letter_of(replace(record, headers=headers)) is None


@pytest.mark.parametrize("said", [b"", b"-1", b"1.0", b"\xff", "٣".encode(), None])
def test_an_offset_that_is_no_number_makes_no_dead_letter(said: bytes | None) -> None:
    record = written(source())
    headers = tuple((name, said if name == "dead-letter-source-offset" else value) for name, value in record.headers)

    assert letter_of(replace(record, headers=headers)) is None


def test_a_choice_takes_what_meets_all_that_it_says() -> None:
    letter = read(written(source(partition=2, at=1000)))

    assert Choice().takes(letter)
    assert Choice().is_all
    for choice, takes in (
        (Choice(reasons={DeadLetterReason.NOT_JSON, DeadLetterReason.TOO_LONG}), True),
        (Choice(reasons={DeadLetterReason.TOO_LONG}), False),
        (Choice(partitions={1, 2}), True),
        (Choice(partitions={1}), False),
        (Choice(since_ms=1000), True),
        (Choice(since_ms=1001), False),
        (Choice(until_ms=1001), True),
        (Choice(until_ms=1000), False),
        (Choice(reasons={DeadLetterReason.NOT_JSON}, partitions={2}, since_ms=0, until_ms=2000), True),
        (Choice(reasons={DeadLetterReason.NOT_JSON}, partitions={3}, since_ms=0, until_ms=2000), False),
    ):
        assert choice.takes(letter) is takes, choice
        assert not choice.is_all


def test_an_overview_counts_all_and_keeps_the_newest() -> None:
    overview = Overview(newest=2)
    for offset, (reason, at) in enumerate(
        [
            (DeadLetterReason.NOT_JSON, 30),
            (DeadLetterReason.NOT_JSON, 10),
            (DeadLetterReason.TOO_LONG, 40),
            (DeadLetterReason.NOT_JSON, 20),
        ]
    ):
        record = written(source(at=at), reason=reason, offset=offset)
        overview.add(read(record), replayed=offset == 1)

    assert overview.count == 4
    groups = [
        (one.reason, one.partition, one.count, one.replayed, one.first_ms, one.last_ms) for one in overview.groups
    ]
    assert groups == [("not_json", 2, 3, 1, 10, 30), ("too_long", 2, 1, 0, 40, 40)]
    assert [(one.place, one.key_bytes, one.value_bytes) for one in overview.newest] == [("0:2", 3, 3), ("0:0", 3, 3)]


def test_an_overview_may_keep_none() -> None:
    overview = Overview(newest=0)
    overview.add(read(written(source())), replayed=False)

    assert (overview.count, overview.newest) == (1, [])
