"""Kafka clients as this system needs them: what is fixed and why, and the first contact with a broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._metadata import ClusterMetadata

from stream.errors import BrokerUnreachable, PropertyRefused, TopicMissing
from stream.security import PROPERTIES, exposure, meaning_of
from stream.settings import KafkaSettings
from stream.timeouts import MESSAGE_TIMEOUT, POLL_INTERVAL, SESSION_TIMEOUT, TRANSACTION_TIMEOUT, timeouts

log = structlog.get_logger()

# A dead letter leaves as it came, however long: the broker's limit is the one that counts. The client's maximum.
LONGEST_MESSAGE_BYTES: Final = 1_000_000_000

CONTACT_TIMEOUT_S: Final = 5.0
LONGEST_PAUSE_S: Final = 15.0
_REPEAT_AFTER_S: Final = 30.0

_CONSUMER_DEFAULTS: Final[Mapping[str, object]] = {
    # The client's own default makes a full queue stop fetching for a whole second (measured: five times slower).
    "fetch.queue.backoff.ms": 5,
    # Partitions that are added to the topic are found within seconds, not minutes.
    "topic.metadata.refresh.interval.ms": 10_000,
    # Bounds memory under any lag.
    "queued.min.messages": 20_000,
    "queued.max.messages.kbytes": 32_768,
}
_CONSUMER_FIXED: Final[Mapping[str, object]] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Where a partition has no place to go on from, `stream.source` finds one: the client would take another one in
    # silence, also where records were deleted unread.
    "auto.offset.reset": "error",
    # On the input too: only then does the client wait for stable offsets (KIP-447).
    "isolation.level": "read_committed",
    "partition.assignment.strategy": "cooperative-sticky",
    "allow.auto.create.topics": False,
}
_PRODUCER_DEFAULTS: Final[Mapping[str, object]] = {
    "linger.ms": 5,
    # Java's partitioner, so that a key has one partition number in every topic of as many partitions.
    "partitioner": "murmur2_random",
    "message.max.bytes": LONGEST_MESSAGE_BYTES,
    # Topics limit what is sent, compressed as it is: a long record that came in compressed must fit out again.
    "compression.type": "zstd",
}


Client = TypeVar("Client")


class Stop(Protocol):
    """What tells a waiting loop to end: a `threading.Event`, or a test's own."""

    def is_set(self) -> bool:
        """True once the process was asked to end."""

    def wait(self, timeout: float | None = None) -> bool:
        """Sleeps up to `timeout` seconds; True as soon as the process was asked to end."""


def consumer(
    kafka: KafkaSettings, group_id: str, *, name: str | None = None, static: bool = False, committed: bool = True
) -> Consumer:
    """A member-to-be of `group_id`: read_committed, committing nothing by itself, rebalancing cooperatively.

    Args:
        kafka: Where, and further properties.
        group_id: The group.
        name: What it calls itself to the broker, whatever the properties say.
        static: Whether that is its place in the group too (KIP-345): the group keeps its partitions while it
            restarts, and takes a newer member in its place for its successor.
        committed: Whether it sees nothing of transactions that are open or were aborted.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    limits = timeouts(kafka.properties)
    defaults = {**_CONSUMER_DEFAULTS, SESSION_TIMEOUT: limits.session_ms, POLL_INTERVAL: limits.poll_ms}
    fixed: dict[str, object] = {**_CONSUMER_FIXED, "group.id": group_id}
    if name is not None:
        fixed["client.id"] = name
    if static:
        fixed["group.instance.id"] = name
    if not committed:
        fixed["isolation.level"] = "read_uncommitted"
    return _client(Consumer, kafka, defaults, fixed)


def transactional_producer(kafka: KafkaSettings, transactional_id: str) -> Producer:
    """A producer for exactly-once writes; `init_transactions` is still to be called.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    limits = timeouts(kafka.properties)
    defaults = {
        **_PRODUCER_DEFAULTS,
        TRANSACTION_TIMEOUT: limits.transaction_ms,
        MESSAGE_TIMEOUT: limits.message_ms,
    }
    fixed = {
        "enable.idempotence": True,
        "transactional.id": transactional_id,
        # What succeeds shows in the commit: a call of Python's for each record would say it again.
        "delivery.report.only.error": True,
    }
    return _client(Producer, kafka, defaults, fixed)


def producer(kafka: KafkaSettings) -> Producer:
    """An idempotent producer: in order and once for each partition while the process lives.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    return _client(Producer, kafka, _PRODUCER_DEFAULTS, {"enable.idempotence": True})


def admin(kafka: KafkaSettings) -> AdminClient:
    """An admin client; keep a reference until its futures are done, or they fail with `_DESTROY`.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    return _client(AdminClient, kafka, {}, {})


