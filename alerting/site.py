"""What the alert worker answers over HTTP besides its probes: analysts at /ack, providers where they were told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog
from confluent_kafka import KafkaException

from alerting import acknowledging
from alerting.accounts import account_mark
from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.acknowledging import Token, link, page, respond, short_link, signed, token_of
from alerting.answers import AnswerLost, Answers
from alerting.channels import CallbackRefused, Channel, Confirming
from alerting.channels.webhook_settings import signing_keys
from alerting.code_lookup import CodeBook
from alerting.delivery import ChannelStopped, RecipientStopped
from alerting.facts import Links
from alerting.ledger.entries import Delivery
from alerting.metrics import AlertMetrics
from alerting.policies import Stopped
from alerting.reply_codes import ReplyCode, code_of
from stream.errors import NotAllowed, WorkerFailed
from stream.pages import Answer, Asked
from stream.settings import KafkaSettings, TopicSettings

log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


class AlertSite:
    """Answers on the server's threads.

    Args:
        settings: How alerts are answered; None where they are not.
        channels: Some of which have a provider that says later what became of a message.
        answers: Writes what is answered.
        metrics: Counts it.
        codes: What reply codes stand for.
        now: The time of day, with a zone.
    """

    def __init__(
        self,
        settings: AcknowledgeSettings | None,
        channels: Iterable[Channel],
        answers: Answers,
        metrics: AlertMetrics,
        *,
        codes: Callable[[ReplyCode], Token | None] = lambda _: None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._acknowledge = settings
        self._confirming = {one.callback_path: one for one in channels if isinstance(one, Confirming)}
        self._answers = answers
        self._metrics = metrics
        self._codes = codes
        self._now = now

    def __call__(self, asked: Asked) -> Answer | None:
        """None where it is about something else, or not configured."""
        if asked.path == acknowledging.PATH and self._acknowledge is not None:
            return self._answer(asked, self._acknowledge)
        channel = self._confirming.get(asked.path) if asked.method == "POST" else None
        return None if channel is None else self._confirm(asked, channel)

    def _answer(self, asked: Asked, settings: AcknowledgeSettings) -> Answer:
        hold = timedelta(seconds=settings.hold_s)
        keys = signing_keys(settings.secret)
        try:
            answer, answered = respond(asked, keys, now=self._now(), hold=hold, find=self._codes)
        except (WorkerFailed, NotAllowed, KafkaException) as trouble:
            log.error("a reply code could not be looked up", detail=type(trouble).__name__)
            return page(503, "Not found yet", "Try again in a moment.")
        if answered is None:
            return answer
        try:
            self._answers.said(answered.silence, answered.label)
        except AnswerLost as lost:
            log.error("an answer could not be written", detail=str(lost))
            return page(503, "Not noted yet", "Try again in a moment.")
        self._metrics.answered(answered.said.value)
        return answer

    def _confirm(self, asked: Asked, channel: Confirming) -> Answer:
        try:
            found = channel.confirmation(asked, self._now())
        except CallbackRefused as refused:
            return Answer(403, f"{refused}\n".encode())
        if found is not None:
            stopped = None
            if isinstance(found.failure, RecipientStopped):
                stopped = Stopped(channel.name, found.recipient, found.failure.message, self._now())
            try:
                self._answers.confirmed(found.confirmation, found.partition, stopped)
            except AnswerLost as lost:
                log.error("a provider's word could not be written", detail=str(lost))
                return Answer(503, b"try again\n")
            self._metrics.confirmed(channel.name, found.confirmation.said)
            if isinstance(found.failure, ChannelStopped):
                log.error("a channel must be mended", channel=channel.name, detail=found.failure.message)
        return Answer(204, b"")


def codes_of(
    settings: AcknowledgeSettings | None, kafka: KafkaSettings, topics: TopicSettings
) -> Callable[[ReplyCode], Token | None]:
    """What gives reply codes their meaning: none where alerts are not answered."""
    if settings is None:
        return lambda _: None
    valid = timedelta(seconds=settings.valid_s)
    return CodeBook(kafka, topics.alert_ledger, signing_keys(settings.secret), valid).token


def mark_of(settings: AcknowledgeSettings | None) -> Callable[[str], str] | None:
    """What gives accounts what stands for them in links: None where alerts are not answered."""
    if settings is None:
        return None
    key = signing_keys(settings.secret)[0]
    return lambda account_id: account_mark(account_id, key)


def links_of(settings: AcknowledgeSettings | None) -> Callable[[Delivery, int], Links]:
    """What gives a notice, in a partition of the ledger, its links: none where none are configured."""
    if settings is None:
        return lambda *_: Links()
    keys, base_url, valid = signing_keys(settings.secret), settings.base_url, timedelta(seconds=settings.valid_s)

    def links(delivery: Delivery, partition: int) -> Links:
        # From when it was made: the same at every attempt.
        token = token_of(delivery, expires=delivery.created_at + valid)
        if token is None:
            return Links()
        code = code_of(delivery.id, partition, keys[0])
        return Links(link(base_url, signed(token, keys)), code.spaced, short_link(base_url, code))

    return links
