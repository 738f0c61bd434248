"""The ceiling: the very loop, clients, batches and transactions of ours, which copies bytes without a look at them."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry

from stream import kafka as clients
from stream.coverage import Coverage
from stream.health import Health
from stream.judging import Judged
from stream.metrics import ScorerMetrics
from stream.records import Outgoing, Record
from stream.settings import KafkaSettings, ScorerSettings
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import timeouts
from stream.transaction import TransactionalWriter
from stream.worker import Worker

_NOTHING: Final = np.empty(0)


class Copyist:
    """Answers each record with its own bytes.

    Args:
        topic: Where the copies go.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def judge(self, records: Sequence[Record]) -> Judged:
        """A copy of each record."""
        copies = [Outgoing(self._topic, record.key, record.value, ()) for record in records]
        return Judged(
            copies,
            ruled=[],
            rulings=[],
            rejections=[],
            scoring_seconds=0.0,
            missing={},
            event_ages=_NOTHING,
            record_ages=_NOTHING,
        )

    def committed(self, judged: Judged) -> None:
        """Nobody else is told."""


def main() -> None:
    """Copies until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bootstrap", "transactions", "verdicts", "group", "model", "batch"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    kafka = KafkaSettings(bootstrap_servers=options.bootstrap)
    settings = ScorerSettings(group_id=options.group, batch_size=options.batch)
    name, admin = settings.transactional_id, clients.admin(kafka)
    Worker(
        Source(
            lambda: clients.consumer(kafka, settings.group_id, name=name, static=True),
            options.transactions,
            timer=time.monotonic,
        ),
        Copyist(options.verdicts),
        TransactionalWriter(lambda: clients.transactional_producer(kafka, name)),
        Slot(admin, settings.group_id, name),
        Coverage(admin, options.transactions, settings.group_id, timer=time.monotonic),
        settings=settings,
        limits=timeouts({}),
        health=Health(),
        metrics=ScorerMetrics(CollectorRegistry()),
        stop=stop,
    ).run()


if __name__ == "__main__":
    main()
