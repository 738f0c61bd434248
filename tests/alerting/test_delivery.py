"""Whether and when an alert is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from alerting.delivery import FailureReason, Refused, Retry, failure_of_status, retry_after

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, Refused, FailureReason.CLIENT_ERROR),
        (400, Refused, FailureReason.CLIENT_ERROR),
        (401, Refused, FailureReason.AUTH_ERROR),
        (403, Refused, FailureReason.AUTH_ERROR),
        (404, Refused, FailureReason.CLIENT_ERROR),
        (408, Retry, FailureReason.TIMEOUT),
        (410, Refused, FailureReason.CLIENT_ERROR),
        (429, Retry, FailureReason.RATE_LIMITED),
        (500, Retry, FailureReason.SERVER_ERROR),
        (503, Retry, FailureReason.SERVER_ERROR),
    ],
)
def test_the_status_decides(status: int, kind: type, reason: FailureReason) -> None:
    failure = failure_of_status(status, "answered")

    assert type(failure) is kind
    assert failure.reason is reason


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sat, 31 Jan 2026 12:00:09 GMT", 9.0),
        ("Sat, 31 Jan 2026 11:59:00 GMT", 0.0),
        ("Sat, 31 Jan 2026 12:00:09 -0000", 9.0),
        ("soon", None),
        ("Mon, 01 Jan 99999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +9999999999999", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("9" * 5000, 999_999_999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds
