"""A dead letter is the record as it came, and why."""

from __future__ import annotations

from stream.contracts import DeadLetterReason
from stream.dead_letters import dead_letter
from stream.diagnosis import Rejection
from stream.records import Record, first_offsets, offsets_after


def record(partition: int, offset: int) -> Record:
    headers = (("h", b"1"), ("h", None))
    return Record("transactions", partition, offset, b"key", b"\x00bad", headers, timestamp_ms=123)


def test_key_value_headers_and_timestamp_are_untouched() -> None:
    letter = dead_letter(
        record(2, 41), Rejection(DeadLetterReason.NOT_JSON, "not JSON"), topic="transactions.dlq", now_ms=123
    )

    assert (letter.topic, letter.key, letter.value, letter.timestamp_ms) == (
        "transactions.dlq",
        b"key",
        b"\x00bad",
        123,
    )
    assert letter.headers == (
        ("h", b"1"),
        ("h", None),
        ("dead-letter-source-topic", b"transactions"),
        ("dead-letter-source-partition", b"2"),
        ("dead-letter-source-offset", b"41"),
        ("dead-letter-reason", b"not_json"),
        ("dead-letter-message", b"not JSON"),
    )


def test_a_timestamp_far_ahead_which_the_topic_may_refuse_stands_in_a_header() -> None:
    hour_ms, why = 3_600_000, Rejection(DeadLetterReason.NOT_JSON, "not JSON")
    early = dead_letter(record(2, 41), why, topic="transactions.dlq", now_ms=123 - hour_ms)
    usual = dead_letter(record(2, 41), why, topic="transactions.dlq", now_ms=124)

    assert early.timestamp_ms == 0
    assert [pair for pair in early.headers if pair not in usual.headers] == [("dead-letter-source-timestamp", b"123")]
    assert early.headers[-5:] == usual.headers[-5:]


def test_the_offset_to_commit_is_one_after_the_last_and_to_rewind_to_is_the_first() -> None:
    batch = [record(0, 7), record(1, 3), record(0, 8)]

    assert offsets_after(batch) == {("transactions", 0): 9, ("transactions", 1): 4}
    assert first_offsets(batch) == {("transactions", 0): 7, ("transactions", 1): 3}
