"""What an attempt sends: the delivery's facts, in words for its recipient."""

from __future__ import annotations

from collections.abc import Callable

from alerting.attempts import Attempt
from alerting.contracts import CHANNEL_STOPPED, FRAUD_DETECTED, FRAUD_DIGEST, SCHEMA_VERSION
from alerting.digest import Digest
from alerting.facts import Links
from alerting.ledger.entries import Delivery
from alerting.messages import Content, Message
from alerting.notices import OPERATOR
from alerting.operators import operator_content
from alerting.rendering import Renderer
from alerting.rulebook import Rulebook


class Composer:
    """Composes the same message at every attempt. Used by the channels' threads.

    Args:
        renderer: Puts facts into words.
        book: The rules at work.
        links: Where a notice, in a partition of the ledger, is acknowledged, if anywhere.
    """

    def __init__(self, renderer: Renderer, book: Rulebook, links: Callable[[Delivery, int], Links]) -> None:
        self._renderer = renderer
        self._book = book
        self._links = links

    def __call__(self, attempt: Attempt) -> Message:
        """The message of a delivery that is not over."""
        delivery = attempt.delivery
        assert delivery.verdict is not None
        if delivery.template == OPERATOR:
            content, kind = operator_content(delivery), CHANNEL_STOPPED
            return self._message(attempt, content, kind, "operator")
        links, locale = self._links(delivery, attempt.partition), attempt.recipient.locale
        if delivery.tally is None:
            alert = self._book.alert(delivery.verdict)
            content = self._renderer.render_alert(alert, template=delivery.template, locale=locale, links=links)
            return self._message(attempt, content, FRAUD_DETECTED, alert.severity)
        severity = self._book.gravest(delivery.tally.severities)
        digest = Digest(delivery.alert_id, delivery.created_at, delivery.fields, delivery.tally, severity)
        content = self._renderer.render_digest(digest, template=delivery.template, locale=locale, links=links)
        return self._message(attempt, content, FRAUD_DIGEST, severity)

    def _message(self, attempt: Attempt, content: Content, kind: str, severity: str) -> Message:
        delivery = attempt.delivery
        return Message(
            id=delivery.id,
            content=content,
            created_at=delivery.created_at,
            expires_at=delivery.expires_at,
            thread=delivery.group,
            attributes={"type": kind, "severity": severity, "schema_version": SCHEMA_VERSION},
            partition=attempt.partition,
        )
