"""What an attempt sends: the delivery's facts, in words for its recipient."""

from __future__ import annotations

from collections.abc import Callable

from alerting.alert import Alert
from alerting.attempts import Attempt
from alerting.contracts import CHANNEL_STOPPED, FRAUD_DETECTED, FRAUD_DIGEST, SCHEMA_VERSION
from alerting.digest import Digest
from alerting.facts import Links
from alerting.ledger.entries import Delivery
from alerting.messages import Content, Message
from alerting.notices import OPERATOR
from alerting.operators import operator_content
from alerting.rendering import Renderer
from stream.contracts import Verdict


class Composer:
    """Composes the same message at every attempt. Used by the channels' threads.

    Args:
        renderer: Puts facts into words.
        alert: A verdict with its severity and account.
        links: Where a notice is acknowledged, if anywhere.
    """

    def __init__(
        self, renderer: Renderer, alert: Callable[[Verdict], Alert], links: Callable[[Delivery], Links]
    ) -> None:
        self._renderer = renderer
        self._alert = alert
        self._links = links

    def __call__(self, attempt: Attempt) -> Message:
        """The message of a delivery that is not over."""
        delivery = attempt.delivery
        assert delivery.verdict is not None
        if delivery.template == OPERATOR:
            content, kind = operator_content(delivery), CHANNEL_STOPPED
            return self._message(attempt, content, kind, "operator")
        alert, links, locale = self._alert(delivery.verdict), self._links(delivery), attempt.recipient.locale
        if delivery.tally is None:
            content = self._renderer.render_alert(alert, template=delivery.template, locale=locale, links=links)
        else:
            digest = Digest(delivery.alert_id, delivery.created_at, delivery.fields, delivery.tally)
            content = self._renderer.render_digest(digest, template=delivery.template, locale=locale, links=links)
        kind = FRAUD_DETECTED if delivery.tally is None else FRAUD_DIGEST
        return self._message(attempt, content, kind, alert.severity)

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
