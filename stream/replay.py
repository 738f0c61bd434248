"""A labelled file to the topic: each row as the transaction that its producer would have sent, without the label."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from model.data.dataset import Dataset
from model.profile import Profile
from stream.errors import Mendable, WorkerFailed
from stream.kafka import Stop
from stream.records import Outgoing
from stream.triage import error_of

_DELIVERY_TIMEOUT_S: Final = 30.0


class RateInvalid(Mendable):
    """A rate or a limit that cannot be kept."""


def transactions_of(dataset: Dataset, profile: Profile, *, topic: str, limit: int | None = None) -> Iterator[Outgoing]:
    """The rows as records, in the order of their time, and so in order for each account.

    Numbers are written so that they read back bit for bit; a missing one is null.

    Args:
        dataset: Rows of a file or a simulation.
        profile: Names the inputs and the currency.
        topic: Where the records go.
        limit: The earliest so many rows only.
    """
    encode = msgspec.json.Encoder().encode
    order = np.argsort(dataset.times, kind="stable")[:limit]
    ids = dataset.ids
    # A code of -1 finds the None at the end.
    accounts = [*dataset.account_names, None]
    for row in order.tolist():
        account = accounts[dataset.accounts[row]] if dataset.accounts is not None else None
        fields: dict[str, Any] = {
            "transaction_id": ids[row],
            "event_time": datetime.fromtimestamp(dataset.times[row] / 1000, UTC),
        }
        if account is not None:
            fields["account_id"] = account
        if dataset.amounts is not None:
            fields["amount"] = _number(float(dataset.amounts[row]))
        if profile.currency is not None:
            fields["currency"] = profile.currency
        for name, value in zip(profile.inputs, dataset.inputs[row].tolist(), strict=True):
            fields[name] = _number(value)
        yield Outgoing(topic=topic, key=account.encode() if account else None, value=encode(fields), headers=())


def send(
    records: Iterable[Outgoing],
    producer: Producer,
    *,
    rate: float,
    stop: Stop,
    progress: Callable[[int], None],
    timer: Callable[[], float] = time.monotonic,
) -> int:
    """Produces the records at a steady rate and waits until the broker has them all.

    Args:
        records: In the order to send.
        producer: Idempotent, so that the order of each key survives retries.
        rate: Records a second; 0 is as fast as the broker takes them.
        stop: Ends it early; what was sent is still waited for.
        progress: Called with the number sent so far.
        timer: Monotonic seconds.

    Returns:
        How many records the broker acknowledged.

    Raises:
        RateInvalid: `rate` is negative or no number.
        WorkerFailed: The broker refused a record, or did not acknowledge in time.
    """
    if not 0 <= rate < float("inf"):
        raise RateInvalid(f"rate {rate} cannot be kept", remedy="give records a second, or 0 for as fast as possible")
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    sent, started = 0, timer()
    for record in records:
        if stop.is_set() or failures or _waited(stop, started + sent / rate - timer() if rate else 0.0):
            break
        if not _enqueued(producer, record, delivered, stop):
            break
        sent += 1
        progress(sent)
    try:
        unacknowledged = producer.flush(_DELIVERY_TIMEOUT_S)
    except (KafkaException, SystemError) as fatal:
        error = error_of(fatal)
        reason = str(fatal) if error is None else error.str()
        raise WorkerFailed(f"the broker did not take every record: {reason}") from None
    if failures or unacknowledged:
        reason = failures[0].str() if failures else f"{unacknowledged} not acknowledged in {_DELIVERY_TIMEOUT_S:.0f} s"
        raise WorkerFailed(f"the broker did not take every record: {reason}")
    return sent


def _enqueued(
    producer: Producer, record: Outgoing, delivered: Callable[[KafkaError | None, Message], None], stop: Stop
) -> bool:
    """Hands a record to the client, waiting for room in its queue; False where `stop` came first."""
    while not stop.is_set():
        try:
            producer.produce(record.topic, value=record.value, key=record.key, on_delivery=delivered)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return True
    return False


def _waited(stop: Stop, seconds: float) -> bool:
    """Waits for the next record's turn; True where `stop` came first."""
    return seconds > 0 and stop.wait(seconds)


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 (NaN, without a call for each of a million values)
