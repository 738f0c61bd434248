"""What the alert worker answers over HTTP besides its probes: analysts at /ack, providers where they were told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from alerting import acknowledging
from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.acknowledging import link, page, respond, signed, token_of
from alerting.answers import AnswerLost, Answers
from alerting.channels import CallbackRefused, Channel, Confirming
from alerting.channels.webhook_settings import signing_keys
from alerting.facts import Links
from alerting.ledger.entries import Delivery
from alerting.metrics import AlertMetrics
from stream.pages import Answer, Asked

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
        now: The time of day, with a zone.
    """

    def __init__(
        self,
        settings: AcknowledgeSettings | None,
        channels: Iterable[Channel],
        answers: Answers,
        metrics: AlertMetrics,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._acknowledge = settings
        self._confirming = {one.callback_path: one for one in channels if isinstance(one, Confirming)}
        self._answers = answers
        self._metrics = metrics
        self._now = now

    def __call__(self, asked: Asked) -> Answer | None:
        """None where it is about something else, or not configured."""
        if asked.path == acknowledging.PATH and self._acknowledge is not None:
            return self._answer(asked, self._acknowledge)
        channel = self._confirming.get(asked.path) if asked.method == "POST" else None
        return None if channel is None else self._confirm(asked, channel)

    def _answer(self, asked: Asked, settings: AcknowledgeSettings) -> Answer:
        hold = timedelta(seconds=settings.hold_s)
        answer, answered = respond(asked, signing_keys(settings.secret), now=self._now(), hold=hold)
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
            confirmation, partition = found
            try:
                self._answers.confirmed(confirmation, partition)
            except AnswerLost as lost:
                log.error("a provider's word could not be written", detail=str(lost))
                return Answer(503, b"try again\n")
            self._metrics.confirmed(confirmation.said)
        return Answer(204, b"")


def links_of(settings: AcknowledgeSettings | None) -> Callable[[Delivery], Links]:
    """What gives a notice its links: none where none are configured."""
    if settings is None:
        return lambda _: Links()
    keys, base_url, valid = signing_keys(settings.secret), settings.base_url, timedelta(seconds=settings.valid_s)

    def links(delivery: Delivery) -> Links:
        # From when it was made: the same at every attempt.
        token = token_of(delivery, expires=delivery.created_at + valid)
        return Links() if token is None else Links(acknowledge=link(base_url, signed(token, keys)))

    return links
