"""The alert worker as a process: channels, broker, topics, HTTP, then a loop for each channel."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Final

import structlog
from prometheus_client import CollectorRegistry

from alerting.channels import Channel, open_channels
from alerting.courier import Courier
from alerting.dead_letters import DeadLetterWriter
from alerting.metrics import AlertMetrics
from alerting.settings import AlertSettings
from alerting.worker import AlertWorker
from stream import kafka as clients
from stream.health import Health, serving
from stream.kafka import Stop
from stream.settings import HttpSettings, KafkaSettings, TopicSettings
from stream.source import Source

log = structlog.get_logger()

_PORT: Final = 9465

# A delivery polls nothing. With providers that answer in one piece or not at all it takes at most the budget (60 s)
# and one round of attempts more: ten recipients, fifteen seconds each to connect and to answer. Time-outs are for
# each read: nothing bounds a provider that trickles its headers, a body where one is read (Twilio, SNS), or a mail
# server's replies. Past this interval the group takes the partitions away, and the alert is told again.
_MAX_POLL_INTERVAL_MS: Final = 600_000
# Only a loop that is stuck, or held by an answer that trickles, gets this old: each attempt is a sign of life.
_STALE_AFTER_S: Final = 180.0
_LOOK_EVERY_S: Final = 0.2


def alert_people(
    settings: AlertSettings, *, kafka: KafkaSettings, topics: TopicSettings, http: HttpSettings, stop: Stop
) -> None:
    """Tells people of the frauds in `topics.verdicts` on every configured channel, until `stop`.

    Each channel has a thread, a consumer and a group of its own. Where one of them fails, all end.

    Raises:
        Mendable: A channel, property, topic or port that the user can mend.
        WorkerFailed: The process cannot go on; what was not committed is read again.
    """
    channels = open_channels(settings)
    healths = [Health(stale_after_s=_STALE_AFTER_S) for _ in channels]
    registry = CollectorRegistry()
    metrics = AlertMetrics(registry, [channel.name for channel in channels])
    with ExitStack() as ending:
        for channel in channels:
            ending.callback(channel.close)
        ending.enter_context(serving(http, _Together(healths), registry, default_port=_PORT))
        cluster = clients.reach_broker(kafka, stop=stop)
        if cluster is None:
            return
        clients.require_topics(cluster, (topics.verdicts, topics.alert_dead_letters))
        log.info("alerting", topic=topics.verdicts, channels=[channel.name for channel in channels])
        halt = threading.Event()
        with ThreadPoolExecutor(len(channels), thread_name_prefix="channel") as threads:
            loops = {
                threads.submit(
                    _alert_on, channel, settings, kafka=kafka, topics=topics, health=health, metrics=metrics, stop=halt
                ): channel.name
                for channel, health in zip(channels, healths, strict=True)
            }
            try:
                while not stop.is_set() and not wait(loops, _LOOK_EVERY_S, FIRST_COMPLETED).done:
                    pass
            finally:
                halt.set()
    _raise_first(loops)
    log.info("left the groups cleanly")


class _Together:
    """Healthy, and ready, where every channel is."""

    def __init__(self, healths: Sequence[Health]) -> None:
        self._healths = healths

    def is_healthy(self) -> bool:
        return all(health.is_healthy() for health in self._healths)

    def is_ready(self) -> bool:
        return all(health.is_ready() for health in self._healths)


def _alert_on(
    channel: Channel,
    settings: AlertSettings,
    *,
    kafka: KafkaSettings,
    topics: TopicSettings,
    health: Health,
    metrics: AlertMetrics,
    stop: Stop,
) -> None:
    """One channel from start to end. Its Kafka clients are made, used and closed on this thread."""
    patient = kafka.model_copy(
        update={"properties": {"max.poll.interval.ms": _MAX_POLL_INTERVAL_MS, **kafka.properties}}
    )
    AlertWorker(
        channel.name,
        Source(
            lambda: clients.consumer(patient, settings.group_id(channel.name)),
            topics.verdicts,
            timer=time.monotonic,
            gaps=settings.gaps,
            skipped=lambda _, count: metrics.skipped(channel.name, count),
        ),
        Courier(
            channel,
            settings.retry,
            metrics=metrics,
            stop=stop,
            beat=health.beat,
            timer=time.monotonic,
            now=lambda: datetime.now(UTC),
            sleep=time.sleep,
            random=random.random,
        ),
        DeadLetterWriter(clients.producer(kafka), stop=stop, beat=health.beat),
        dead_letter_topic=topics.alert_dead_letters,
        health=health,
        metrics=metrics,
        stop=stop,
        timer=time.monotonic,
    ).run()


def _raise_first(loops: dict[Future[None], str]) -> None:
    """What ended the process; where several channels failed, the others are logged."""
    failed = [(name, error) for loop, name in loops.items() if (error := loop.exception()) is not None]
    for name, error in failed:
        log.error("a channel's loop failed", channel=name, error=error.__class__.__name__)
    if failed:
        raise failed[0][1]
