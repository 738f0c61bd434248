"""What an attempt came to, and whether and when there is another (pure)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from alerting.settings import RetrySettings


class FailureReason(StrEnum):
    """Why somebody was not told: a closed set, a metric's label and a dead letter's header."""

    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS_ERROR = "tls_error"
    SERVER_ERROR = "server_error"
    AUTH_ERROR = "auth_error"
    INVALID_RECIPIENT = "invalid_recipient"
    CLIENT_ERROR = "client_error"
    UNDECODABLE = "undecodable"


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


class Refused(Failure):
    """It will not be accepted, however often it is tried."""


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


def wait_before_next(
    failure: Retry, *, attempts: int, elapsed_s: float, policy: RetrySettings, random: Callable[[], float]
) -> float | None:
    """Seconds until the next attempt, or None where there is none.

    Doubled from attempt to attempt, half of it left to chance, so that workers that failed together do not come
    back together; never before the provider's own wish; never beyond the budget.

    Args:
        failure: What the last attempt came to.
        attempts: How many there were.
        elapsed_s: Since the first one began.
        policy: Attempts, first wait and budget.
        random: Uniform in [0, 1).
    """
    if attempts >= policy.attempts:
        return None
    backoff = policy.first_wait_s * 2 ** (attempts - 1) * (0.5 + 0.5 * random())
    wait = max(backoff, failure.after_s or 0.0)
    return wait if elapsed_s + wait <= policy.budget_s else None
