"""The batch's way in: a member of the consumer group that gathers micro-batches and can read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from stream.errors import MemberFenced, NotAllowed, OffsetsGone, SettingRefused, WorkerFailed
from stream.lags import Lags
from stream.positions import Partition, Positions
from stream.records import Record, first_offsets, record_of

log = structlog.get_logger()

# The client lets no signal handler run while it waits: SIGTERM is noticed within this time.
LONGEST_WAIT_S: Final = 0.5
_JOINING_WAIT_S: Final = 0.05
_COMMITTED_TIMEOUT_S: Final = 10.0
_WATERMARK_TIMEOUT_S: Final = 5.0

_FENCED_TEXT: Final = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
_NOT_ALLOWED: Final = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


class Source:
    """Owns a consumer. Used by one thread.

    Args:
        make_consumer: A new one, not subscribed yet.
        topic: What to read.
        timer: Monotonic seconds.
        gaps: What to do where records were deleted before they were read.
        skipped: Told of each gap that was skipped: the partition, and how many records it had held.
    """

    def __init__(
        self,
        make_consumer: Callable[[], Consumer],
        topic: str,
        *,
        timer: Callable[[], float],
        gaps: Literal["stop", "skip"] = "stop",
        skipped: Callable[[int, int], None] | None = None,
    ) -> None:
        self._make_consumer = make_consumer
        self._consumer = make_consumer()
        self._topic = topic
        self._timer = timer
        self._gaps = gaps
        self._skipped = skipped
        self._positions = Positions()
        self._unplaced: set[Partition] = set()
        self._stranded: set[Partition] = set()
        self._owned: set[Partition] = set()
        self._gone: set[Partition] = set()
        self._came: dict[Partition, int] = {}
        self._joined = False
        self._rebalances = 0
        self._lags = Lags()

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its partitions, be it none."""
        return self._joined and not self._unplaced

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that are this member's now."""
        return frozenset(partition for _, partition in self._owned)

    @property
    def tenures(self) -> dict[int, int]:
        """For each partition that is this member's now, with which rebalance it came."""
        return {partition: self._came[topic, partition] for topic, partition in self._owned}

    @property
    def due(self) -> dict[Partition, int]:
        """What comes next in each partition that is this member's now; without those where that is not known yet.

        Committed again, it changes nothing, and has the broker look whether this member is still one.
        """
        known = ((place, self._positions.due(place)) for place in self._owned - self._unplaced)
        return {place: offset for place, offset in known if offset is not None}

    @property
    def rebalances(self) -> int:
        """How often partitions came or went."""
        return self._rebalances

    @property
    def member_id(self) -> str | None:
        """What the group calls this member; None before it has joined."""
        return self._consumer.memberid()

    def subscribe(self) -> None:
        """Joins the group; partitions arrive during `gather`."""
        # Without on_lost, partitions that another member already has would arrive as orderly revoked.
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def rejoin(self) -> None:
        """Gives all partitions back and asks for a share again; where this is the group's leader, all members do."""
        self._consumer.unsubscribe()
        self.subscribe()

    def join_anew(self) -> None:
        """Begins again with another consumer, which knows nothing of partitions and places."""
        self._consumer.close()
        for known in (self._owned, self._gone, self._unplaced, self._stranded):
            known.clear()
        self._joined = False
        self._lags = Lags()
        self._positions = Positions()
        self._consumer = self._make_consumer()
        self.subscribe()

    def gather(
        self,
        most: int,
        wait_s: float,
        *,
        most_bytes: int | None = None,
        wait: bool = True,
        patience_s: float = LONGEST_WAIT_S,
    ) -> list[Record]:
        """The next batch, of partitions that are owned when it returns; empty where none came in time.

        Args:
            most: Records at most.
            wait_s: Seconds after its first record at which it is complete at the latest.
            most_bytes: It is complete once its values have as many; None sets no bound. It may exceed them by what the
                client holds ready, which `queued.max.messages.kbytes` limits.
            wait: Whether to wait at all, be it for the first record.
            patience_s: Seconds to wait for the first record, half a second at most.

        Raises:
            OffsetsGone: Records were deleted before they were read, and gaps are to stop the worker.
            NotAllowed: The broker does not let this member read.
            SettingRefused: The broker does not take this member's session timeout.
            MemberFenced: The group has another member in this one's place.
            WorkerFailed: The consumer cannot go on, or gave what was not due.
        """
        longest = min(patience_s, LONGEST_WAIT_S) if self.joined else _JOINING_WAIT_S
        records = self._take(1, longest if wait else 0.0)
        end = self._timer() + (wait_s if wait else 0.0)
        while records and len(records) < most and (most_bytes is None or _bytes(records) < most_bytes):
            # What is there, without waiting: while the client waits for many records, it has no bound in bytes.
            more = self._take(most - len(records), 0.0)
            records = self._still_owned(records) + more
            left = end - self._timer()
            if left <= 0:
                break
            if not more:
                more = self._take(1, min(left, LONGEST_WAIT_S))
                records = self._still_owned(records) + more
        return records

    def group_metadata(self) -> object:
        """What ties a transaction to this member's generation (KIP-447)."""
        return self._consumer.consumer_group_metadata()

    def rest(self, wait_s: float = LONGEST_WAIT_S) -> None:
        """A while of membership without reading.

        Args:
            wait_s: Seconds, half of one at most.
        """
        self._consumer.pause([TopicPartition(*place) for place in self._owned])
        # What comes nevertheless is of partitions that were assigned in this very poll.
        self.rewind(first_offsets(self._take(1, min(wait_s, LONGEST_WAIT_S))))

    def wake(self) -> None:
        """Reading goes on after a rest."""
        self._consumer.resume([TopicPartition(*place) for place in self._owned])

    def rewind(self, offsets: Mapping[Partition, int], *, records_there: bool = True) -> None:
        """Reads the partitions that are still owned again from these offsets on.

        Args:
            offsets: Where.
            records_there: Whether records were read at these very offsets before.
        """
        for (topic, partition), offset in offsets.items():
            if (topic, partition) not in self._owned:
                continue
            try:
                self._consumer.seek(TopicPartition(topic, partition, offset))
                self._positions.again((topic, partition), offset, record_there=records_there)
            except KafkaException as refusal:
                # Taken away meanwhile; the next poll says so, and its next owner starts at the committed offset.
                log.warning("a partition cannot be read again", partition=partition, detail=str(refusal))
                self.rejoin()
                return

    def rewind_to_committed(self, otherwise: Mapping[Partition, int]) -> bool:
        """Goes on from where the group's committed offsets stand, after a commit of unknown outcome.

        Args:
            otherwise: Where to go on in a partition that has no committed offset yet.

        Returns:
            False where the broker did not say; call again.
        """
        try:
            committed = self._committed(list(otherwise))
        except KafkaException as refusal:
            log.warning("the committed offsets are not known yet", detail=str(refusal))
            return False
        places = {place: offset if offset >= 0 else otherwise[place] for place, offset in committed.items()}
        self.rewind(places, records_there=False)
        return True

    def _committed(self, places: Sequence[Partition]) -> dict[Partition, int]:
        """The group's offsets; below 0 where there is none.

        Raises:
            KafkaException: The broker did not say, be it of one of them.
        """
        asked = [TopicPartition(*place) for place in places]
        found = self._consumer.committed(asked, timeout=_COMMITTED_TIMEOUT_S)
        for one in found:
            if one.error is not None:
                raise KafkaException(one.error)
        return {(one.topic, one.partition): one.offset for one in found}

    def lags(self) -> dict[Partition, int]:
        """Records behind the end for each owned partition, as of the last fetch."""
        return self._lags.now(self._consumer, self._owned)

    def close(self) -> None:
        """Leaves the group at once, so that others take over without waiting for the session to end."""
        self._consumer.close()

    def _take(self, most: int, timeout_s: float) -> list[Record]:
        self._gone.clear()
        records = []
        for message in self._consumer.consume(most, timeout=timeout_s):
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                topic, partition = message.topic(), message.partition()
                assert topic is not None
                assert partition is not None
                self._stranded.add((topic, partition))
            else:
                self._heed(error)
        records = self._positions.without_stale(self._of_placed(records))
        self._positions.read(records)
        if self._unplaced or self._stranded:
            self._set_out()
        return records

    def _of_placed(self, records: list[Record]) -> list[Record]:
        """Without those of partitions for which it is not settled yet where reading begins.

        Together with a partition that comes back, the client may give a record that it had fetched before the
        partition went, and that another member has dealt with meanwhile.
        """
        if not self._unplaced:
            return records
        return [record for record in records if (record.topic, record.partition) not in self._unplaced]

    def _still_owned(self, records: list[Record]) -> list[Record]:
        """Without those of partitions that the last poll took away, which the next owner reads again.

        A rebalance happens inside a poll. What that poll returns the client has cleared of such records by itself.
        """
        if not self._gone:
            return records
        return [record for record in records if (record.topic, record.partition) not in self._gone]

    def _heed(self, error: KafkaError) -> None:
        """What the client says of itself, apart from its records."""
        if error.fatal() or error.code() == KafkaError._FATAL:
            if _FENCED_TEXT in error.str():
                raise MemberFenced("the group has another member in this worker's place")
            raise WorkerFailed(f"the consumer failed for good: {error.str()}")
        if error.code() in _NOT_ALLOWED:
            raise NotAllowed(
                f"the broker does not let this worker read topic {self._topic!r} as a member of its group "
                f"({error.str()})",
                remedy="grant what `fraud topics acls` prints",
            )
        if error.code() == KafkaError.INVALID_SESSION_TIMEOUT:
            raise SettingRefused(
                f"the broker does not take session.timeout.ms ({error.str()})",
                remedy="set it in kafka.properties between the broker's group.min.session.timeout.ms and "
                "group.max.session.timeout.ms",
            )
        if error.code() != KafkaError._PARTITION_EOF:
            log.warning("the consumer reports", error=error.name(), detail=error.str())

    def _set_out(self) -> None:
        """Settles where reading begins in partitions that are new, and in those whose place is gone.

        The client is told to leave this to us: its own ways are to begin anew or at the end, in silence.
        """
        self._stranded &= self._owned
        starts: dict[Partition, int] = {}
        try:
            for place, committed in self._committed(sorted(self._stranded | self._unplaced)).items():
                due = self._positions.due(place)
                if due is None and committed < 0:
                    starts[place] = OFFSET_BEGINNING
                elif place in self._stranded:
                    starts[place] = self._past_the_gap(place, committed if due is None else due)
                else:
                    starts[place] = committed
                    self._positions.begin(place, committed)
        except KafkaException as refusal:
            log.warning("where to read from is not known yet", detail=str(refusal))
            return
        self._begin(starts)
        if new := sorted(partition for (_, partition), start in starts.items() if start == OFFSET_BEGINNING):
            log.info("the group has no offset here: reading from the earliest record", partitions=new)
        self._stranded.clear()
        self._unplaced.clear()

    def _begin(self, starts: Mapping[Partition, int]) -> None:
        """Reads partitions from other places on; a seek needs one to start from."""
        places = [TopicPartition(*place, start) for place, start in starts.items()]
        if not places:
            return
        try:
            self._consumer.incremental_unassign(places)
            self._consumer.incremental_assign(places)
        except KafkaException as refusal:
            raise WorkerFailed(f"partitions cannot be set to where reading begins: {refusal}") from None

    def _past_the_gap(self, place: Partition, due: int) -> int:
        """Where to go on in a partition that has nothing at the offset that was due."""
        topic, partition = place
        first, end = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_WATERMARK_TIMEOUT_S)
        if first <= due <= end:
            return due
        where = f"partition {partition} of topic {topic!r}"
        what = (
            f"{where}: offsets {due} to {first - 1} were deleted before they were read"
            if due < first
            else f"{where} ends at {end}, before offset {due} that comes next: it was made anew or has lost its end"
        )
        if self._gaps == "stop":
            raise OffsetsGone(
                what,
                remedy="find out who deleted them (the topic's retention, or the group's lag); "
                f"to count them as skipped and go on at offset {first}, start once with FRAUD_SCORER__GAPS=skip "
                "(an alert worker with FRAUD_ALERTS__GAPS=skip)",
            )
        log.error("records are skipped", what=what, going_on_at=first)
        if self._skipped is not None:
            self._skipped(partition, max(first - due, 0))
        self._positions.again(place, first, record_there=False)
        return first

    # Callbacks only record: an exception in one would surface from the poll.
    def _assigned(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        self._joined = True
        self._rebalances += 1
        came = _places(partitions)
        self._owned |= came
        self._came |= dict.fromkeys(came, self._rebalances)
        self._unplaced |= came
        self._positions.forget(came)

    def _revoked(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        gone = _places(partitions)
        self._owned -= gone
        self._lags.forget(gone)
        self._unplaced -= gone
        self._gone |= gone
        self._rebalances += 1
        self._positions.forget(gone)


def _bytes(records: Iterable[Record]) -> int:
    return sum(len(record.value or b"") for record in records)


def _places(partitions: Iterable[TopicPartition]) -> set[Partition]:
    return {(place.topic, place.partition) for place in partitions}
