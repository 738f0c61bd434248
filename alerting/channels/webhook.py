"""HTTP endpoints of one's own, signed after Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http.client import GONE

from alerting.channels.http import Answer
from alerting.channels.json_webhook import JsonWebhook, clock
from alerting.channels.lookups import Resolve, addresses_of
from alerting.channels.webhook_settings import WebhookSettings, signing_keys
from alerting.delivery import Failure, FailureReason, RecipientStopped, Refused
from alerting.destinations import Recipient
from alerting.messages import Message


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of the header `webhook-signature`: v1 is HMAC-SHA256 over id, timestamp and the exact body.

    Args:
        key: The secret's bytes.
        message_id: The header `webhook-id`; holds no full stop.
        timestamp: The header `webhook-timestamp`, seconds since 1970-01-01 UTC.
        body: As it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class WebhookChannel(JsonWebhook):
    """Posts the alert's JSON; the receiver recognises a repetition by `webhook-id`.

    Args:
        settings: Secrets, and which networks may be told.
        resolve: Every address of a host.
        now: The time of day, with a zone.

    Raises:
        ChannelRefused: `ca_file` gives no certificates.
    """

    name = "webhook"
    one_provider = False

    def __init__(
        self, settings: WebhookSettings, *, resolve: Resolve = addresses_of, now: Callable[[], datetime] = clock
    ) -> None:
        super().__init__(
            timeout_s=settings.timeout_s,
            allowed=settings.allow,
            ca_file=settings.ca_file,
            resolve=resolve,
            now=now,
        )
        self._keys = {name: signing_keys(secret) for name, secret in settings.secrets.items()}
        self._own_keys: Sequence[bytes] = () if settings.secret is None else signing_keys(settings.secret)

    def url(self, recipient: Recipient) -> str:
        """The recipient's address."""
        return recipient.address

    def body(self, message: Message, recipient: Recipient) -> bytes:  # noqa: ARG002
        """The event, the same bytes at every attempt."""
        return message.content.payload

    def headers(self, message: Message, recipient: Recipient, body: bytes) -> Mapping[str, str]:
        """Id, time of the attempt, and a signature by each key: while a secret is replaced, either is right."""
        name = recipient.options.get("secret")
        keys = self._own_keys if name is None else self._keys.get(name, ())
        if not keys:
            raise Refused(FailureReason.AUTH_ERROR, "the settings have no secret to sign with")
        timestamp = int(self._now().timestamp())
        return {
            "idempotency-key": message.id,
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(
                signature(key, message_id=message.id, timestamp=timestamp, body=body) for key in keys
            ),
        }

    def failure(self, answer: Answer) -> Failure:
        """As of every status; but for 410, after which Standard Webhooks has the endpoint disabled."""
        if answer.status == GONE:
            return RecipientStopped(FailureReason.RECIPIENT_STOPPED, "the webhook answered 410: it wants nothing more")
        return super().failure(answer)
