"""A steady stream in, and for each partition when its verdicts came out."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

_TICK_S: Final = 0.005
# A client that begins anew after all brokers were away can stand still for ever (stream.kafka has the same line).
_LASTING: Final = {"metadata.recovery.strategy": "none", "log_level": 0}


class _Source(msgspec.Struct):
    partition: int


class _Answer(msgspec.Struct):
    source: _Source


class Arrivals:
    """The moments at which committed verdicts could be read, by the partition of their transactions."""

    def __init__(self) -> None:
        self._moments: defaultdict[int, list[float]] = defaultdict(list)

    def came(self, partition: int, moment: float) -> None:
        """A verdict came. Moments only grow."""
        self._moments[partition].append(moment)

    def count(self) -> int:
        """Of all of them."""
        return sum(len(moments) for moments in self._moments.values())

    def after(self, moment: float) -> dict[int, float]:
        """For each partition the first arrival after a moment."""
        firsts = {
            partition: next((one for one in list(moments) if one > moment), None)
            for partition, moments in list(self._moments.items())
        }
        return {partition: first for partition, first in firsts.items() if first is not None}

    def longest_gap(self, partition: int, begin: float, end: float) -> float:
        """The longest time without a verdict of a partition that begins between two moments, in seconds."""
        moments = [one for one in self._moments[partition] if one >= begin - 1]
        return max(after - before for before, after in itertools.pairwise(moments) if before < end and after > begin)


@contextmanager
def steady_stream(
    bootstrap: str, topic: str, verdicts: str, values: Sequence[bytes], *, partitions: int, rate: float
) -> Iterator[Arrivals]:
    """Sends to all partitions in turn, and watches for verdicts, until the block ends.

    Args:
        bootstrap: The broker.
        topic: Where to.
        verdicts: Where they come out.
        values: Transactions, sent again from the first after the last.
        partitions: Of the topic.
        rate: Records a second, of all partitions together.
    """
    done, arrivals = threading.Event(), Arrivals()

    def send() -> None:
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1, **_LASTING})
        turn, started, sent = itertools.cycle(values), time.monotonic(), 0
        while not done.wait(_TICK_S):
            due = int((time.monotonic() - started) * rate)
            for number in range(sent, due):
                producer.produce(topic, value=next(turn), partition=number % partitions)
            sent = due
            producer.poll(0)
        producer.flush(30)

    def watch() -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "arrivals",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
                **_LASTING,
            }
        )
        known = consumer.list_topics(verdicts, timeout=10).topics[verdicts].partitions
        consumer.assign([TopicPartition(verdicts, number, 0) for number in known])
        decode = msgspec.json.Decoder(_Answer).decode
        while not done.is_set():
            for message in consumer.consume(1000, timeout=0.05):
                if message.error() is None:
                    arrivals.came(decode(message.value() or b"").source.partition, time.monotonic())
        consumer.close()

    threads = [threading.Thread(target=work, daemon=True) for work in (send, watch)]
    for thread in threads:
        thread.start()
    try:
        yield arrivals
    finally:
        done.set()
        for thread in threads:
            thread.join()
