"""Bytes to transactions or reasons: what the topic may hold, and what becomes of it."""

from __future__ import annotations

import json
import math
import random
import struct
from datetime import UTC, datetime

import numpy as np
import pytest

from stream.contracts import LATEST_EPOCH_MS, DeadLetterReason, Transaction
from stream.decoding import InputNameUnusable, TransactionDecoder, event_time_of
from stream.diagnosis import Rejection

DECODER = TransactionDecoder(["V1", "amount", "A name with spaces"], max_bytes=1000)


def record(**fields: object) -> bytes:
    return json.dumps({"transaction_id": "t-1", "event_time": 1_700_000_000_000, **fields}).encode()


def accepted(value: bytes) -> Transaction:
    decoded = DECODER.decode(value)
    assert isinstance(decoded, Transaction), decoded
    return decoded


def rejected(value: bytes | None) -> Rejection:
    decoded = DECODER.decode(value)
    assert isinstance(decoded, Rejection), decoded
    return decoded


@pytest.mark.parametrize(
    ("value", "reason", "named"),
    [
        (None, DeadLetterReason.TOMBSTONE, "tombstone"),
        (b"", DeadLetterReason.EMPTY_VALUE, "empty"),
        (b" \n ", DeadLetterReason.EMPTY_VALUE, "empty"),
        (b"{'a': 1}", DeadLetterReason.NOT_JSON, "JSON"),
        (record()[:-1], DeadLetterReason.NOT_JSON, "JSON"),
        (record() + b"x", DeadLetterReason.NOT_JSON, "JSON"),
        (b"\xef\xbb\xbf" + record(), DeadLetterReason.NOT_JSON, "JSON"),
        (record(transaction_id="\ud800"), DeadLetterReason.NOT_JSON, "JSON"),
        (b"[1]", DeadLetterReason.NOT_AN_OBJECT, "an array"),
        (b'"text"', DeadLetterReason.NOT_AN_OBJECT, "a string"),
        (b"null", DeadLetterReason.NOT_AN_OBJECT, "null"),
        (b"12", DeadLetterReason.NOT_AN_OBJECT, "a number"),
        (b'{"transaction_id":"\xff","event_time":1}', DeadLetterReason.INVALID_UTF8, "UTF-8"),
        (b'{"transaction_id":"a","event_time":1,"ignored":"\xff"}', DeadLetterReason.INVALID_UTF8, "UTF-8"),
        (b'{"event_time":1}', DeadLetterReason.MISSING_FIELD, "transaction_id"),
        (record(transaction_id=None), DeadLetterReason.MISSING_FIELD, "transaction_id"),
        (b'{"transaction_id":"a"}', DeadLetterReason.MISSING_FIELD, "event_time"),
        (record(transaction_id=""), DeadLetterReason.EMPTY_ID, "transaction_id"),
        (record(transaction_id=7), DeadLetterReason.WRONG_TYPE, "transaction_id"),
        (record(transaction_id="x" * 513), DeadLetterReason.TOO_LONG, "transaction_id"),
        (record(account_id=7), DeadLetterReason.WRONG_TYPE, "account_id"),
        (record(currency=["EUR"]), DeadLetterReason.WRONG_TYPE, "currency"),
        (record(holder_phone=4915112345678), DeadLetterReason.WRONG_TYPE, "holder_phone"),
        (record(holder_email="x" * 255), DeadLetterReason.TOO_LONG, "holder_email"),
        (record(holder_locale={"de": 1}), DeadLetterReason.WRONG_TYPE, "holder_locale"),
        (record(amount="12.50"), DeadLetterReason.WRONG_TYPE, "amount"),
        (record(V1="1.5"), DeadLetterReason.WRONG_TYPE, "V1"),
        (record(V1=True), DeadLetterReason.WRONG_TYPE, "V1"),
        (record(V1={}), DeadLetterReason.WRONG_TYPE, "V1"),
        (record(V1=math.nan), DeadLetterReason.NON_FINITE, "NaN"),
        (record(V1=math.inf), DeadLetterReason.NON_FINITE, "Infinity"),
        (record(V1=-math.inf), DeadLetterReason.NON_FINITE, "Infinity"),
        (record(V1=0).replace(b'"V1": 0', b'"V1": 1e999'), DeadLetterReason.NON_FINITE, "V1"),
        (record(V1=10**400), DeadLetterReason.NON_FINITE, "V1"),
        (record(event_time=True), DeadLetterReason.WRONG_TYPE, "event_time"),
        (record(event_time=1.5), DeadLetterReason.WRONG_TYPE, "event_time"),
        (record(event_time="2026-01-31T12:00:00"), DeadLetterReason.INVALID_EVENT_TIME, "event_time"),
        (record(event_time="yesterday"), DeadLetterReason.INVALID_EVENT_TIME, "event_time"),
        (record(event_time=-1), DeadLetterReason.INVALID_EVENT_TIME, "event_time"),
        (record(event_time=10**18), DeadLetterReason.INVALID_EVENT_TIME, "event_time"),
        (record(event_time=10**40), DeadLetterReason.INVALID_EVENT_TIME, "event_time"),
        (record(x="y" * 1000), DeadLetterReason.TOO_LONG, "1000"),
        (record(x=0).replace(b"0}", b"[" * 300 + b"]" * 300 + b"}"), DeadLetterReason.TOO_DEEP, "nested"),
        (b"[" * 900, DeadLetterReason.TOO_DEEP, "nested"),
    ],
)
def test_a_bad_value_is_rejected_with_its_reason(value: bytes | None, reason: DeadLetterReason, named: str) -> None:
    rejection = rejected(value)

    assert rejection.reason is reason
    assert named in rejection.message