def reach_broker(kafka: KafkaSettings, *, stop: Stop, give_up_after_s: float | None = None) -> ClusterMetadata | None:
    """Waits for a broker to answer, saying so within seconds and trying again with growing pauses.

    Args:
        kafka: Where to ask.
        stop: Ends the waiting.
        give_up_after_s: For one-off commands; None waits until `stop`.

    Returns:
        The cluster's topics, or None where `stop` came first.

    Raises:
        BrokerUnreachable: `give_up_after_s` have passed.
        LoginRefused: The broker does not take the user or the password.
        CertificateRefused: The broker's certificate is not trusted, or this client's is not.
        PropertyRefused: librdkafka refuses one of `kafka.properties`.
    """
    properties = kafka.client_properties
    if (exposed := exposure(kafka.bootstrap_servers, properties)) is not None:
        log.warning(
            f"{exposed}: set FRAUD_KAFKA__SECURITY_PROTOCOL to SASL_SSL or SSL",
            bootstrap_servers=kafka.bootstrap_servers,
        )
    complaints: list[KafkaError] = []
    client = _client(AdminClient, kafka, {}, {}, heard=complaints.append)
    started, pause = time.monotonic(), 1.0
    while not stop.is_set():
        try:
            return client.list_topics(timeout=CONTACT_TIMEOUT_S)
        except KafkaException as refusal:
            reason = _error_of(refusal).name()
        client.poll(0)  # only now does the client tell what its connections met with
        if (final := meaning_of(complaints, properties)) is not None:
            raise final
        detail = next((error.str() for error in complaints if error.code() != KafkaError._ALL_BROKERS_DOWN), reason)
        complaints.clear()
        if give_up_after_s is not None and time.monotonic() - started + pause >= give_up_after_s:
            raise BrokerUnreachable(
                f"no Kafka broker answers at {kafka.bootstrap_servers!r} ({detail})",
                remedy="start one, or set FRAUD_KAFKA__BOOTSTRAP_SERVERS to where it is, and "
                "FRAUD_KAFKA__SECURITY_PROTOCOL where it asks for TLS or a login",
            )
        log.warning(
            "no Kafka broker answers: start one, or set FRAUD_KAFKA__BOOTSTRAP_SERVERS to where it is, and "
            "FRAUD_KAFKA__SECURITY_PROTOCOL where it asks for TLS or a login",
            bootstrap_servers=kafka.bootstrap_servers,
            reason=reason,
            detail=detail,
            next_try_in_s=pause,
        )
        stop.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)
    return None


def require_topics(cluster: ClusterMetadata, topics: Iterable[str]) -> None:
    """Makes sure of every topic before the first record is read.

    Raises:
        TopicMissing: Names all that do not exist.
    """
    absent = [topic for topic in topics if topic not in cluster.topics]
    if absent:
        names = ", ".join(repr(topic) for topic in absent)
        raise TopicMissing(
            f"{'topic' if len(absent) == 1 else 'topics'} {names} missing on the broker, or hidden from this client",
            remedy="run `fraud topics create`, or set FRAUD_TOPICS__... to the names in use; a broker with ACLs hides "
            "what is not granted: grant what `fraud topics acls` prints",
        )


def _client(
    kind: Callable[..., Client],
    kafka: KafkaSettings,
    defaults: Mapping[str, object],
    fixed: Mapping[str, object],
    heard: Callable[[KafkaError], None] | None = None,
) -> Client:
    properties = {
        "client.id": "fraudstream",
        # Beginning anew with the bootstrap servers when all brokers are away (KIP-899) makes librdkafka forget what
        # it waits for: a call in a transaction then stands still past its timeout (seen with 2.16.0).
        "metadata.recovery.strategy": "none",
        **defaults,
        **kafka.client_properties,
        **fixed,
        "bootstrap.servers": kafka.bootstrap_servers,
        "error_cb": heard or _Complaints(time.monotonic),
    }
    try:
        return kind(properties, logger=logging.getLogger("librdkafka"))
    except (KafkaException, ValueError, TypeError) as refusal:
        detail = _error_of(refusal).str() if isinstance(refusal, KafkaException) else str(refusal)
        raise _property_refused(kafka, detail) from None


def _property_refused(kafka: KafkaSettings, detail: str) -> PropertyRefused:
    for setting, (name, *_) in PROPERTIES.items():
        value = getattr(kafka, setting)
        if value is not None and name in detail:
            said = f" {str(value)!r}" if isinstance(value, Path) else ""
            return PropertyRefused(
                f"the Kafka client refuses kafka.{setting}{said}: {detail}",
                remedy=f"mend FRAUD_KAFKA__{setting.upper()}: a file is to be readable and PEM, a key that of the "
                "certificate, and its password the one that it is encrypted with",
            )
    return PropertyRefused(f"the Kafka client refuses a property: {detail}", remedy="mend FRAUD_KAFKA__PROPERTIES")


def _error_of(exception: KafkaException) -> KafkaError:
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error


class _Complaints:
    """Logs librdkafka's news about connections, each kind at most twice a minute.

    It reconnects by itself, several times a second, and what is final is raised elsewhere.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._last: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        now = self._timer()
        if now - self._last.get(error.name(), -_REPEAT_AFTER_S) >= _REPEAT_AFTER_S:
            self._last[error.name()] = now
            log.warning("Kafka client reports", error=error.name(), detail=error.str(), fatal=error.fatal())
