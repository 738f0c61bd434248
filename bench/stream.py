"""The stream: transactions a second through the worker, beside the same loop that copies bytes without looking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from prometheus_client import CollectorRegistry

from bench.figures import show
from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.coverage import Coverage
from stream.health import Health
from stream.judging import Judge, Judged
from stream.metrics import ScorerMetrics
from stream.records import Outgoing, Record
from stream.settings import KafkaSettings, ScorerSettings, TopicSettings
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import timeouts
from stream.topics import create_topics, plan_topics
from stream.transaction import TransactionalWriter
from stream.worker import Worker

BATCH = 500

JudgeBatch: TypeAlias = Callable[[Sequence[Record]], Judged]


def bench_stream(scorer: Scorer, transactions: Sequence[Outgoing], bootstrap: str) -> None:
    """Prints the figure for one worker; the topics are made, and filled, anew for each contender."""
    kafka = KafkaSettings(bootstrap_servers=bootstrap)
    _run("warm-up", None, transactions, kafka)
    copied = _run("copy", None, transactions, kafka)
    ours = _run("score", scorer, transactions, kafka)
    show(
        "transactions scored exactly once",
        ours,
        "tx/s",
        baseline="the same loop copying bytes",
        baseline_value=copied,
        batch=BATCH,
        inputs=len(scorer.inputs),
        transactions=len(transactions),
        bytes=sum(len(one.value or b"") for one in transactions) // len(transactions),
    )


def _run(name: str, scorer: Scorer | None, transactions: Sequence[Outgoing], kafka: KafkaSettings) -> float:
    """Transactions a second from the first poll to the last commit."""
    topics = TopicSettings(
        transactions=f"{name}-in", verdicts=f"{name}-out", dead_letters=f"{name}-dlq", alert_dead_letters=f"{name}-a"
    )
    admin = clients.admin(kafka)
    create_topics(admin, plan_topics(topics, partitions=4, replicas=1))
    producer = clients.producer(kafka)
    for transaction in transactions:
        producer.produce(topics.transactions, value=transaction.value, key=transaction.key)
        producer.poll(0)
    producer.flush()

    settings = ScorerSettings(group_id=f"bench-{name}", batch_size=BATCH)
    stop, committed, metrics = threading.Event(), _Count(len(transactions)), ScorerMetrics(CollectorRegistry())
    judge = _copying(topics.verdicts) if scorer is None else _judging(scorer, topics, settings)
    worker = Worker(
        Source(lambda: clients.consumer(kafka, settings.group_id), topics.transactions, timer=time.monotonic),
        _Until(judge, committed, stop),
        TransactionalWriter(lambda: clients.transactional_producer(kafka, settings.transactional_id)),
        Slot(admin, settings.group_id, settings.transactional_id),
        Coverage(admin, topics.transactions, settings.group_id, timer=time.monotonic),
        settings=settings,
        limits=timeouts({}),
        health=Health(),
        metrics=metrics,
        stop=stop,
    )
    worker.run()
    return committed.rate()


class _Count:
    def __init__(self, expected: int) -> None:
        self._left = self._expected = expected
        self._started: float | None = None

    def took(self, records: int) -> bool:
        """Counts a batch as it is judged; True with the last one."""
        self._started = self._started or time.perf_counter()
        self._left -= records
        return self._left <= 0

    def rate(self) -> float:
        """Records a second since the first batch."""
        assert self._started is not None
        return self._expected / (time.perf_counter() - self._started)


def _copying(topic: str) -> JudgeBatch:
    """Judges nothing: what remains is the client, the loop and the broker."""
    return lambda records: Judged(
        [Outgoing(topic, record.key, record.value, ()) for record in records],
        verdicts=[],
        frauds=0,
        rejections=[],
        scoring_seconds=0.0,
        missing={},
        event_ages=np.empty(0),
        record_ages=np.empty(0),
    )


def _judging(scorer: Scorer, topics: TopicSettings, settings: ScorerSettings) -> JudgeBatch:
    longest = settings.max_record_bytes
    return Judge(scorer, topics, max_record_bytes=longest, now=lambda: datetime.now(UTC), timer=time.perf_counter).judge


class _Until:
    """Ends the worker after the batch in which the last record stands."""

    def __init__(self, judge: JudgeBatch, count: _Count, stop: threading.Event) -> None:
        self._judge = judge
        self._count = count
        self._stop = stop

    def judge(self, records: Sequence[Record]) -> Judged:
        judged = self._judge(records)
        if self._count.took(len(records)):
            self._stop.set()
        return judged

    def committed(self, judged: Judged) -> None:
        """What counts is counted before."""
