"""A batch of records to verdicts and dead letters (pure, but for the clock that is passed in)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
    Ruling,
    Transaction,
)
from stream.dead_letters import dead_letter
from stream.decoding import TransactionDecoder
from stream.diagnosis import Rejection
from stream.findings import findings_of
from stream.records import Headers, Outgoing, Record, first_header
from stream.settings import TopicSettings
from stream.verdict_writing import VerdictWriting

log = structlog.get_logger()

# A version 00 traceparent has 55 characters; what is much longer is none and would only swell the verdict.
_LONGEST_TRACEPARENT = 256

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
        ruled: The records that got a verdict, in their order.
        rulings: What each of those is.
        rejections: Why the others are dead letters.
        scoring_seconds: What the model took for the whole batch.
        missing: For each input of the model how many of the transactions came without it.
        event_ages: float64[k], seconds from the transactions' own times to their verdicts, of each verdict.
        record_ages: float64[m], seconds from Kafka's timestamps to the verdicts, where a record has one.
    """

    outgoing: Sequence[Outgoing]
    ruled: Sequence[Record]
    rulings: Sequence[Ruling]
    rejections: Sequence[Rejection]
    scoring_seconds: float
    missing: Mapping[str, int]
    event_ages: NDArray[np.float64]
    record_ages: NDArray[np.float64]

    @property
    def frauds(self) -> int:
        """How many of the verdicts say so."""
        return self.rulings.count(Ruling.FRAUD)


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
        self._decoder = TransactionDecoder(scorer.inputs, max_bytes=max_record_bytes)
        self._model = ModelRef(name=scorer.name, version=scorer.version)
        self._now = now
        self._timer = timer

    def judge(self, records: Sequence[Record]) -> Judged:
        """Rules on every record of a batch; bad ones never keep good ones from their verdict.

        Raises:
            ScorerBroken: The model raises an error whatever it is given.
        """
        decoded = self._decoder.decode_all([record.value for record in records])
        for at, record in enumerate(records):
            if record.key is not None and len(record.key) > MAX_KEY_BYTES:
                decoded[at] = _too_long_a_key(record.key)
        transactions = [item for item in decoded if isinstance(item, Transaction)]
        rows, times = self._decoder.matrix(transactions), self._decoder.times(transactions)
        started = self._timer()
        found = findings_of(self._scorer, rows, times)
        scoring_seconds = self._timer() - started
        if found.failures:
            self._say_failed(list(found.failures.values()))
            decoded = _with_failures(decoded, found.failures)
            times = np.delete(times, list(found.failures))

        scored_at = self._now()
        now_ms = scored_at.timestamp() * 1000
        write = VerdictWriting(self._model, threshold=self._scorer.threshold, scored_at=scored_at).value
        answers, reasons = zip(found.rulings, found.probabilities, strict=True), iter(found.reasons)
        outgoing: list[Outgoing] = []
        ruled: list[Record] = []
        rejections: list[Rejection] = []
        topic, dead_letters = self._topics.verdicts, self._topics.dead_letters
        for record, item in zip(records, decoded, strict=True):
            if isinstance(item, Rejection):
                rejections.append(item)
                outgoing.append(dead_letter(record, item, topic=dead_letters, now_ms=now_ms))
            else:
                ruling, probability = next(answers)
                value = write(record, item, ruling, probability, next(reasons) if ruling is Ruling.FRAUD else ())
                key = record.key or (item.account_id or item.transaction_id).encode()
                headers = _headers(record, ruling) if record.headers else _HEADERS[ruling]
                ruled.append(record)
                outgoing.append(Outgoing(topic, key, value, headers))
        missing = dict(zip(self._scorer.inputs, np.isnan(rows).sum(axis=0).tolist(), strict=True))
        stamped = np.array([record.timestamp_ms for record in ruled if record.timestamp_ms], np.int64)
        return Judged(
            outgoing,
            ruled,
            found.rulings,
            rejections,
            scoring_seconds,
            missing,
            event_ages=(now_ms - times) / 1000,
            record_ages=(now_ms - stamped) / 1000,
        )

    def _say_failed(self, failures: Sequence[Rejection]) -> None:
        log.error(
            "the model cannot bear some records",
            model=self._model.version,
            records=len(failures),
            why=failures[0].message,
        )


def _with_failures(
    decoded: Sequence[Transaction | Rejection], failures: Mapping[int, Rejection]
) -> list[Transaction | Rejection]:
    """The same, with what failed instead of the transactions that it failed for.

    Args:
        decoded: Transactions, and rejections between them.
        failures: By their place among the transactions alone.
    """
    places = [place for place, item in enumerate(decoded) if isinstance(item, Transaction)]
    failed = {places[row]: failure for row, failure in failures.items()}
    return [failed.get(place, item) for place, item in enumerate(decoded)]


def _too_long_a_key(key: bytes) -> Rejection:
    """A verdict has its transaction's key, and must fit where it is written."""
    return Rejection(DeadLetterReason.TOO_LONG, f"the key has {len(key)} bytes, {MAX_KEY_BYTES} are read at most")


def _headers(record: Record, ruling: Ruling) -> Headers:
    own = _HEADERS[ruling]
    traceparent = first_header(record.headers, TRACEPARENT_HEADER)
    if traceparent is None or len(traceparent) > _LONGEST_TRACEPARENT:
        return own
    return (*own, (TRACEPARENT_HEADER, traceparent))
