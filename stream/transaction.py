"""The commit: verdicts, dead letters and the offsets that they answer, in one Kafka transaction.

The procedure, numbered as in the code: (1) begin, (2) produce, (3) flush, (4) offsets with the consumer's group
metadata (KIP-447), (5) commit. No transaction is open outside `TransactionalWriter.write`, so a rebalance, which
happens only in a poll, never meets one.

Errors are triaged in one place, in librdkafka's order (rdkafka.h, "Transactional producer API"): fatal, then
abortable, then retriable; anything else is fatal too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from stream.errors import DeliveryRefused, SlotTaken, WorkerFailed
from stream.records import Outgoing

log = structlog.get_logger()

# For a whole commit, retries included: above the transaction timeout, so that a broker that is back in time is
# not given up on, and with the abort below the poll interval, so that the group does not expel the worker.
COMMIT_BUDGET_S: Final = 20.0
ABORT_BUDGET_S: Final = 10.0

_FENCED: Final = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
}
# Refusals that the same bytes would meet again.
_FINAL: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}


Answer = TypeVar("Answer")


class Outcome(StrEnum):
    """How a batch's transaction ended."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class _MustAbort(Exception):
    """The transaction cannot be committed any more; another one can."""


class _TimeIsUp(Exception):
    """A call that may be repeated did not succeed within its budget."""


class Deadline:
    """Seconds left of a budget that several calls share.

    Args:
        budget_s: Seconds from now.
        timer: Monotonic seconds.
    """

    def __init__(self, budget_s: float, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._end = timer() + budget_s

    def left(self) -> float:
        """Seconds, never negative."""
        return max(self._end - self._timer(), 0.0)


class TransactionalWriter:
    """Owns the producer of one slot. Used by one thread.

    Args:
        make_producer: A new transactional producer with the slot's `transactional.id`.
        timer: Monotonic seconds.
    """

    def __init__(self, make_producer: Callable[[], Producer], *, timer: Callable[[], float] = time.monotonic) -> None:
        self._make_producer = make_producer
        self._timer = timer
        self._producer: Producer | None = None
        self._refused: list[tuple[str | None, KafkaError]] = []

    def open(self) -> bool:
        """Starts a new producer: the broker ends what an earlier one of the slot left open, and fences it.

        Returns:
            False where the broker did not answer in time; call again.

        Raises:
            WorkerFailed: The broker refuses the transactional id, or a newer worker has it.
        """
        self._producer = None  # the old one's connections end before the new one's begin
        producer = self._make_producer()
        try:
            _insist(producer.init_transactions, Deadline(COMMIT_BUDGET_S, self._timer))
        except (_TimeIsUp, _MustAbort) as trouble:
            log.warning("the broker does not open transactions yet", detail=str(trouble))
            return False
        self._producer = producer
        return True

    def write(
        self, outgoing: Sequence[Outgoing], offsets: Mapping[tuple[str, int], int], group_metadata: object
    ) -> Outcome:
        """Writes a batch and its offsets: all of it or nothing, as far as `read_committed` readers can see.

        Args:
            outgoing: The batch's verdicts and dead letters.
            offsets: For each partition of the batch the offset to go on from.
            group_metadata: Of the consumer that read the batch, taken after its last poll.

        Returns:
            COMMITTED; or ABORTED: read the batch again; or UNKNOWN: `open` again, then ask the broker for the
            committed offsets and go on from there.

        Raises:
            SlotTaken: A newer worker has the slot; nothing of the batch was kept.
            DeliveryRefused: The broker will never take one of the records; nothing of the batch was kept.
            WorkerFailed: The producer cannot go on.
        """
        producer = self._producer
        if producer is None:
            return Outcome.UNKNOWN
        deadline = Deadline(COMMIT_BUDGET_S, self._timer)
        self._refused = []
        try:
            _triaged(producer.begin_transaction)  # 1
            self._produce(producer, outgoing, deadline)  # 2
            self._flush(producer, deadline)  # 3
            positions = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
            _insist(lambda left: producer.send_offsets_to_transaction(positions, group_metadata, left), deadline)  # 4
        except (_MustAbort, _TimeIsUp) as trouble:
            return self._abort(producer, str(trouble))
        try:
            _insist(producer.commit_transaction, deadline)  # 5
        except _MustAbort as trouble:
            return self._abort(producer, str(trouble))
        except _TimeIsUp as trouble:
            log.warning("the commit's outcome is unknown", detail=str(trouble))
            return Outcome.UNKNOWN
        return Outcome.COMMITTED

    def serve(self) -> None:
        """Lets the client run its callbacks; to be called when there is nothing to write."""
        if self._producer is not None:
            with suppress(_MustAbort):  # nothing is open that could be aborted; a fatal error comes with the next begin
                _triaged(partial(self._producer.poll, 0))

    def _produce(self, producer: Producer, outgoing: Sequence[Outgoing], deadline: Deadline) -> None:
        for record in outgoing:
            while not self._queued(producer, record):
                if not deadline.left():
                    raise _TimeIsUp("the producer's queue stays full")
                _triaged(partial(producer.poll, 0.1))

    def _queued(self, producer: Producer, record: Outgoing) -> bool:
        def produce() -> None:
            producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                timestamp=record.timestamp_ms,
                on_delivery=self._delivered,
            )

        try:
            _triaged(produce)
        except BufferError:
            return False
        return True

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        """Only records: an exception here would surface from a commit that succeeded."""
        if error is not None:
            self._refused.append((message.topic(), error))

    def _flush(self, producer: Producer, deadline: Deadline) -> None:
        # Before the offsets: otherwise a small transaction that follows closely on the last waits in retries.
        left = _triaged(partial(producer.flush, deadline.left()))
        if self._refused:
            topic, error = self._refused[0]
            raise _MustAbort(f"{len(self._refused)} records for {topic} were refused: {error.str()}")
        if left:
            raise _TimeIsUp(f"{left} records were not acknowledged in time")

    def _abort(self, producer: Producer, why: str) -> Outcome:
        log.warning("the batch's transaction is aborted", reason=why)
        try:
            _insist(producer.abort_transaction, Deadline(ABORT_BUDGET_S, self._timer))
        except (_MustAbort, _TimeIsUp) as trouble:
            log.warning("the abort's outcome is unknown", detail=str(trouble))
            return Outcome.UNKNOWN
        for topic, error in self._refused:
            if error.code() in _FINAL:
                raise DeliveryRefused(_refusal(topic, error))
        return Outcome.ABORTED


