"""Dead letters as the scorer writes them, without a scorer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stream import kafka as clients
from stream.contracts import DeadLetterReason
from stream.dead_letters import dead_letter
from stream.diagnosis import Rejection
from stream.records import Record
from stream.settings import KafkaSettings
from tests.harness.topics import Stream

ACCOUNTS: Final = 17
EPOCH_MS: Final = 1_700_000_000_000
# Nothing of this may be shown.
CARD: Final = b"5105105105105100"


def refused(stream: Stream, number: int, *, partition: int | None = None) -> Record:
    """A record that the scorer could not read; records of one account are of one partition."""
    account = number % ACCOUNTS
    return Record(
        topic=stream.transactions,
        partition=account % 4 if partition is None else partition,
        offset=number,
        key=b"account-%d-%s" % (account, CARD),
        value=b"%d %s" % (number, CARD),
        headers=(("number", str(number).encode()), ("number", None)),
        timestamp_ms=EPOCH_MS + number,
    )


def put_letters(
    stream: Stream, records: Iterable[Record], reason: DeadLetterReason = DeadLetterReason.NOT_JSON
) -> None:
    """Writes the dead letters of these records."""
    producer = clients.producer(KafkaSettings(bootstrap_servers=stream.bootstrap))
    for record in records:
        letter = dead_letter(record, Rejection(reason, f"it is {reason}"), topic=stream.dead_letters, now_ms=EPOCH_MS)
        producer.produce(
            letter.topic,
            value=letter.value,
            key=letter.key,
            headers=list(letter.headers),
            timestamp=letter.timestamp_ms,
        )
        producer.poll(0)
    assert producer.flush(60) == 0
