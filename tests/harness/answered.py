"""The independent count: what went in, what came out, and how far the group says that it is."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from confluent_kafka import Consumer, IsolationLevel, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from tests.harness.poison import REASON_HEADER
from tests.harness.topics import CommittedReader, Sent, Stream
from tests.harness.waiting import wait_until

Place: TypeAlias = tuple[str, int, int]

_EXAMPLES: Final = 5
# A transaction whose worker is gone for good lasts for its timeout, and until the broker next looks.
_TRANSACTIONS_END_WITHIN_S: Final = 40.0
_SOURCE_HEADERS: Final = tuple(f"dead-letter-source-{part}" for part in ("topic", "partition", "offset"))
_ADDED_HEADERS: Final = (*_SOURCE_HEADERS, "dead-letter-reason", "dead-letter-message")

# Only of a record whose timestamp its topic would not take.
_TIMESTAMP_HEADER: Final = "dead-letter-source-timestamp"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict or a dead letter, as a reader of committed records sees it.

    Attributes:
        letter: Whether it is a dead letter.
        partition: Of its own topic.
        place: What it answers: topic, partition and offset, as it says itself.
        key: Its own.
        value: Its own.
        headers: Its own.
    """

    letter: bool
    partition: int
    place: Place
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class Committed:
    """Asks how far a group has come, as often as one likes; it is no member.

    Args:
        bootstrap: The broker.
        group: The group.
        topic: What it reads.
        partitions: Of the topic.
    """

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        # read_committed: offsets of a transaction that is not over are waited for, not passed over.
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 0,  # where the broker is away, that is the test's own doing
            }
        )
        self._places = [TopicPartition(topic, number) for number in range(partitions)]

    def offsets(self) -> dict[int, int] | None:
        """For each partition what comes next, 0 where nothing was committed; None where the broker does not say."""
        try:
            found = self._consumer.committed(self._places, timeout=5)
        except KafkaException:
            return None
        if any(place.error is not None for place in found):
            return None
        return {place.partition: max(place.offset, 0) for place in found}

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()


def require_each_answered_once(
    stream: Stream, sent: Sequence[Sent], committed: Mapping[int, int], *, skipped: Collection[tuple[int, int]] = ()
) -> None:
    """Fails the test unless what was answered is what the group says, each record once, and rightly.

    Args:
        stream: Its topics; nobody writes verdicts any more.
        sent: All that was ever produced to `transactions`.
        committed: For each partition what the group would read next.
        skipped: Partition and offset of records that were deleted unread.
    """
    topics = [stream.verdicts, stream.dead_letters]
    wait_until(
        lambda: _open_partitions(stream.bootstrap, topics) == [],
        within_s=_TRANSACTIONS_END_WITHIN_S,
        what="a transaction stays open",
    )
    reader = CommittedReader(stream.bootstrap, topics)
    try:
        answers = [_answer(message, stream) for message in reader.read_to_end()]
    finally:
        reader.close()
    found = discrepancies(stream.transactions, sent, answers, committed, skipped=skipped)
    assert not found, "\n".join(found)


def discrepancies(
    topic: str,
    sent: Sequence[Sent],
    answers: Sequence[Answer],
    committed: Mapping[int, int],
    *,
    skipped: Collection[tuple[int, int]] = (),
) -> list[str]:
    """What is wrong with the answers, a line for each kind of wrong; empty where nothing is (pure).

    Args:
        topic: Where the records were sent to; verdicts and dead letters have as many partitions.
        sent: The records.
        answers: In the order in which a reader sees those of one partition.
        committed: For each partition what the group would read next.
        skipped: Partition and offset of records that were deleted unread.
    """
    due = {
        (topic, one.partition, one.offset): one
        for one in sent
        if one.offset < committed.get(one.partition, 0) and (one.partition, one.offset) not in skipped
    }
    counts = Counter(answer.place for answer in answers)
    known = [(answer, due[answer.place]) for answer in answers if answer.place in due]
    kinds: dict[str, list[object]] = {
        "lost": [place for place in due if place not in counts],
        "doubled": [place for place, count in counts.items() if count > 1],
        "answered without being committed, or never sent": [place for place in counts if place not in due],
        "verdict and dead letter confused": [
            answer.place for answer, record in known if answer.letter != (_reason_due(record) is not None)
        ],
        "answered with what is another record's": [
            answer.place
            for answer, record in known
            if not (_is_letter_of(answer, record) if answer.letter else _is_verdict_of(answer, record))
        ],
        "in another partition than its record": [
            answer.place for answer, record in known if record.key and answer.partition != record.partition
        ],
        "out of order": list(_out_of_order(answers)),
    }
    return [
        f"{len(places)} {kind} of {len(due)} committed records, {len(answers)} answers: {places[:_EXAMPLES]}"
        for kind, places in kinds.items()
        if places
    ]


def _out_of_order(answers: Iterable[Answer]) -> Iterable[Place]:
    """Places that a partition answers after a later one of the same input partition."""
    last: dict[tuple[bool, int, str, int], int] = defaultdict(lambda: -1)
    for answer in answers:
        topic, partition, offset = answer.place
        row = (answer.letter, answer.partition, topic, partition)
        if offset < last[row]:
            yield answer.place
        last[row] = max(offset, last[row])


def _is_verdict_of(answer: Answer, record: Sent) -> bool:
    own = json.loads(record.value or b"{}")
    said = json.loads(answer.value or b"{}")
    account = own.get("account_id") or own.get("transaction_id", "")
    return said.get("transaction_id") == own.get("transaction_id") and answer.key == (record.key or account.encode())


def _is_letter_of(answer: Answer, record: Sent) -> bool:
    kept = answer.headers[: len(record.headers)]
    added = [name for name, _ in answer.headers[len(record.headers) :]]
    reason = dict(answer.headers).get("dead-letter-reason")
    return (
        (answer.key, answer.value, kept) == (record.key, record.value, record.headers)
        and added in (list(_ADDED_HEADERS), [_TIMESTAMP_HEADER, *_ADDED_HEADERS])
        and reason == _reason_due(record)
    )


def _reason_due(record: Sent) -> bytes | None:
    return dict(record.headers).get(REASON_HEADER)


def _answer(message: Message, stream: Stream) -> Answer:
    raw = message.headers() or []
    pairs = raw.items() if isinstance(raw, dict) else raw
    headers = tuple((name, value.encode() if isinstance(value, str) else value) for name, value in pairs)
    partition = message.partition()
    assert partition is not None
    letter = message.topic() == stream.dead_letters
    if letter:
        # The last of each name is the newest: a record may have been a dead letter before.
        named = dict(headers)
        topic, number, offset = ((named.get(name) or b"").decode() for name in _SOURCE_HEADERS)
        place = (topic, int(number), int(offset))
    else:
        source = json.loads(message.value() or b"{}")["source"]
        place = (source["topic"], source["partition"], source["offset"])
    return Answer(letter, partition, place, message.key(), message.value(), headers)


def _open_partitions(bootstrap: str, topics: Sequence[str]) -> list[tuple[str, int]]:
    """Partitions in which a transaction is not over: what is committed ends before what is written does."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    known = client.list_topics(timeout=10).topics
    places = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
    ends = []
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
        futures = client.list_offsets(dict.fromkeys(places, latest), isolation_level=level)
        ends.append({(place.topic, place.partition): one.result().offset for place, one in futures.items()})
    return [place for place, end in ends[1].items() if ends[0][place] != end]
