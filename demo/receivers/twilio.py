"""Stands where Twilio's REST API does: takes messages, keeps them, and phones nobody."""

from __future__ import annotations

import base64
import hmac
import re
import ssl
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from demo.receivers.http import HttpServer, Reply, Request
from demo.receivers.script import Fault

_MESSAGES: Final = re.compile(r"^/2010-04-01/Accounts/(?P<sid>\w+)/Messages\.json$")
_NUMBER: Final = re.compile(r"^\+[1-9][0-9]{6,14}$")

# Of a list, unless it is asked for with another.
_PAGE_SIZE: Final = "50"
# How many of the latest messages a look at the receiver shows.
_SHOWN: Final = 20


@dataclass(frozen=True)
class TextMessage:
    """A message that was taken.

    Attributes:
        sid: The name that the sender got for it.
        to: The recipient's number.
        sender: The sender's number, or its messaging service.
        body: The text.
        validity_s: Seconds within which it is worth sending.
        intent: What it is for.
        status_callback: Where its sender wants to hear what became of it.
        taken_at: When it came.
    """

    sid: str
    to: str
    sender: str
    body: str
    validity_s: int | None
    intent: str | None
    status_callback: str | None
    taken_at: datetime


class TwilioReceiver:
    """Answers `POST /2010-04-01/Accounts/{sid}/Messages.json` as Twilio does.

    Args:
        account_sid: The account that it knows.
        auth_token: Its password.
        host: Where to listen.
        port: 0 takes a free one.
        tls: Serves https with this certificate.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._account_sid = account_sid
        self._authorization = "Basic " + base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._lock = threading.Lock()
        self._received: list[TextMessage] = []
        self._pages = 0
        self._server = HttpServer(self._respond, _refuse, host=host, port=port, tls=tls)

    @property
    def url(self) -> str:
        """What stands for https://api.twilio.com."""
        return self._server.url

    @property
    def attempts(self) -> int:
        """Requests so far, well treated or not."""
        return self._server.script.asked

    @property
    def pages(self) -> int:
        """Of the list of messages, those that were looked at so far."""
        with self._lock:
            return self._pages

    def script(self, *faults: Fault) -> None:
        """Treats the next messages so."""
        self._server.script.add(*faults)

    def received(self) -> list[TextMessage]:
        """Everything taken so far."""
        with self._lock:
            return list(self._received)

    def close(self) -> None:
        """Answers no more."""
        self._server.close()

    def _respond(self, request: Request) -> Reply:
        target, _, query = request.path.partition("?")
        path = _MESSAGES.match(target)
        if request.method == "GET" and path is None:
            bodies = [sms.body for sms in self.received()]
            return Reply(200, {"count": len(bodies), "last": bodies[-_SHOWN:]})
        if path is None or path["sid"] != self._account_sid:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        if not hmac.compare_digest(request.headers.get("authorization", ""), self._authorization):
            return _error(401, 20003, "Authenticate")
        if request.method == "GET":
            return self._listed({name: values[0] for name, values in parse_qs(query).items()})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        return _objection(form) or self._take(form)

    def _take(self, form: Mapping[str, str]) -> Reply:
        validity = form.get("ValidityPeriod")
        sms = TextMessage(
            sid="SM" + uuid.uuid4().hex,
            to=form["To"],
            sender=form.get("From") or form["MessagingServiceSid"],
            body=form["Body"],
            validity_s=None if validity is None else int(validity),
            intent=form.get("MessageIntent"),
            status_callback=form.get("StatusCallback"),
            taken_at=datetime.now(UTC),
        )
        with self._lock:
            self._received.append(sms)
        return Reply(201, self._shown(sms))

    def _listed(self, query: Mapping[str, str]) -> Reply:
        """https://www.twilio.com/docs/messaging/api/message-resource: the newest first, page by page."""
        to, size = query.get("To", ""), int(query.get("PageSize", _PAGE_SIZE))
        found = [sms for sms in reversed(self.received()) if to in ("", sms.to)]
        # A page begins behind the last message of the one before, whatever has come meanwhile.
        behind = next((at for at, sms in enumerate(found, 1) if sms.sid == query.get("PageToken")), 0)
        shown = found[behind : behind + size]
        path = f"/2010-04-01/Accounts/{self._account_sid}/Messages.json"
        page = int(query.get("Page", "0"))
        following = urlencode(
            {"To": to, "PageSize": size, "Page": page + 1, "PageToken": shown[-1].sid if shown else ""}
        )
        with self._lock:
            self._pages += 1
        return Reply(
            200,
            {
                "messages": [self._shown(sms) for sms in shown],
                "page": page,
                "page_size": size,
                "start": behind,
                "end": max(behind + len(shown) - 1, 0),
                "first_page_uri": f"{path}?Page=0",
                "next_page_uri": f"{path}?{following}" if behind + size < len(found) else None,
                "previous_page_uri": None,
                "uri": path,
            },
        )

    def _shown(self, sms: TextMessage) -> dict[str, Any]:
        """The fields that a message has there."""
        is_service = sms.sender.startswith("MG")
        return {
            "sid": sms.sid,
            "account_sid": self._account_sid,
            "api_version": "2010-04-01",
            "body": sms.body,
            "date_created": format_datetime(sms.taken_at),
            "date_sent": None,
            "date_updated": format_datetime(sms.taken_at),
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": None if is_service else sms.sender,
            "messaging_service_sid": sms.sender if is_service else None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "status": "queued",
            "subresource_uris": {},
            "to": sms.to,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Messages/{sms.sid}.json",
        }


def _objection(form: Mapping[str, str]) -> Reply | None:
    if not form.get("Body"):
        return _error(400, 21602, "Message body is required")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return _error(400, 21603, "A 'From' or 'MessagingServiceSid' is required")
    if not _NUMBER.match(form.get("To", "")):
        return _error(400, 21211, f"The 'To' number {form.get('To')} is not a valid phone number")
    return None


def _refuse(fault: Fault) -> Reply:
    return _error(fault.status, fault.code or 20000 + fault.status, "as the script says")


def _error(status: int, code: int, message: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": message, "more_info": more, "status": status})
