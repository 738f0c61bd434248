"""PagerDuty's Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from alerting.channels.json_webhook import JsonWebhook
from alerting.channels.pagerduty_settings import PagerDutySettings
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Recipient
from alerting.messages import Message

_LONGEST_SUMMARY: Final = 1024
_SEVERITIES: Final = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}


class PagerDutyChannel(JsonWebhook):
    """Triggers an incident; the notice's id is its `dedup_key`, so that a repetition opens no other."""

    name = "pagerduty"

    def __init__(self, settings: PagerDutySettings) -> None:
        super().__init__(timeout_s=settings.timeout_s, allowed=None)  # the settings name the host
        self._url = f"{settings.base_url.rstrip('/')}/v2/enqueue"
        self._keys = {name: key.get_secret_value() for name, key in settings.routing_keys.items()}

    def url(self, recipient: Recipient) -> str:  # noqa: ARG002
        """The same for everybody."""
        return self._url

    def body(self, message: Message, recipient: Recipient) -> Mapping[str, Any]:
        """An event for the service whose routing key the recipient's address names."""
        if recipient.address not in self._keys:
            raise Refused(
                FailureReason.INVALID_RECIPIENT, "alerts.pagerduty.routing_keys has nothing of the recipient's name"
            )
        return {
            "routing_key": self._keys[recipient.address],
            "event_action": "trigger",
            "dedup_key": message.id,
            "payload": {
                "summary": message.content.subject[:_LONGEST_SUMMARY],
                "source": "fraudstream",
                "severity": _SEVERITIES.get(message.attributes.get("severity", ""), "error"),
                "timestamp": message.created_at.isoformat(),
                "custom_details": msgspec.Raw(message.content.payload),
            },
        }
