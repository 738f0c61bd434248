"""A scorer as a process: model, broker, topics, HTTP, then the loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from model.scoring.kernel import KERNEL
from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.court import Court
from stream.coverage import Coverage
from stream.health import Health, serving
from stream.judging import Judge
from stream.kafka import Stop
from stream.metrics import ScorerMetrics
from stream.model_watch import Followed, Handover, ModelWatch
from stream.preconditions import require_sound
from stream.settings import HttpSettings, KafkaSettings, ScorerSettings, TopicSettings
from stream.shadow import Shadow
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import timeouts
from stream.transaction import TransactionalWriter
from stream.watchdog import watched
from stream.worker import Worker

log = structlog.get_logger()

SCORER_PORT: Final = 9464


def score_stream(
    scorer: Scorer,
    *,
    kafka: KafkaSettings,
    topics: TopicSettings,
    settings: ScorerSettings,
    http: HttpSettings,
    stop: Stop,
    followed: Followed | None = None,
    listening: Callable[[int], None] | None = None,
) -> None:
    """Scores `topics.transactions` as one member of the group, until `stop`.

    Args:
        scorer: What rules from the start.
        kafka: Where the broker is.
        topics: What to read and write.
        settings: Of the worker.
        http: Where probes and metrics are answered.
        stop: Ends it.
        followed: The model whose champion and challenger are asked for while running; None keeps `scorer`.
        listening: Told which port probes and metrics are answered at.

    Raises:
        Mendable: A property, topic, grant or port that the user can mend, or records that are gone.
        WorkerFailed: The process cannot go on; nothing uncommitted was kept.
    """
    registry = CollectorRegistry()
    metrics = ScorerMetrics(registry)
    health = Health()
    limits = timeouts(kafka.properties)
    name = settings.transactional_id

    def judge_with(one: Scorer) -> Judge:
        return Judge(one, topics, max_record_bytes=settings.max_record_bytes, now=_now, timer=time.perf_counter)

    champions = None if followed is None else Handover()
    shadow = None
    if followed is not None and settings.shadow:
        shadow = Shadow(
            lambda: clients.producer(kafka),
            topics,
            max_record_bytes=settings.max_record_bytes,
            metrics=metrics,
            now=_now,
        )
    court = Court(scorer, judge_with, metrics=metrics, champions=champions, shadow=shadow)
    with ExitStack() as ending:
        port = ending.enter_context(serving(http, health, registry, default_port=SCORER_PORT))
        if listening is not None:
            listening(port)
        cluster = clients.reach_broker(kafka, stop=stop)
        if cluster is None:
            return
        admin = clients.admin(kafka)
        require_sound(cluster, admin, topics, limits)
        if followed is not None and champions is not None:
            ending.enter_context(_watch_champions(followed, scorer, champions, metrics, settings.watch_s))
        if followed is not None and shadow is not None:
            ending.enter_context(shadow)
            ending.enter_context(_watch_challengers(followed, shadow, metrics, settings.watch_s))
        source = Source(
            lambda: clients.consumer(kafka, settings.group_id, name=name, static=settings.static_membership),
            topics.transactions,
            timer=time.monotonic,
            gaps=settings.gaps,
            skipped=metrics.skipped,
        )
        worker = Worker(
            source,
            court,
            TransactionalWriter(lambda: clients.transactional_producer(kafka, name), limits=limits),
            Slot(admin, settings.group_id, name),
            Coverage(admin, topics.transactions, settings.group_id, timer=time.monotonic),
            settings=settings,
            limits=limits,
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
            kernel=KERNEL.name,
        )
        if KERNEL.reason is not None:
            log.warning("forests are walked by numpy, which gives the same and takes longer", reason=KERNEL.reason)
        with watched(health, limits.stuck_s):
            worker.run()
        log.info("ended cleanly", slot_kept_for_ms=limits.session_ms if settings.static_membership else 0)


def _watch_champions(
    followed: Followed, scorer: Scorer, champions: Handover, metrics: ScorerMetrics, every_s: float
) -> ModelWatch:
    return ModelWatch(
        followed.champion,
        followed.load,
        champions.offer,
        role="champion",
        current=scorer.version,
        every_s=every_s,
        refused=lambda cause: metrics.refused("champion", cause),
    )


def _watch_challengers(followed: Followed, shadow: Shadow, metrics: ScorerMetrics, every_s: float) -> ModelWatch:
    def replace(scorer: Scorer | None) -> None:
        shadow.replace(scorer)
        if scorer is None:
            metrics.challenger_gone()
        else:
            metrics.challenger_loaded(scorer.name, scorer.version)

    return ModelWatch(
        followed.challenger,
        followed.load,
        replace,
        role="challenger",
        current=None,
        every_s=every_s,
        refused=lambda cause: metrics.refused("challenger", cause),
    )


def _now() -> datetime:
    return datetime.now(UTC)
