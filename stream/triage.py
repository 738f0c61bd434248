"""What an error of the producer means: stop, abort, or the same call again.

Errors are sorted in librdkafka's order (rdkafka.h, "Transactional producer API"): fatal, then abortable, then
retriable; anything else is fatal too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from stream.errors import DeliveryRefused, NotAllowed, SettingRefused, WorkerFailed

_FENCED: Final = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
}
_NOT_ALLOWED: Final = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
# What the client says of records that it dropped for another error, which the next call tells.
_DROPPED: Final = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}
# Refusals that the same bytes would meet again.
_FINAL: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}

_RAISE_OR_GRANT: Final = "raise the topic's max.message.bytes or grant the write"
_REMEDIES: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE: "raise the topic's max.message.bytes",
    KafkaError.RECORD_LIST_TOO_LARGE: "raise the topic's segment.bytes, or lower scorer.batch_size",
    KafkaError.INVALID_TIMESTAMP: "raise the topic's message.timestamp.after.max.ms, or set this machine's clock",
    KafkaError.POLICY_VIOLATION: "ask what the broker's policy for this topic is",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant the write (`fraud topics acls` prints it)",
}

Answer = TypeVar("Answer")


class MustAbort(Exception):
    """The transaction cannot be committed any more; another one can."""


class TimeIsUp(Exception):
    """A call that may be repeated did not succeed within its budget."""


class Fenced(Exception):
    """The broker takes nothing more from this producer: a newer one has its id, or its transaction timed out."""


class OutOfStep(Exception):
    """The broker and the client differ on whether a transaction is open; another producer makes an end of it."""


class _Again(Exception):
    """The same call may be repeated."""


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


def insist(call: Callable[[float], Any], deadline: Deadline) -> None:
    """Repeats the same call while the client says that it may be, within the deadline.

    Args:
        call: Takes the seconds that it may last.
        deadline: For all of its repetitions.

    Raises:
        TimeIsUp: It did not succeed in time; its outcome is not known.
        MustAbort: As in `triaged`; so are the others.
    """
    while True:
        try:
            triaged(partial(call, max(deadline.left(), 0.1)))
        except _Again as again:
            if not deadline.left():
                raise TimeIsUp(str(again)) from None
        else:
            return


def triaged(call: Callable[[], Answer]) -> Answer:
    """Runs one call of the producer and turns its error into what is to be done about it.

    Raises:
        Fenced: By a newer producer, or by time.
        OutOfStep: Broker and client differ on what is open.
        MustAbort: The transaction has to be aborted.
        NotAllowed: A grant is missing.
        SettingRefused: The broker does not take the transaction timeout.
        DeliveryRefused: The broker will never take a record.
        WorkerFailed: The producer cannot go on.
    """
    try:
        return call()
    except (KafkaException, SystemError) as exception:
        error = error_of(exception)
        if error is None:
            raise MustAbort(f"the client lost its error: {exception}") from None
        raise _meaning(error) from None


def is_final(error: KafkaError) -> bool:
    """Whether the same record would be refused again."""
    return error.code() in _FINAL


def is_dropped(error: KafkaError) -> bool:
    """Whether a record was dropped because its transaction had failed already."""
    return error.code() in _DROPPED


def refusal(topic: str | None, error: KafkaError) -> DeliveryRefused:
    """What to say of a record that the broker will never take."""
    where = f" for topic {topic}" if topic else ""
    remedy = _REMEDIES.get(error.code(), _RAISE_OR_GRANT)
    return DeliveryRefused(
        f"the broker refuses a record{where} for good ({error.str()}): {remedy}, then start again; nothing was lost"
    )


def error_of(exception: KafkaException | SystemError) -> KafkaError | None:
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


def _meaning(error: KafkaError) -> Exception:
    code, text = error.code(), error.str()
    meaning: Exception
    if code in _FENCED:
        meaning = Fenced(text)
    elif code in _NOT_ALLOWED:
        meaning = NotAllowed(
            f"the broker does not allow this worker to write in transactions with its offsets ({text})",
            remedy="grant what `fraud topics acls` prints",
        )
    elif code == KafkaError.INVALID_TRANSACTION_TIMEOUT:
        meaning = SettingRefused(
            f"the broker does not take transaction.timeout.ms ({text})",
            remedy="lower it in kafka.properties to the broker's transaction.max.timeout.ms",
        )
    elif code == KafkaError._FATAL:
        meaning = MustAbort(text)  # it failed before, and the abort says for what
    elif code == KafkaError.INVALID_TXN_STATE:
        meaning = OutOfStep(text)
    elif error.fatal():
        meaning = WorkerFailed(f"the producer failed for good: {text}")
    elif error.txn_requires_abort():
        meaning = MustAbort(text)
    elif error.retriable():
        meaning = _Again(text)
    elif code in _FINAL:
        meaning = refusal(None, error)
    else:
        meaning = WorkerFailed(f"the producer failed: {text}")
    return meaning
