"""Bytes to transactions, or the reason why not (pure).

The fast path is one typed decode. What it refuses goes to `stream.diagnosis`, which may be slow.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from stream.contracts import LATEST_EPOCH_MS, DeadLetterReason, Transaction
from stream.diagnosis import MAX_NESTING, Rejection, diagnose, nesting
from stream.errors import Mendable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UNSAFE_IN_A_NAME: Final = re.compile(r'["\\\x00-\x1f]')
_AMOUNT: Final = "amount"
_NOT_NUMBERS: Final = tuple(name for name in Transaction.__struct_fields__ if name != _AMOUNT)


class InputNameUnusable(Mendable):
    """A model input cannot be a field of a transaction: its name is taken by text, or is none that JSON shows."""


class TransactionDecoder:
    """Decodes the transactions that one model scores.

    Args:
        inputs: The model's inputs, in its order; one at least.
        max_bytes: A longer value is refused unread.

    Raises:
        InputNameUnusable: An input is called like a field of the contract that is no number, or has a quote, a
            backslash or a control character in its name.
    """

    def __init__(self, inputs: Sequence[str], *, max_bytes: int) -> None:
        taken = [name for name in inputs if name in _NOT_NUMBERS]
        if taken:
            raise InputNameUnusable(
                f"model inputs {', '.join(taken)} are no numbers in the transaction contract",
                remedy="rename these columns and train again",
            )
        if odd := [name for name in inputs if not name or _UNSAFE_IN_A_NAME.search(name)]:
            raise InputNameUnusable(
                f"model inputs {', '.join(map(repr, odd))} have quotes, backslashes or control characters",
                remedy="rename these columns and train again",
            )
        self._inputs = tuple(inputs)
        self._max_bytes = max_bytes
        # Inputs may have any name, attributes may not; `amount` is both a field of the contract and an input.
        own = {f"input_{at}": name for at, name in enumerate(inputs) if name != _AMOUNT}
        scorable: Any = msgspec.defstruct(
            "ScorableTransaction",
            # What is missing need not be looked at again; null is None, as in every Struct.
            [(attribute, float | None, math.nan) for attribute in own],
            bases=(Transaction,),
            rename=own,
            frozen=True,
            kw_only=True,
            gc=False,
        )
        self._decode: Callable[[bytes], Transaction] = msgspec.json.Decoder(scorable).decode
        self._own = slice(len(Transaction.__struct_fields__), None)
        self._own_inputs = len(own)
        self._pack = struct.Struct(f"{len(own)}d").pack
        self._amount = self._inputs.index(_AMOUNT) if _AMOUNT in self._inputs else None

    def decode_all(self, values: Sequence[bytes | None]) -> list[Transaction | Rejection]:
        """What `decode` says of each, in less time where nothing is wrong with any."""
        whole = [value for value in values if value is not None]
        if len(whole) == len(values) and self._look_plain(whole):
            try:
                transactions = list(map(self._decode, whole))
            except (msgspec.DecodeError, RecursionError):
                pass  # the slower way says of which, and why
            else:
                if all(map(_has_its_time, transactions)):
                    return [*transactions]
        return [self.decode(value) for value in values]

    def decode(self, value: bytes | None) -> Transaction | Rejection:
        """The transaction in a record's value, or why there is none. Raises nothing for what is in `value`."""
        if value is None:
            return Rejection(DeadLetterReason.TOMBSTONE, "the record has no value (a tombstone)")
        if len(value) > self._max_bytes:
            found = f"the value has {len(value)} bytes, {self._max_bytes} are read at most"
            return Rejection(DeadLetterReason.TOO_LONG, found)
        # Most records have the one bracket that they begin with: to look for another is cheaper than to count them.
        nested = value.find(b"{", 1) >= 0 or value.find(b"[", 1) >= 0
        if nested and value.count(b"{") + value.count(b"[") > MAX_NESTING and nesting(value) > MAX_NESTING:
            return Rejection(DeadLetterReason.TOO_DEEP, f"nested deeper than {MAX_NESTING} levels; send a flat object")
        try:
            if not value.isascii():
                value.decode()  # fields that are ignored are skipped undecoded, but a record is UTF-8 as a whole
            transaction = self._decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError) as refusal:
            return diagnose(value, self._inputs, refusal)
        return transaction if _has_its_time(transaction) else diagnose(value, self._inputs, None)

    def _look_plain(self, values: Sequence[bytes]) -> bool:
        """Whether all are short and ASCII, with the one bracket that a flat object has."""
        joined = b"".join(values)
        return (
            joined.isascii()
            and joined.count(b"{") <= len(values)
            and b"[" not in joined
            and max(map(len, values), default=0) <= self._max_bytes
        )

    def matrix(self, transactions: Sequence[Transaction]) -> NDArray[np.float64]:
        """The model inputs of decoded transactions: float64[n, d], NaN where missing or null."""
        own = self._matrix_of_own(transactions)
        if self._amount is None:
            return own
        amounts = np.array([transaction.amount for transaction in transactions], dtype=np.float64)
        return np.insert(own, self._amount, amounts, axis=1)

    def _matrix_of_own(self, transactions: Sequence[Transaction]) -> NDArray[np.float64]:
        """The inputs that are no fields of the contract: float64[n, d or d - 1], in their order."""
        pack, own = self._pack, self._own
        shape = len(transactions), self._own_inputs
        try:
            # Half the time of an array of tuples; it cannot pack None.
            packed = b"".join([pack(*astuple(transaction)[own]) for transaction in transactions])
        except struct.error:
            return np.array([astuple(one)[own] for one in transactions], dtype=np.float64).reshape(shape)
        return np.frombuffer(packed, np.float64).reshape(shape)

    @staticmethod
    def times(transactions: Sequence[Transaction]) -> NDArray[np.int64]:
        """When decoded transactions happened: int64[n], whole epoch milliseconds UTC."""
        moments = [transaction.event_time for transaction in transactions]
        return np.array([one if isinstance(one, int) else (one - _EPOCH) // _MILLISECOND for one in moments], np.int64)


def _has_its_time(transaction: Transaction) -> bool:
    """Whether its time is one that the contract knows, where it is a number."""
    return not isinstance(transaction.event_time, int) or 0 <= transaction.event_time <= LATEST_EPOCH_MS


def event_time_of(transaction: Transaction) -> datetime:
    """When the transaction happened; epoch milliseconds become UTC."""
    if isinstance(transaction.event_time, int):
        return _EPOCH + timedelta(milliseconds=transaction.event_time)
    return transaction.event_time
