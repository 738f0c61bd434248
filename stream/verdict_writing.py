"""Verdicts as JSON, most of it written once for a batch (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from stream.contracts import Holder, Instant, ModelRef, Probability, Reason, Ruling, Transaction
from stream.decoding import event_time_of
from stream.records import Record

_encode: Final = msgspec.json.Encoder().encode
_NOBODY: Final = Holder()


class _Beginning(msgspec.Struct, frozen=True, gc=False):
    """The fields of a `Verdict` that are another's in each: the first ones, in its order."""

    transaction_id: str
    account_id: str | None
    event_time: Instant
    amount: float | None
    currency: str | None
    verdict: Ruling
    fraud_probability: Probability


class VerdictWriting:
    """Writes the verdicts of one batch, as `msgspec` writes a `Verdict`, in half of the time.

    Args:
        model: Which ruled.
        threshold: Of the model.
        scored_at: When the batch was scored.
    """

    def __init__(self, model: ModelRef, *, threshold: float, scored_at: datetime) -> None:
        self._ruled_by = b',"threshold":%b,"model":%b,"source":{"topic":' % (_encode(threshold), _encode(model))
        self._scored_at = b'},"scored_at":%b,"reasons":' % _encode(scored_at)
        self._without_reasons = self._scored_at + b"[]}"
        self._sources: dict[tuple[str, int], bytes] = {}

    def value(
        self, record: Record, transaction: Transaction, ruling: Ruling, probability: float, reasons: Sequence[Reason]
    ) -> bytes:
        """A verdict's JSON.

        Args:
            record: That the transaction came in.
            transaction: What was judged.
            ruling: What it is.
            probability: Of fraud.
            reasons: Why it is a fraud.
        """
        beginning = _encode(
            _Beginning(
                transaction.transaction_id,
                transaction.account_id,
                event_time_of(transaction),
                transaction.amount,
                transaction.currency,
                ruling,
                probability,
            )
        )
        place = record.topic, record.partition
        source = self._sources.get(place)
        if source is None:
            source = self._sources[place] = self._source(*place)
        end = self._without_reasons if ruling is not Ruling.FRAUD else self._end(transaction, reasons)
        return b"%b%b%d%b" % (beginning[:-1], source, record.offset, end)

    def _end(self, transaction: Transaction, reasons: Sequence[Reason]) -> bytes:
        told = Holder(transaction.holder_phone, transaction.holder_email, transaction.holder_locale)
        holder = b"" if told == _NOBODY else b',"holder":%b' % _encode(told)
        return b"%b%b%b}" % (self._scored_at, _encode(reasons), holder)

    def _source(self, topic: str, partition: int) -> bytes:
        return b'%b%b,"partition":%d,"offset":' % (self._ruled_by, _encode(topic), partition)
