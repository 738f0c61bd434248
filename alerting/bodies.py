"""What a channel would send, before anybody is told: the forms of a notice, each as its channel has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from alerting.channels.json_webhook import JsonWebhook
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.pagerduty_settings import PagerDutySettings
from alerting.channels.registry import open_channels
from alerting.channels.slack import SlackChannel
from alerting.channels.slack_settings import SlackSettings
from alerting.contracts import FRAUD_DETECTED, FRAUD_DIGEST, SCHEMA_VERSION
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from alerting.messages import Content, Message
from alerting.settings import AlertSettings

# In the place of a recipient's name, and of the secret behind it.
_SOMEBODY: Final = "somebody"
_MASK: Final = "********"
_USUAL: Final = timedelta(minutes=15)


def email_form(content: Content) -> str:
    """Subject and text of a mail, or of what else is read by people."""
    return f"Subject: {content.subject}\n\n{content.text}".rstrip("\n")


FORMS: Final[Mapping[str, Callable[[Content], str]]] = {
    "sms": lambda content: content.short,
    "email": email_form,
    "html": lambda content: content.html or "",
    "webhook": lambda content: content.payload.decode(),
}


def channels_to_show(settings: AlertSettings) -> tuple[str, ...]:
    """What can be shown: the forms, and channels that make something of their own of them."""
    return (*FORMS, "sns", "slack", "pagerduty", *settings.others)


def form_of(channel: str, content: Content, settings: AlertSettings, *, severity: str, digest: bool) -> str:
    """What a channel would send.

    Args:
        channel: One of `channels_to_show`.
        content: What is said.
        settings: Have the sections of other packages' channels.
        severity: Of the alert.
        digest: Whether it is one.

    Raises:
        ChannelRefused: A channel of another package cannot be opened, or does not say what it sends.
    """
    if channel in FORMS:
        return FORMS[channel](content)
    now = datetime.now(UTC)
    kind = FRAUD_DIGEST if digest else FRAUD_DETECTED
    attributes = {"type": kind, "severity": severity, "schema_version": SCHEMA_VERSION}
    message = Message(_SOMEBODY, content, now, now + _USUAL, attributes=attributes)
    if channel == "sns":
        sent = {"Subject": content.subject, "Message": content.payload.decode(), "MessageAttributes": attributes}
        return _as_json(sent)
    opened = _opened(channel, settings)
    try:
        body = opened.body(message, Recipient(_SOMEBODY))
    finally:
        opened.close()
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else _as_json(body)


def _opened(channel: str, settings: AlertSettings) -> JsonWebhook:
    if channel == "slack":
        return SlackChannel(SlackSettings.model_validate({"urls": {_SOMEBODY: "https://slack.example/"}}))
    if channel == "pagerduty":
        return PagerDutyChannel(PagerDutySettings.model_validate({"routing_keys": {_SOMEBODY: _MASK}}))
    (opened,) = open_channels(AlertSettings(others={channel: settings.others[channel]})).values()
    if not isinstance(opened, JsonWebhook):
        opened.close()
        raise ChannelRefused(
            f"channel {channel!r} does not say what it sends",
            remedy="make it a JsonWebhook, or try `fraud alerts test`",
        )
    return opened


def _as_json(body: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
