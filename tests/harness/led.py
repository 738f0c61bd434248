"""Topics that were made a moment ago: a broker may know of one before it leads its partitions."""

from __future__ import annotations

from functools import partial

from confluent_kafka import KafkaException

from tests.harness.topics import end_offsets
from tests.harness.waiting import wait_until


def wait_until_led(bootstrap: str, *topics: str) -> None:
    """Returns as soon as every partition of the topics can be read."""
    for topic in topics:
        wait_until(partial(_is_led, bootstrap, topic), within_s=30, what=f"{topic} has no leader")


def _is_led(bootstrap: str, topic: str) -> bool:
    try:
        return bool(end_offsets(bootstrap, topic))
    except KafkaException:
        return False
