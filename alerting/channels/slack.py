"""Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/."""

from __future__ import annotations

from collections.abc import Mapping

from alerting.channels.json_webhook import JsonWebhook
from alerting.channels.slack_settings import SlackSettings
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Recipient
from alerting.messages import Message

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class SlackChannel(JsonWebhook):
    """Posts the mail's text. Slack knows no repetition: after a doubt the same may stand there twice."""

    name = "slack"

    def __init__(self, settings: SlackSettings) -> None:
        super().__init__(timeout_s=settings.timeout_s, allowed=None)  # the settings name the host
        self._urls = {name: url.get_secret_value() for name, url in settings.urls.items()}

    def url(self, recipient: Recipient) -> str:
        """The secret URL that the recipient's address names."""
        if recipient.address not in self._urls:
            raise Refused(FailureReason.INVALID_RECIPIENT, "alerts.slack.urls has nothing of the recipient's name")
        return self._urls[recipient.address]

    def body(self, message: Message, recipient: Recipient) -> Mapping[str, str]:  # noqa: ARG002
        """Subject and text, without what Slack would take for a link or a mention."""
        content = message.content
        return {"text": f"*{content.subject}*\n{content.text}".translate(_ESCAPED)}
