"""How far a member is behind the end of its partitions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.positions import Partition

_START_TIMEOUT_S: Final = 1.0


class Lags:
    """Knows where partitions begin of which no record has come yet, and asks for that once."""

    def __init__(self) -> None:
        self._starts: dict[Partition, int] = {}

    def now(self, consumer: Consumer, owned: Iterable[Partition]) -> dict[Partition, int]:
        """Records behind the end for each partition, as of the last fetch; what was never fetched is left out.

        Args:
            consumer: Reads them.
            owned: Which.
        """
        lags: dict[Partition, int] = {}
        for topic, partition in owned:
            place = TopicPartition(topic, partition)
            first, end = consumer.get_watermark_offsets(place, cached=True)
            if end < 0:
                continue
            position = consumer.position([place])[0].offset
            if position < 0:
                position = self._starting_point(consumer, place, first)
            lags[topic, partition] = max(end - position, 0)
        return lags

    def forget(self, gone: Collection[Partition]) -> None:
        """Of partitions that were taken away nothing is known any more."""
        self._starts = {place: start for place, start in self._starts.items() if place not in gone}

    def _starting_point(self, consumer: Consumer, place: TopicPartition, first: int) -> int:
        key = (place.topic, place.partition)
        if key not in self._starts:
            try:
                committed = consumer.committed([place], timeout=_START_TIMEOUT_S)[0].offset
            except KafkaException:
                return first
            self._starts[key] = committed if committed >= 0 else first
        return self._starts[key]
