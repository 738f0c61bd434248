"""The alert worker as a process: channels, rules, broker, topics, HTTP, then the loop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import structlog
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry

from alerting.answers import Answers
from alerting.breaker import Breaker
from alerting.channels.registry import channel_names
from alerting.clock import SteadyClock
from alerting.composing import Composer
from alerting.ledger.book import Book
from alerting.ledger.reading import read_page
from alerting.limits import LONGEST
from alerting.metrics import AlertMetrics
from alerting.outbox import Outbox
from alerting.policies import Surroundings
from alerting.preconditions import require_fitting
from alerting.preparing import Prepared, prepare
from alerting.rendering import TemplateFailure
from alerting.routing.checking import notes_of
from alerting.sending import Sending
from alerting.settings import AlertSettings
from alerting.silences import SilenceFeed
from alerting.silencing import Hush
from alerting.site import AlertSite, codes_of, links_of, mark_of
from alerting.unwritten import Destined
from alerting.worker import AlertWorker
from stream import kafka as clients
from stream.coverage import Coverage
from stream.health import Health, serving
from stream.kafka import Stop
from stream.settings import HttpSettings, KafkaSettings, TopicSettings
from stream.slots import Slot
from stream.source import Source
from stream.timeouts import timeouts
from stream.topic_reading import require_readable
from stream.transaction import TransactionalWriter
from stream.watchdog import watched

log = structlog.get_logger()

ALERT_PORT: Final = 9465


def alert_people(
    settings: AlertSettings,
    *,
    kafka: KafkaSettings,
    topics: TopicSettings,
    http: HttpSettings,
    stop: Stop,
    listening: Callable[[int], None] | None = None,
) -> None:
    """Tells people of the frauds in `topics.verdicts` as one member of the group, until `stop`.

    Args:
        settings: Who is told, through what.
        kafka: Where the broker is.
        topics: What to read and write.
        http: Where probes, metrics and answers to alerts are taken.
        stop: Ends it.
        listening: Told which port those are at.

    Raises:
        Mendable: Settings, rules, templates, a topic, grant or port that the user can mend; all of the first three.
        WorkerFailed: The process cannot go on; what was not written is decided on again.
    """
    registry = CollectorRegistry()
    health = Health()
    with ExitStack() as ending:
        metrics = AlertMetrics(registry, sorted(channel_names(settings)))

        def template_failed(failure: TemplateFailure) -> None:
            metrics.template_failed()
            log.error("a template failed: plain text is sent", template=failure.template, error=failure.error)

        prepared = ending.enter_context(prepare(settings, on_failure=template_failed))
        for note in notes_of(prepared.rules):
            place = f"{settings.routes}:{note.place.line}:{note.place.column}"
            log.warning("the rules may not be meant so", place=place, note=note.message)
        answers = Answers(kafka, topics)
        ending.callback(answers.close)
        codes = codes_of(settings.acknowledge, kafka, topics)
        site = AlertSite(settings.acknowledge, prepared.channels.values(), answers, metrics, codes=codes)
        port = ending.enter_context(serving(http, health, registry, default_port=ALERT_PORT, pages=site))
        if listening is not None:
            listening(port)
        cluster = clients.reach_broker(kafka, stop=stop)
        if cluster is None:
            return
        admin = clients.admin(kafka)
        require_fitting(cluster, admin, topics)
        require_readable(kafka, topics.alert_ledger)
        log.info("alerting", topic=topics.verdicts, channels=list(prepared.channels), slot=settings.slot)
        worker = _worker(
            settings, prepared, kafka, topics, ending, admin=admin, health=health, metrics=metrics, stop=stop
        )
        with watched(health, timeouts(kafka.properties).stuck_s):
            worker.run()
        log.info("ended cleanly")


def _worker(
    settings: AlertSettings,
    prepared: Prepared,
    kafka: KafkaSettings,
    topics: TopicSettings,
    ending: ExitStack,
    *,
    admin: AdminClient,
    health: Health,
    metrics: AlertMetrics,
    stop: Stop,
) -> AlertWorker:
    name = settings.transactional_id
    limits = timeouts(kafka.properties)
    clock = SteadyClock()
    feed = ending.enter_context(SilenceFeed(kafka, topics.alert_silences))
    mark = mark_of(settings.acknowledge)
    hush = Hush(mark)

    def follow() -> None:
        for silence in feed.news():
            hush.put(silence, clock())

    follow()
    book = Book()
    around = Surroundings(
        routes=prepared.rulebook,
        policies=prepared.policies,
        limits=prepared.limiter,
        quiet=hush,
        gate=Breaker(),
        most_waiting=settings.most_waiting,
        random=random.random,
        mark=mark,
    )
    composer = Composer(prepared.renderer, prepared.rulebook, links_of(settings.acknowledge))
    return AlertWorker(
        Source(
            lambda: clients.consumer(kafka, settings.group_id, name=name, static=settings.static_membership),
            topics.verdicts,
            timer=time.monotonic,
            gaps=settings.gaps,
            skipped=lambda _, count: metrics.skipped(count),
        ),
        book,
        Outbox(book, around, name=name),
        ending.enter_context(Sending(prepared.channels, composer, timer=time.monotonic, now=clock)),
        TransactionalWriter(lambda: clients.transactional_producer(kafka, name), limits=limits),
        topics=Destined(topics.alert_ledger, topics.alert_dead_letters, topics.alert_silences),
        read_page=lambda partition, meanwhile: read_page(
            kafka, topics.alert_ledger, partition, since=clock() - LONGEST, meanwhile=meanwhile
        ),
        slot=Slot(admin, settings.group_id, name),
        coverage=Coverage(admin, topics.verdicts, settings.group_id, timer=time.monotonic),
        follow=follow,
        limits=limits,
        health=health,
        metrics=metrics,
        stop=stop,
        timer=time.monotonic,
        now=clock,
        age=clock.age,
    )
