"""Text messages through Twilio's SDK. Accepted means queued there: the phone rings later, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from alerting.delivery import Failure, FailureReason, Refused, Retry, failure_of_status, retry_after
from alerting.message import Alert
from alerting.settings import SmsSettings

# A fraud alert that comes hours late does harm; Twilio's own default is ten hours.
_VALID_FOR_S: Final = 900

# https://www.twilio.com/docs/api/errors. The HTTP status decides, but these say more than it does.
_CODES: Final = {
    20003: FailureReason.AUTH_ERROR,
    21211: FailureReason.INVALID_RECIPIENT,  # not a valid number
    21610: FailureReason.INVALID_RECIPIENT,  # the recipient answered STOP
    21614: FailureReason.INVALID_RECIPIENT,  # not a mobile number
}
_QUEUE_FULL: Final = 21611


def open_channel(settings: SmsSettings) -> SmsChannel:
    """The channel with the machine's clock."""
    return SmsChannel(settings, now=lambda: datetime.now(UTC))


class SmsChannel:
    """One message for each number.

    Args:
        settings: Account, sender and numbers.
        now: The time of day, with a zone.
    """

    name: Final = "sms"

    def __init__(self, settings: SmsSettings, *, now: Callable[[], datetime]) -> None:
        self.recipients: Final = settings.to
        self._now = now
        self._answer: requests.Response | None = None
        # The SDK's errors do not hold the answer's headers, and its own default waits for ever.
        self._http = TwilioHttpClient(timeout=settings.timeout_s, request_hooks={"response": self._remember})
        self._client = Client(settings.account_sid, settings.auth_token.get_secret_value(), http_client=self._http)
        if settings.base_url is not None:
            self._client.api.base_url = settings.base_url.rstrip("/")
        is_service = settings.sender.startswith("MG")
        self._sender = {"messaging_service_sid" if is_service else "from_": settings.sender}

    def deliver(self, alert: Alert, recipient: str) -> str:
        """Accepted once Twilio has queued it; the receipt is the message's SID."""
        self._answer = None
        try:
            queued = self._client.messages.create(
                to=recipient, body=alert.short_text, validity_period=_VALID_FOR_S, **self._sender
            )
        except TwilioException as refusal:
            raise self._failure(refusal) from None
        except requests.Timeout:
            raise Retry(FailureReason.TIMEOUT, "Twilio did not answer in time") from None
        except requests.exceptions.SSLError:
            raise Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to Twilio") from None
        except requests.RequestException as broken:
            message = f"Twilio cannot be reached ({broken.__class__.__name__})"
            raise Retry(FailureReason.UNREACHABLE, message) from None
        except (ValueError, TypeError, AttributeError):  # no JSON, or JSON that the SDK makes no message of
            raise Retry(FailureReason.SERVER_ERROR, "Twilio's answer cannot be read") from None
        if not isinstance(queued.sid, str) or not queued.sid:
            raise Retry(FailureReason.SERVER_ERROR, "Twilio's answer names no message: nothing was queued")
        return queued.sid

    def close(self) -> None:
        """Closes the connections."""
        if self._http.session is not None:
            self._http.session.close()

    def _remember(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        self._answer = answer

    def _failure(self, refusal: TwilioException) -> Failure:
        if self._answer is None:
            return Refused(FailureReason.CLIENT_ERROR, f"the Twilio client refused ({refusal.__class__.__name__})")
        # Twilio's words quote the number: its code tells the same.
        code = getattr(refusal, "code", None)
        said = f", code {code}" if isinstance(code, int) else ""
        message = f"Twilio answered {self._answer.status_code}{said}"
        after_s = retry_after(self._answer.headers.get("Retry-After"), now=self._now())
        if code == _QUEUE_FULL:
            return Retry(FailureReason.RATE_LIMITED, message, after_s=after_s)
        failure = failure_of_status(self._answer.status_code, message, after_s=after_s)
        if isinstance(failure, Refused) and isinstance(code, int) and code in _CODES:
            return Refused(_CODES[code], message)
        return failure
