"""What an attempt came to, and whether and when there is another (pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum


class FailureReason(StrEnum):
    """Why somebody was not told: a closed set, a metric's label and a dead letter's header."""

    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS_ERROR = "tls_error"
    SERVER_ERROR = "server_error"
    PUT_OFF = "put_off"
    AUTH_ERROR = "auth_error"
    INVALID_RECIPIENT = "invalid_recipient"
    CLIENT_ERROR = "client_error"
    UNDECODABLE = "undecodable"
    EXPIRED = "expired"
    UNSURE = "unsure"
    RECIPIENT_GONE = "recipient_gone"
    RECIPIENT_STOPPED = "recipient_stopped"
    NO_ADDRESS = "no_address"
    CHANNEL_STOPPED = "channel_stopped"
    UNDELIVERED = "undelivered"
    ADDRESS_REFUSED = "address_refused"


class Failure(Exception):
    """An attempt that the provider did not accept.

    Args:
        reason: One of the closed set.
        message: For people, without secrets, addresses, or a provider's own words, which may quote either.
    """

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Retry(Failure):
    """It may be accepted later.

    Args:
        reason: One of the closed set.
        message: As for every failure.
        after_s: The provider asks for no attempt before so many seconds.
    """

    def __init__(self, reason: FailureReason, message: str, *, after_s: float | None = None) -> None:
        super().__init__(reason, message)
        self.after_s = after_s


class Unsure(Failure):
    """The request had left, and no answer came: it may have been accepted, or not.

    What is done about it is the channel's to say (`alerting.channels.Channel.when_unsure`).
    """


class Refused(Failure):
    """It will not be accepted, however often it is tried."""


class RecipientStopped(Refused):
    """The recipient takes nothing more on this channel."""


class ChannelStopped(Refused):
    """Nobody is told on this channel until somebody mends it: operators are paged on the others."""


def failure_of_status(status: int, message: str, *, after_s: float | None = None) -> Failure:
    """What an HTTP status other than success means for the next attempt (RFC 9110, 15; RFC 6585, 4).

    A redirect is refused: an alert goes to the address that was configured, and to no other.

    Args:
        status: Not of the 200s.
        message: For the failure.
        after_s: From the answer's Retry-After.
    """
    if status == 429:
        return Retry(FailureReason.RATE_LIMITED, message, after_s=after_s)
    if status == 408:
        return Retry(FailureReason.TIMEOUT, message, after_s=after_s)
    if status >= 500:
        return Retry(FailureReason.SERVER_ERROR, message, after_s=after_s)
    if status in (401, 403, 407):
        return Refused(FailureReason.AUTH_ERROR, message)
    return Refused(FailureReason.CLIENT_ERROR, message)


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None where it is absent or makes no sense.

    Args:
        value: Whole seconds, or an HTTP date.
        now: With a time zone.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):  # years and zones may have any number of digits
        return None
    # "-0000" gives a time without a zone; HTTP dates are in UTC.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)
