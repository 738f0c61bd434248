"""A scorer as a process: model, broker, topics, HTTP, then the loop."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.court import Court
from stream.health import Health, serving
from stream.judging import Judge
from stream.kafka import Stop
from stream.metrics import ScorerMetrics
from stream.preconditions import require_sound
from stream.settings import HttpSettings, KafkaSettings, ScorerSettings, TopicSettings
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import timeouts
from stream.transaction import TransactionalWriter
from stream.watchdog import watched
from stream.worker import Worker

log = structlog.get_logger()

_PORT: Final = 9464


def score_stream(
    scorer: Scorer,
    *,
    kafka: KafkaSettings,
    topics: TopicSettings,
    settings: ScorerSettings,
    http: HttpSettings,
    stop: Stop,
) -> None:
    """Scores `topics.transactions` as one member of the group, until `stop`.

    Raises:
        Mendable: A property, topic or port that the user can mend.
        WorkerFailed: The process cannot go on; nothing uncommitted was kept.
    """
    registry = CollectorRegistry()
    metrics = ScorerMetrics(registry)
    metrics.model_loaded(scorer.name, scorer.version, scorer.inputs)
    health = Health()
    judge = Judge(
        scorer,
        topics,
        max_record_bytes=settings.max_record_bytes,
        now=lambda: datetime.now(UTC),
        timer=time.perf_counter,
    )
    limits = timeouts(kafka.properties)
    name = settings.transactional_id
    with serving(http, health, registry, default_port=_PORT):
        cluster = clients.reach_broker(kafka, stop=stop)
        if cluster is None:
            return
        admin = clients.admin(kafka)
        require_sound(cluster, admin, topics, limits)
        source = Source(
            clients.consumer(kafka, settings.group_id, name=name, static=settings.static_membership),
            topics.transactions,
            timer=time.monotonic,
            gaps=settings.gaps,
            skipped=metrics.skipped,
        )
        writer = TransactionalWriter(lambda: clients.transactional_producer(kafka, name), limits=limits)
        worker = Worker(
            source,
            Court(judge),
            writer,
            Slot(admin, settings.group_id, name),
            settings=settings,
            health=health,
            metrics=metrics,
            stop=stop,
        )
        log.info(
            "scoring",
            model=scorer.name,
            version=scorer.version,
            threshold=scorer.threshold,
            topic=topics.transactions,
            group=settings.group_id,
            slot=settings.slot,
        )
        with watched(health, limits.stuck_s):
            worker.run()
        log.info("ended cleanly", slot_kept_for_ms=limits.session_ms if settings.static_membership else 0)
