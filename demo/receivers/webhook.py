"""A receiver of Standard Webhooks that checks every signature, as its readers should.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from demo.receivers.http import HttpServer, Reply, Request
from demo.receivers.script import Fault

# The specification's advice against replays.
_TOLERANCE_S: Final = 300
# How many of the latest events a look at the receiver shows.
_SHOWN: Final = 20


@dataclass(frozen=True)
class Event:
    """A request whose signature was right.

    Attributes:
        id: The header `webhook-id`.
        timestamp: The header `webhook-timestamp`, seconds since 1970-01-01 UTC.
        headers: All of them, by lower-case name.
        body: The exact bytes.
    """

    id: str
    timestamp: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class WebhookReceiver:
    """Takes signed events at any path; 401 where the signature or the time is wrong.

    A repetition of an event that it has is answered with 200 and not kept twice.

    Args:
        secret: `whsec_` and base64, as the sender has it.
        host: Where to listen.
        port: 0 takes a free one.
        tls: Serves https with this certificate.
        now: Seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        secret: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._now = now
        self._lock = threading.Lock()
        self._received: dict[str, Event] = {}
        self._repeated = 0
        self._refused = 0
        self._server = HttpServer(self._respond, _refuse, host=host, port=port, tls=tls)

    @property
    def url(self) -> str:
        """Where events are sent."""
        return f"{self._server.url}/fraud"

    @property
    def repeated(self) -> int:
        """Events that came again."""
        with self._lock:
            return self._repeated

    @property
    def refused(self) -> int:
        """Requests whose signature was wrong."""
        with self._lock:
            return self._refused

    @property
    def attempts(self) -> int:
        """Requests so far, well treated or not."""
        return self._server.script.asked

    def script(self, *faults: Fault) -> None:
        """Treats the next events so."""
        self._server.script.add(*faults)

    def received(self) -> list[Event]:
        """Every event once, in the order of its first arrival."""
        with self._lock:
            return list(self._received.values())

    def close(self) -> None:
        """Answers no more."""
        self._server.close()

    def _respond(self, request: Request) -> Reply:
        if request.method == "GET":
            payloads = [event.payload for event in self.received()]
            return Reply(200, {"count": len(payloads), "last": payloads[-_SHOWN:]})
        event = self._verified(request)
        if event is None:
            with self._lock:
                self._refused += 1
            return Reply(401, {"error": "the signature is wrong, or too old"})
        with self._lock:
            self._repeated += event.id in self._received
            self._received.setdefault(event.id, event)
        return Reply(200, {"taken": event.id})

    def _verified(self, request: Request) -> Event | None:
        message_id = request.headers.get("webhook-id", "")
        timestamp = request.headers.get("webhook-timestamp", "")
        if not message_id or not timestamp.isdigit() or abs(self._now() - int(timestamp)) > _TOLERANCE_S:
            return None
        signed = f"{message_id}.{timestamp}.".encode() + request.body
        expected = "v1," + base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        # A list, so that secrets can be changed while both are in use.
        offered = request.headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(signature, expected) for signature in offered):
            return None
        return Event(message_id, int(timestamp), dict(request.headers), request.body)


def _refuse(fault: Fault) -> Reply:
    return Reply(fault.status, {"error": "as the script says"})