def test_a_rejection_never_quotes_a_value() -> None:
    card = "4111111111111111"

    for value in (record(account_id=[card]), record(V1=card), record(event_time=card), card.encode() + b"x"):
        assert card not in rejected(value).message


def test_missing_and_null_inputs_are_missing_and_unknown_fields_ignored() -> None:
    matrix = DECODER.matrix([accepted(record(V1=None, unknown={"nested": [1]})), accepted(record(V1=-2, amount=3))])

    np.testing.assert_array_equal(matrix, [[np.nan, np.nan, np.nan], [-2.0, 3.0, np.nan]])
    assert matrix.dtype == np.float64


def test_brackets_inside_strings_do_not_nest() -> None:
    assert accepted(record(note='[{"' * 100)).transaction_id == "t-1"


def test_numbers_arrive_bit_for_bit() -> None:
    source = random.Random(7)
    decoder = TransactionDecoder(["V1"], max_bytes=1000)
    for _ in range(20_000):
        (number,) = struct.unpack("<d", source.randbytes(8))
        if not math.isfinite(number):
            continue
        decoded = decoder.decode(record(V1=number))
        assert isinstance(decoded, Transaction)
        assert struct.pack("<d", decoder.matrix([decoded])[0, 0]) == struct.pack("<d", number)


@pytest.mark.parametrize("event_time", [1_767_225_600_000, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"])
def test_event_times_of_both_kinds_are_the_same_instant(event_time: int | str) -> None:
    assert event_time_of(accepted(record(event_time=event_time))) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event_time", "epoch_ms"),
    [
        (0, 0),
        (LATEST_EPOCH_MS, LATEST_EPOCH_MS),
        (1_700_000_000_001, 1_700_000_000_001),
        ("2023-11-14T22:13:20.001Z", 1_700_000_000_001),
        ("2023-11-15T03:43:20.001999+05:30", 1_700_000_000_001),
        ("1969-12-31T23:59:59.999900Z", -1),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
    ],
)
def test_moments_are_whole_milliseconds_whatever_their_zone(event_time: int | str, epoch_ms: int) -> None:
    times = DECODER.times([accepted(record(event_time=event_time))] * 2)

    assert (times.dtype, times.tolist()) == (np.dtype(np.int64), [epoch_ms] * 2)
    assert DECODER.times([]).shape == (0,)


def test_an_input_called_like_a_text_field_is_refused_at_start() -> None:
    with pytest.raises(InputNameUnusable, match="currency"):
        TransactionDecoder(["V1", "currency"], max_bytes=1000)


@pytest.mark.parametrize("inputs", [["V1"], ["V1", "V2"]])
def test_the_matrix_has_a_row_for_each_transaction_and_a_column_for_each_input(inputs: list[str]) -> None:
    decoder = TransactionDecoder(inputs, max_bytes=1000)
    transactions = [item for item in (decoder.decode(record(V1=1)),) if isinstance(item, Transaction)]

    assert decoder.matrix(transactions).shape == (1, len(inputs))
    assert decoder.matrix([]).shape == (0, len(inputs))


@pytest.mark.parametrize("name", ['x"q', "a\\b", "new\nline", ""])
def test_an_input_with_a_name_that_no_record_can_show_is_refused_at_start(name: str) -> None:
    with pytest.raises(InputNameUnusable, match="rename"):
        TransactionDecoder(["V1", name], max_bytes=1000)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        b"",
        b"{",
        record(V1="no number"),
        record(V1=float("inf")),
        record(event_time=-1),
        record(account_id="Zürich"),
        b'{"transaction_id":"t","event_time":1,"ignored":"\xff"}',
        record(ignored={"a": [1, {"b": 2}]}),
        record(ignored="[{"),
        b'{"transaction_id":"t","event_time":1,"deep":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"transaction_id":"t","event_time":1,"deep":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}",
        record(ignored="x" * 1_000),
    ],
)
def test_a_record_says_the_same_alone_and_among_others(odd: bytes | None) -> None:
    """What is decoded for a whole batch at once must not hang on the batch."""
    plain = [record(transaction_id=f"t-{at}", V1=at) for at in range(5)]
    empty = [b"x"] * 6_000  # no bracket of their own, where brackets are counted for all

    for values in ([odd], [*plain, odd], [odd, *plain], [odd, *empty]):
        assert DECODER.decode_all(values) == [DECODER.decode(value) for value in values]


def test_a_batch_of_none_is_none() -> None:
    assert DECODER.decode_all([]) == []
