"""A batch of records to verdicts and dead letters (pure, but for the clock that is passed in)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from model.scoring.scorer import Scorer
from stream.contracts import (
    CONTENT_TYPE_HEADER,
    JSON_CONTENT_TYPE,
    MAX_KEY_BYTES,
    SCHEMA_VERSION,
    SCHEMA_VERSION_HEADER,
    TRACEPARENT_HEADER,
    VERDICT_HEADER,
    DeadLetterReason,
    ModelRef,
    Reason,
    Ruling,
    Source,
    Transaction,
    Verdict,
)
from stream.dead_letters import dead_letter
from stream.decoding import TransactionDecoder, event_time_of
from stream.diagnosis import Rejection
from stream.errors import ScorerBroken
from stream.records import Headers, Outgoing, Record, first_header
from stream.settings import TopicSettings

log = structlog.get_logger()

# A version 00 traceparent has 55 characters; what is much longer is none and would only swell the verdict.
_LONGEST_TRACEPARENT = 256

_MOST_REASONS = 5

_HEADERS: Final[Mapping[Ruling, Headers]] = {
    ruling: (
        (CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE),
        (SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode()),
        (VERDICT_HEADER, ruling.encode()),
    )
    for ruling in Ruling
}


@dataclass(frozen=True)
class Judged:
    """What a batch came to.

    Attributes:
        outgoing: One record for each of the batch, in its order.
        verdicts: Those of the valid transactions, with the record that each rests on.
        frauds: How many of the verdicts say so.
        rejections: Why the others are dead letters.
        scoring_seconds: What the model took for the whole batch.
        missing: For each input of the model how many of the transactions came without it.
        event_ages: float64[k], seconds from the transactions' own times to their verdicts, of each verdict.
        record_ages: float64[m], seconds from Kafka's timestamps to the verdicts, where a record has one.
    """

    outgoing: Sequence[Outgoing]
    verdicts: Sequence[tuple[Record, Verdict]]
    frauds: int
    rejections: Sequence[Rejection]
    scoring_seconds: float
    missing: Mapping[str, int]
    event_ages: NDArray[np.float64]
    record_ages: NDArray[np.float64]


class _Finding(msgspec.Struct, frozen=True, gc=False):
    """What the model says of a transaction."""

    probability: float
    ruling: Ruling
    reasons: tuple[Reason, ...]


class Judge:
    """Decodes, scores in one call, explains the frauds in another, and writes one verdict or dead letter a record.

    Args:
        scorer: The model.
        topics: Where verdicts and dead letters go.
        max_record_bytes: A longer value is a dead letter.
        now: The time of day, with a zone.
        timer: Monotonic seconds.

    Raises:
        InputNameUnusable: The model cannot be fed from the transaction contract.
    """

    def __init__(
        self,
        scorer: Scorer,
        topics: TopicSettings,
        *,
        max_record_bytes: int,
        now: Callable[[], datetime],
        timer: Callable[[], float],
    ) -> None:
        self._scorer = scorer
        self._topics = topics
        self._verdict_topic = topics.verdicts
        self._decoder = TransactionDecoder(scorer.inputs, max_bytes=max_record_bytes)
        self._model = ModelRef(name=scorer.name, version=scorer.version)
        self._encode = msgspec.json.Encoder().encode
        self._now = now
        self._timer = timer

    def judge(self, records: Sequence[Record]) -> Judged:
        """Rules on every record of a batch; bad ones never keep good ones from their verdict.

        Raises:
            ScorerBroken: The model raises an error whatever it is given.
        """
        decode = self._decoder.decode
        decoded = [_too_long_a_key(record) or decode(record.value) for record in records]
        transactions = [item for item in decoded if isinstance(item, Transaction)]
        rows, times = self._decoder.matrix(transactions), self._decoder.times(transactions)
        started = self._timer()
        found = self._findings(rows, times)
        scoring_seconds = self._timer() - started

        scored_at, findings = self._now(), iter(found)
        now_ms = scored_at.timestamp() * 1000
        outgoing: list[Outgoing] = []
        verdicts: list[tuple[Record, Verdict]] = []
        rejections: list[Rejection] = []
        for record, item in zip(records, decoded, strict=True):
            finding = item if isinstance(item, Rejection) else next(findings)
            if isinstance(finding, Rejection):
                rejections.append(finding)
                outgoing.append(dead_letter(record, finding, topic=self._topics.dead_letters, now_ms=now_ms))
            else:
                assert isinstance(item, Transaction)
                verdict = self._verdict(record, item, finding, scored_at)
                verdicts.append((record, verdict))
                outgoing.append(self._write(record, verdict))
        failed = [one.message for one in rejections if one.reason is DeadLetterReason.SCORING_FAILED]
        if failed:
            log.error(
                "the model cannot bear some records", model=self._model.version, records=len(failed), why=failed[0]
            )
        missing = dict(zip(self._scorer.inputs, np.isnan(rows).sum(axis=0).tolist(), strict=True))
        if failed:
            times = times[[isinstance(one, _Finding) for one in found]]
        stamped = np.array([record.timestamp_ms for record, _ in verdicts if record.timestamp_ms], np.int64)
        return Judged(
            outgoing,
            verdicts,
            sum(isinstance(one, _Finding) and one.ruling is Ruling.FRAUD for one in found),
            rejections,
            scoring_seconds,
            missing,
            event_ages=(now_ms - times) / 1000,
            record_ages=(now_ms - stamped) / 1000,
        )

    def _findings(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> list[_Finding | Rejection]:
        """What the model says of each row; where it raises an error, of which rows it does so."""
        try:
            return list(self._scored(rows, times))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a model may raise, its other rows get their verdicts)
            if len(rows) > 1:
                half = len(rows) // 2
                return [*self._findings(rows[:half], times[:half]), *self._findings(rows[half:], times[half:])]
            self._require_working()
            return [Rejection(DeadLetterReason.SCORING_FAILED, f"the model raised {type(error).__name__}")]

    def _require_working(self) -> None:
        """Tells a record that the model cannot bear from a model that bears none."""
        nothing_known = np.full((1, len(self._scorer.inputs)), np.nan)
        try:
            self._scored(nothing_known, np.zeros(1, np.int64))
        except Exception as error:  # noqa: BLE001 (as above)
            raise ScorerBroken(
                f"model {self._model.name!r} version {self._model.version} raises {type(error).__name__} "
                "whatever it is given; nothing of the batch was kept"
            ) from None

    def _scored(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> list[_Finding]:
        probabilities = self._scorer.score(rows, times)
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            message = "a probability outside 0 to 1"
            raise ValueError(message)
        fraud = probabilities >= self._scorer.threshold
        reasons = iter(self._scorer.reasons(rows[fraud], times[fraud], most=_MOST_REASONS))
        return [
            _Finding(probability, Ruling.FRAUD, tuple(Reason(*reason) for reason in next(reasons)))
            if is_fraud
            else _Finding(probability, Ruling.LEGITIMATE, ())
            for probability, is_fraud in zip(probabilities.tolist(), fraud.tolist(), strict=True)
        ]

    def _verdict(self, record: Record, item: Transaction, finding: _Finding, scored_at: datetime) -> Verdict:
        return Verdict(
            transaction_id=item.transaction_id,
            account_id=item.account_id,
            event_time=event_time_of(item),
            amount=item.amount,
            currency=item.currency,
            verdict=finding.ruling,
            fraud_probability=finding.probability,
            threshold=self._scorer.threshold,
            model=self._model,
            source=Source(topic=record.topic, partition=record.partition, offset=record.offset),
            scored_at=scored_at,
            reasons=finding.reasons,
        )

    def _write(self, record: Record, verdict: Verdict) -> Outgoing:
        return Outgoing(
            self._verdict_topic,
            record.key or (verdict.account_id or verdict.transaction_id).encode(),
            self._encode(verdict),
            _HEADERS[verdict.verdict] if not record.headers else _headers(record, verdict),
        )


def _too_long_a_key(record: Record) -> Rejection | None:
    """A verdict has its transaction's key, and must fit where it is written."""
    if record.key is None or len(record.key) <= MAX_KEY_BYTES:
        return None
    message = f"the key has {len(record.key)} bytes, {MAX_KEY_BYTES} are read at most"
    return Rejection(DeadLetterReason.TOO_LONG, message)


def _headers(record: Record, verdict: Verdict) -> Headers:
    own = _HEADERS[verdict.verdict]
    traceparent = first_header(record.headers, TRACEPARENT_HEADER)
    if traceparent is None or len(traceparent) > _LONGEST_TRACEPARENT:
        return own
    return (*own, (TRACEPARENT_HEADER, traceparent))
