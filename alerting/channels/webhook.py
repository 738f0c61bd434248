"""An HTTP endpoint of one's own, signed after Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from alerting.delivery import FailureReason, Retry, failure_of_status, retry_after
from alerting.message import Alert
from alerting.settings import WebhookSettings
from alerting.tls import trust


def open_channel(settings: WebhookSettings) -> WebhookChannel:
    """The channel with the machine's clock.

    Raises:
        ChannelRefused: `ca_file` gives no certificates.
    """
    return WebhookChannel(settings, now=lambda: datetime.now(UTC))


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: v1 is HMAC-SHA256 over id, timestamp and the exact body.

    Args:
        key: The secret's bytes.
        message_id: The header `webhook-id`; holds no full stop.
        timestamp: The header `webhook-timestamp`, seconds since 1970-01-01 UTC.
        body: As it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class WebhookChannel:
    """Posts the alert's JSON; the receiver recognises a repetition by `webhook-id`.

    Args:
        settings: Where to, and the secret.
        now: The time of day, with a zone.
    """

    name: Final = "webhook"

    def __init__(self, settings: WebhookSettings, *, now: Callable[[], datetime]) -> None:
        self.recipients: Final = (settings.url,)
        self._key = settings.signing_key
        self._now = now
        # Neither retries nor redirects: both are ours to decide.
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=settings.timeout_s, read=settings.timeout_s),
            ssl_context=trust(settings.ca_file, setting="alerts.webhook.ca_file"),
        )

    def deliver(self, alert: Alert, recipient: str) -> str:
        """Accepted with any status of the 200s; the receipt is the alert's id.

        The answer's body is not read: each read has its time-out but not all of them together, and a body that
        trickles would hold the attempt without end. Status and headers that trickle still do, up to
        `http.client`'s limits on their number and length.
        """
        try:
            answer = self._pool.request(
                "POST",
                recipient,
                body=alert.payload,
                headers=self._headers(alert),
                redirect=False,
                preload_content=False,
            )
            # With its body unread the connection is of no further use: it goes back to the pool closed.
            answer.close()
            answer.release_conn()
        except NewConnectionError:  # which urllib3 counts among the time-outs
            raise Retry(FailureReason.UNREACHABLE, "the webhook takes no connection") from None
        except TimedOut:
            raise Retry(FailureReason.TIMEOUT, "the webhook did not answer in time") from None
        except SSLError:
            raise Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to the webhook") from None
        except HTTPError as broken:
            message = f"the connection to the webhook broke ({broken.__class__.__name__})"
            raise Retry(FailureReason.UNREACHABLE, message) from None
        if not 200 <= answer.status < 300:
            after_s = retry_after(answer.headers.get("retry-after"), now=self._now())
            raise failure_of_status(answer.status, f"the webhook answered {answer.status}", after_s=after_s)
        return alert.id

    def close(self) -> None:
        """Lets go of the pool."""
        self._pool.clear()

    def _headers(self, alert: Alert) -> dict[str, str]:
        timestamp = int(self._now().timestamp())
        return {
            "connection": "close",
            "content-type": "application/json",
            "user-agent": "fraudstream",
            "idempotency-key": alert.id,
            "webhook-id": alert.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._key, message_id=alert.id, timestamp=timestamp, body=alert.payload),
        }