def _insist(call: Callable[[float], Any], deadline: Deadline) -> None:
    """Repeats the same call while the client says that it may be, within the deadline."""
    while True:
        try:
            _triaged(partial(call, max(deadline.left(), 0.1)))
        except _Again as again:
            if not deadline.left():
                raise _TimeIsUp(str(again)) from None
        else:
            return


class _Again(Exception):
    """The same call may be repeated."""


def _triaged(call: Callable[[], Answer]) -> Answer:
    """Runs one call of the producer and turns its error into what is to be done about it."""
    try:
        return call()
    except (KafkaException, SystemError) as exception:
        error = _error_of(exception)
        if error is None:
            raise _MustAbort(f"the client lost its error: {exception}") from None
        if error.code() in _FENCED:
            raise SlotTaken(
                "another worker runs with this slot, or the broker gave this one up: "
                f"give each worker a FRAUD_SCORER__SLOT of its own ({error.str()})"
            ) from None
        if error.fatal():
            raise WorkerFailed(f"the producer failed for good: {error.str()}") from None
        if error.txn_requires_abort():
            raise _MustAbort(error.str()) from None
        if error.retriable():
            raise _Again(error.str()) from None
        if error.code() in _FINAL:
            raise DeliveryRefused(_refusal(None, error)) from None
        raise WorkerFailed(f"the producer failed: {error.str()}") from None


def _error_of(exception: KafkaException | SystemError) -> KafkaError | None:
    """The client's error, where it can be told.

    A fatal one is raised out of whatever call serves callbacks; where a delivery report is served in the same call,
    Python finds it pending there, and it arrives as the cause of a SystemError, or not at all (seen with
    confluent-kafka 2.16.1). A client in that state says so again at the abort, which is what is tried next.
    """
    cause = exception if isinstance(exception, KafkaException) else exception.__cause__
    if not isinstance(cause, KafkaException):
        return None
    error = cause.args[0]
    assert isinstance(error, KafkaError)
    return error


def _refusal(topic: str | None, error: KafkaError) -> str:
    where = f" for topic {topic}" if topic else ""
    return (
        f"the broker refuses a record{where} for good ({error.str()}): "
        "raise the topic's max.message.bytes or grant the write, then start again; nothing was lost"
    )
