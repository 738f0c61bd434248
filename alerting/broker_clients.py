"""Whether librdkafka takes the settings of Kafka, without a word to a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alerting.settings import AlertSettings
from stream import kafka as clients
from stream.settings import KafkaSettings

_NOWHERE: Final = ""


def require_clients(kafka: KafkaSettings, settings: AlertSettings) -> None:
    """Makes the worker's clients, none of which has an address to connect to.

    Args:
        kafka: Properties and files of certificates.
        settings: Names of the group and its members.

    Raises:
        PropertyRefused: librdkafka refuses one of `kafka.properties`, or a file.
    """
    nowhere = kafka.model_copy(update={"bootstrap_servers": _NOWHERE})
    name = settings.transactional_id
    makers: list[Callable[[], object]] = [
        lambda: clients.admin(nowhere),
        lambda: clients.consumer(nowhere, settings.group_id, name=name, static=settings.static_membership).close(),
        lambda: clients.transactional_producer(nowhere, name),
        lambda: clients.producer(nowhere),
    ]
    for make in makers:
        make()
