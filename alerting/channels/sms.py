"""Text messages through Twilio's SDK. Accepted means queued there: the phone rings later, or not at all."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from alerting.channels import Heard, WhenUnsure
from alerting.channels.deadline import attempt
from alerting.channels.quiet import keep_quiet
from alerting.channels.sms_settings import SmsSettings
from alerting.channels.twilio_http import hold_to_deadline
from alerting.channels.twilio_status import confirmation_of
from alerting.delivery import Failure, FailureReason, Refused, Retry, Unsure, failure_of_status, retry_after
from alerting.destinations import Recipient
from alerting.messages import Message
from alerting.provider_codes import codes_of
from alerting.text import REFERENCE_SEPTETS
from stream.pages import Asked

# A text of this is useless late; Twilio's own default is ten hours. It takes no less than a second.
_SHORTEST_VALID_S: Final = 1
_LONGEST_VALID_S: Final = 14_400
_STATUS_PATH: Final = "/twilio/status"
_PAGE_SIZE: Final = 50
# Pages of a list, which hold some kilobytes for each message.
_MOST_RECEIVED: Final = 4 * 1024 * 1024
# Clocks differ.
_EARLIER: Final = timedelta(minutes=5)


def _now() -> datetime:
    return datetime.now(UTC)


class SmsChannel:
    """One message for each number, its text ended by a reference that a look at Twilio's list finds it by.

    Args:
        settings: Account and sender.
        now: The time of day, with a zone.

    Raises:
        ChannelRefused: The file of provider codes is wrong.
    """

    name: Final = "sms"
    at_once: Final = 4
    when_unsure: Final = WhenUnsure.LOOK_UP
    one_provider: Final = True

    def __init__(self, settings: SmsSettings, *, now: Callable[[], datetime] = _now) -> None:
        keep_quiet()
        self._now = now
        self._codes = codes_of("sms", settings.provider_codes)
        self._answered = threading.local()
        # The SDK's errors do not hold the answer's headers, and its own default waits for ever.
        self._http = TwilioHttpClient(timeout=settings.timeout_s, request_hooks={"response": self._remember})
        self._token = settings.auth_token.get_secret_value()
        hold_to_deadline(self._http.session)
        self._timeout_s = settings.timeout_s
        self._client = Client(settings.account_sid, self._token, http_client=self._http)
        if settings.base_url is not None:
            self._client.api.base_url = settings.base_url.rstrip("/")
        self._callback = settings.status_callback
        is_service = settings.sender.startswith("MG")
        self._sender = {"messaging_service_sid" if is_service else "from_": settings.sender}

    def deliver(self, message: Message, recipient: Recipient) -> str:
        """Accepted once Twilio has queued it; the receipt is the message's SID."""
        further: dict[str, Any] = dict(self._sender)
        if self._callback is not None and message.partition is not None:
            # Twilio says it back, signed: which notice it speaks of, and where that stands in the ledger.
            query = urlencode({"notice": message.id, "partition": message.partition})
            further["status_callback"] = f"{self._callback}?{query}"
        queued = self._ask(
            lambda: self._client.messages.create(
                to=recipient.address,
                body=text_of(message),
                validity_period=self._valid_for(message),
                message_intent="fraud",
                **further,
            )
        )
        if not isinstance(queued.sid, str) or not queued.sid:
            raise Unsure(FailureReason.SERVER_ERROR, "Twilio's answer names no message")
        return queued.sid

    def find(self, message: Message, recipient: Recipient) -> str | None:
        """The SID of a message to the recipient that ends with this one's reference, whatever became of it.

        What stands before the reference may be said otherwise by now: templates and accounts change.
        """
        reference, since = reference_of(message), message.created_at - _EARLIER
        sid: str | None = self._ask(lambda: self._found(recipient.address, reference, since))
        return sid

    @property
    def callback_path(self) -> str:
        """Of the address that Twilio was told; it may be behind a proxy that takes a prefix away."""
        return _STATUS_PATH

    def confirmation(self, asked: Asked, now: datetime) -> Heard | None:
        """What Twilio's status callback says."""
        signature = asked.headers.get("x-twilio-signature", "")
        url = f"{self._callback}?{asked.query}"
        return confirmation_of(url, asked.body, signature, auth_token=self._token, codes=self._codes, now=now)

    def close(self) -> None:
        """Closes the connections."""
        if self._http.session is not None:
            self._http.session.close()

    def _found(self, number: str, reference: str, since: datetime) -> str | None:
        """Goes through the list, the newest first, until a page has nothing that is as young as the alert."""
        page = self._client.messages.page(to=number, page_size=_PAGE_SIZE)
        while page is not None:
            is_recent = False
            for one in page:
                if one.date_created is not None and one.date_created < since:
                    continue
                is_recent = True
                if isinstance(one.body, str) and one.body.endswith(reference):
                    return str(one.sid)
            # Not the first that is older: Twilio lists by when it sent, and some wait for that.
            page = page.next_page() if is_recent else None
        return None

    def _valid_for(self, message: Message) -> int:
        left = int((message.expires_at - self._now()).total_seconds())
        return min(max(left, _SHORTEST_VALID_S), _LONGEST_VALID_S)

    def _ask(self, call: Callable[[], Any]) -> Any:
        self._answered.by = None
        with attempt(self._timeout_s, _MOST_RECEIVED) as deadline:
            try:
                return call()
            except TwilioException as refusal:
                raise self._failure(refusal) from None
            except requests.RequestException as broken:
                raise _unanswered(broken, has_left=deadline.has_left) from None
            except (ValueError, TypeError, AttributeError, RecursionError):
                # No JSON, or JSON that the SDK makes no message of.
                raise Unsure(FailureReason.SERVER_ERROR, "Twilio's answer cannot be read") from None

    def _remember(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        self._answered.by = answer

    def _failure(self, refusal: TwilioException) -> Failure:
        answer: requests.Response | None = self._answered.by
        if answer is None:
            return Refused(FailureReason.CLIENT_ERROR, f"the Twilio client refused ({refusal.__class__.__name__})")
        # Twilio's words quote the number: its code tells the same.
        code = getattr(refusal, "code", None)
        said = f", code {code}" if isinstance(code, int) else ""
        message = f"Twilio answered {answer.status_code}{said}"
        after_s = retry_after(answer.headers.get("Retry-After"), now=self._now())
        meaning = self._codes.get(str(code))
        if meaning is not None:
            return meaning.failure(message, after_s=after_s)
        return failure_of_status(answer.status_code, message, after_s=after_s)


def text_of(message: Message) -> str:
    """The text with a reference behind it: two alerts may read the same, and only one of them was sent."""
    return f"{message.content.short} {reference_of(message)}"


def reference_of(message: Message) -> str:
    """What no other message to the same number at the time ends with."""
    return "#" + hashlib.sha256(message.id.encode()).hexdigest()[: REFERENCE_SEPTETS - len(" #")]


def _unanswered(broken: requests.RequestException, *, has_left: bool) -> Failure:
    """Whether the request had left decides whether Twilio may have the message."""
    kind = Unsure if has_left else Retry
    cause = broken.args[0] if broken.args else None
    reason = getattr(cause, "reason", None)
    if isinstance(broken, requests.exceptions.SSLError):
        # A certificate is judged before anything is sent; what else TLS objects to may come after.
        if any(isinstance(found, ssl.SSLCertVerificationError) for found in getattr(reason, "args", ())):
            return Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to Twilio")
        return kind(FailureReason.TLS_ERROR, "the TLS connection to Twilio broke")
    if isinstance(reason, NewConnectionError):
        return Retry(FailureReason.UNREACHABLE, f"Twilio cannot be reached ({broken.__class__.__name__})")
    if isinstance(broken, requests.ConnectTimeout):
        return Retry(FailureReason.TIMEOUT, "Twilio did not take the connection in time")
    # A time-out in the midst of a body is a broken connection to requests.
    if isinstance(broken, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return kind(FailureReason.TIMEOUT, "Twilio did not answer in time")
    return kind(FailureReason.UNREACHABLE, f"the connection to Twilio broke ({broken.__class__.__name__})")
