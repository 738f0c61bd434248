"""`python -m bench.growth`: what one transaction costs as trees, depth, columns and partitions grow.

Trees, depth and columns are those of a made-up forest, judged in batches of 2,000 without Kafka. Partitions are those
of a real broker's topics, and the worker is the whole one. One JSON line a figure to stdout, a table to stderr.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from rich.console import Console

from bench.figures import show
from cli.console import configure_logging, open_table
from demo.kafka.local import LocalKafka
from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.process import score_stream
from stream.scoring_costs import judging_costs, made_up_records, made_up_scorer
from stream.settings import HttpSettings, KafkaSettings, LogSettings, ScorerSettings, TopicSettings
from stream.topics import create_topics, plan_topics

_BATCH: Final = 2_000
_TREES, _DEPTH, _INPUTS, _PARTITIONS = 100, 10, 30, 4
_RECORDS: Final = 120_000
# The client's queue holds no more than some of them.
_QUEUED: Final = 20_000
_SEED: Final = 7
_GROWING: Final = {"trees": (10, 30, 100, 300, 1_000), "depth": (2, 6, 10, 14), "columns": (10, 30, 100, 300)}


def main() -> None:
    """Prints the figures, then the table."""
    configure_logging(LogSettings(level="error"))
    rows: list[tuple[str, int, float, float]] = []
    for what, sizes in _GROWING.items():
        base = 0.0
        for size in sizes:
            cost = _judging_us(**{what: size})
            base = base or cost
            rows.append((what, size, cost, cost / base))
            _show(what, size, cost, sizes[0], base)
    with LocalKafka() as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap)
        scorer = made_up_scorer(_TREES, _DEPTH, _INPUTS, random=np.random.default_rng(_SEED))
        _streaming_us(scorer, kafka, _PARTITIONS, "warm")
        base = 0.0
        for partitions in (1, 4, 16, 64):
            cost = _streaming_us(scorer, kafka, partitions, "run")
            base = base or cost
            rows.append(("partitions", partitions, cost, cost / base))
            _show("partitions", partitions, cost, 1, base)
    _print(rows)


def _judging_us(trees: int = _TREES, depth: int = _DEPTH, columns: int = _INPUTS) -> float:
    """Core microseconds of a transaction: decode, score, encode."""
    random = np.random.default_rng(_SEED)
    scorer = made_up_scorer(trees, depth, columns, random=random)
    ((_, seconds),) = judging_costs(
        scorer, random=random, timer=time.process_time, batches=(_BATCH,), seconds=2.0
    ).points
    return seconds / _BATCH * 1e6


def _streaming_us(scorer: Scorer, kafka: KafkaSettings, partitions: int, name: str) -> float:
    """Microseconds of a transaction, from topic to committed verdict, once the first fifth is over."""
    stem = f"{name}-{partitions}"
    topics = TopicSettings(
        transactions=stem,
        verdicts=f"{stem}-out",
        dead_letters=f"{stem}-dlq",
        alert_dead_letters=f"{stem}-alerts",
        shadow_verdicts=f"{stem}-shadow",
    )
    admin = clients.admin(kafka)
    create_topics(admin, plan_topics(topics, partitions=partitions, replicas=1))
    producer = clients.producer(kafka)
    for number, record in enumerate(made_up_records(scorer.inputs, _RECORDS, np.random.default_rng(_SEED)), start=1):
        producer.produce(topics.transactions, value=record.value, key=record.key)
        if number % _QUEUED == 0:
            producer.flush()
    producer.flush()

    stop = threading.Event()
    scoring = threading.Thread(
        target=score_stream,
        args=(scorer,),
        kwargs={
            "kafka": kafka,
            "topics": topics,
            "settings": ScorerSettings(group_id=stem, batch_size=_BATCH),
            "http": HttpSettings(port=0),
            "stop": stop,
        },
    )
    scoring.start()
    try:
        begun, since = _wait_for(_RECORDS // 5, admin, stem)
        done, until = _wait_for(_RECORDS, admin, stem)
    finally:
        stop.set()
        scoring.join()
    return (until - since) / (done - begun) * 1e6


def _wait_for(records: int, admin: AdminClient, group: str) -> tuple[int, float]:
    """How many records a group has committed once they are so many, and when that was seen, monotonic seconds."""
    while True:
        ((_, asked),) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).items()
        done = sum(max(place.offset, 0) for place in asked.result().topic_partitions or ())
        if done >= records:
            return done, time.monotonic()
        time.sleep(0.02)


def _show(what: str, size: int, cost: float, smallest: int, base: float) -> None:
    show(
        f"cost of a transaction by {what}",
        cost,
        "us",
        baseline=f"{smallest} {what}",
        baseline_value=base,
        size=size,
        batch=_BATCH,
    )


def _print(rows: Sequence[tuple[str, int, float, float]]) -> None:
    table = open_table(
        f"cost of a transaction; what does not grow is {_TREES} trees, depth {_DEPTH}, {_INPUTS} columns"
    )
    table.add_column("what grows")
    for heading in ("to", "µs a transaction", "times the first"):
        table.add_column(heading, justify="right")
    for what, size, cost, ratio in rows:
        table.add_row(what, f"{size:,}", f"{cost:.1f}", f"{ratio:.2f}")
    Console(stderr=True).print(table)


if __name__ == "__main__":
    main()
