"""The commit: verdicts, dead letters and the offsets that they answer, in one Kafka transaction.

The procedure, numbered as in the code: (1) begin, (2) produce, (3) flush, (4) offsets with the consumer's group
metadata (KIP-447), (5) commit. While the broker takes in what was produced, the caller may do something else that
needs neither the consumer nor the producer. No transaction is open outside `TransactionalWriter.write`, so a
rebalance, which happens only in a poll, never meets one. What an error means is for `stream.triage`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Final

import structlog
from confluent_kafka import KafkaError, Message, Producer, TopicPartition

from stream.errors import NotAllowed, SlotTaken
from stream.records import Outgoing
from stream.timeouts import Timeouts, timeouts
from stream.triage import (
    Deadline,
    Fenced,
    MustAbort,
    OutOfStep,
    TimeIsUp,
    insist,
    is_dropped,
    is_final,
    refusal,
    triaged,
)

log = structlog.get_logger()

_UNSET: Final = timeouts({})
_ANY_PARTITION: Final = -1


class Outcome(StrEnum):
    """How a batch's transaction ended."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class TransactionalWriter:
    """Owns the producer of one slot. Used by one thread.

    Args:
        make_producer: A new transactional producer with the slot's `transactional.id`.
        limits: What a commit and an abort may take, and when the broker gives a transaction up.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        make_producer: Callable[[], Producer],
        *,
        limits: Timeouts = _UNSET,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make_producer = make_producer
        self._limits = limits
        self._timer = timer
        self._producer: Producer | None = None
        self._refused: list[tuple[str | None, KafkaError]] = []

    def open(self) -> bool:
        """Starts a new producer: the broker ends what an earlier one of the slot left open, and fences it.

        Returns:
            False where the broker did not answer in time; call again.

        Raises:
            SlotTaken: A newer worker starts with the same transactional id.
            NotAllowed: The broker refuses the transactional id.
            SettingRefused: The broker refuses the transaction timeout.
            WorkerFailed: The producer cannot go on.
        """
        self._producer = None  # the old one's connections end before the new one's begin
        producer = self._make_producer()
        try:
            insist(producer.init_transactions, Deadline(self._limits.commit_s, self._timer))
        except Fenced as fenced:
            raise _slot_taken(fenced) from None
        except (TimeIsUp, MustAbort, OutOfStep) as trouble:
            log.warning("the broker does not open transactions yet", detail=str(trouble))
            return False
        self._producer = producer
        return True

    def write(
        self,
        outgoing: Sequence[Outgoing],
        offsets: Mapping[tuple[str, int], int],
        group_metadata: object = None,
        *,
        meanwhile: Callable[[], None] | None = None,
    ) -> Outcome:
        """Writes a batch and its offsets: all of it or nothing, as far as `read_committed` readers can see.

        Args:
            outgoing: The batch's verdicts and dead letters.
            offsets: For each partition of the batch the offset to go on from; empty for records that answer none.
            group_metadata: Of the consumer that read the batch, taken after its last poll.
            meanwhile: Called once where the producer has the records, before they are waited for. It must not poll.
                What it raises aborts the transaction and is raised.

        Returns:
            COMMITTED; or ABORTED: read the batch again; or UNKNOWN: `open` again, then ask the broker for the
            committed offsets and go on from there.

        Raises:
            SlotTaken: A newer worker has the slot; nothing of the batch was kept.
            NotAllowed: A grant is missing; nothing of the batch was kept.
            DeliveryRefused: The broker will never take one of the records; nothing of the batch was kept.
            WorkerFailed: The producer cannot go on.
        """
        producer = self._producer
        if producer is None:
            return Outcome.UNKNOWN
        self._refused = []
        begun = self._timer()
        try:
            outcome = self._commit(producer, outgoing, offsets, group_metadata, meanwhile)
        except OutOfStep as trouble:
            # Where the broker had taken nothing of a batch yet, an abort is fatal to the client (librdkafka#4849).
            log.warning("what became of the transaction is unknown", detail=str(trouble))
            outcome = Outcome.UNKNOWN
        except NotAllowed as refused:
            topics = ", ".join(sorted({record.topic for record in outgoing}))
            raise NotAllowed(f"{refused.problem}; it writes to {topics}", remedy=refused.remedy) from None
        except Fenced as fenced:
            # The broker says the same of a producer whose transaction timed out while it could not be reached.
            if self._timer() - begun < self._limits.transaction_ms / 1000:
                raise _slot_taken(fenced) from None
            log.warning("the transaction timed out, or a newer worker has the slot", detail=str(fenced))
            outcome = Outcome.UNKNOWN
        if outcome is Outcome.UNKNOWN:
            self._producer = None  # it takes no further call
        return outcome

    def _commit(
        self,
        producer: Producer,
        outgoing: Sequence[Outgoing],
        offsets: Mapping[tuple[str, int], int],
        group_metadata: object,
        meanwhile: Callable[[], None] | None,
    ) -> Outcome:
        deadline = Deadline(self._limits.commit_s, self._timer)
        try:
            triaged(producer.begin_transaction)  # 1
            self._produce(producer, outgoing, deadline)  # 2
            if meanwhile is not None:
                self._let(producer, meanwhile)
            self._flush(producer, deadline)  # 3
            if offsets:
                places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
                insist(lambda left: producer.send_offsets_to_transaction(places, group_metadata, left), deadline)  # 4
        except (MustAbort, TimeIsUp) as trouble:
            return self._abort(producer, str(trouble))
        try:
            insist(producer.commit_transaction, deadline)  # 5
        except MustAbort as trouble:
            return self._abort(producer, str(trouble))
        except TimeIsUp as trouble:
            log.warning("the commit's outcome is unknown", detail=str(trouble))
            return Outcome.UNKNOWN
        return Outcome.COMMITTED

    def serve(self) -> None:
        """Lets the client run its callbacks; to be called when there is nothing to write."""
        if self._producer is not None:
            # Nothing is open that could be aborted; what is fatal comes with the next begin.
            with suppress(MustAbort, Fenced, OutOfStep):
                triaged(partial(self._producer.poll, 0))

    def _produce(self, producer: Producer, outgoing: Sequence[Outgoing], deadline: Deadline) -> None:
        queued = 0
        while (queued := triaged(partial(self._queue, producer, outgoing, queued))) < len(outgoing):
            if not deadline.left():
                raise TimeIsUp("the producer's queue stays full")
            triaged(partial(producer.poll, 0.1))

    def _queue(self, producer: Producer, outgoing: Sequence[Outgoing], queued: int) -> int:
        """Gives the producer what it has room for, of the records from `queued` on; how many it has then."""
        produce, delivered = producer.produce, self._delivered
        try:
            for record in islice(outgoing, queued, None):
                produce(
                    record.topic,
                    record.value,
                    record.key,
                    _ANY_PARTITION if record.partition is None else record.partition,
                    delivered,
                    None,
                    record.timestamp_ms,
                    list(record.headers),
                )
                queued += 1
        except BufferError:
            pass
        return queued

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        """Only records: an exception here would surface from a commit that succeeded."""
        if error is not None:
            self._refused.append((message.topic(), error))

    def _let(self, producer: Producer, meanwhile: Callable[[], None]) -> None:
        """What fails there would leave a transaction open, which readers wait for."""
        try:
            meanwhile()
        except Exception:
            self._abort(producer, "what was done meanwhile failed")
            raise

    def _flush(self, producer: Producer, deadline: Deadline) -> None:
        # Before the offsets: otherwise a small transaction that follows closely on the last waits in retries.
        left = triaged(partial(producer.flush, deadline.left()))
        if self._refused:
            topic, error = self._refused[0]
            if is_dropped(error):
                triaged(producer.begin_transaction)  # refused with what the transaction failed for
            raise MustAbort(f"{len(self._refused)} records for {topic} were refused: {error.str()}")
        if left:
            raise TimeIsUp(f"{left} records were not acknowledged in time")

    def _abort(self, producer: Producer, why: str) -> Outcome:
        log.warning("the batch's transaction is aborted", reason=why)
        try:
            insist(producer.abort_transaction, Deadline(self._limits.abort_s, self._timer))
        except (MustAbort, TimeIsUp) as trouble:
            log.warning("the abort's outcome is unknown", detail=str(trouble))
            return Outcome.UNKNOWN
        for topic, error in self._refused:
            if is_final(error):
                raise refusal(topic, error)
        # A client that gave records up counts on without them, and stands still for ever some calls later.
        return Outcome.UNKNOWN if self._refused else Outcome.ABORTED


def _slot_taken(fenced: Fenced) -> SlotTaken:
    return SlotTaken(
        "another worker runs with this slot, or the broker gave this one up: "
        f"give each worker a slot of its own: FRAUD_SCORER__SLOT, FRAUD_ALERTS__SLOT ({fenced})"
    )
