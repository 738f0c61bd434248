"""Answers that no provider should give: each ends in a failure that the ledger knows what to do about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from alerting.delivery import Failure, FailureReason, Retry, Unsure
from demo.receivers.http import HttpServer, Reply
from demo.receivers.script import Fault
from tests.alerting.channels.contract import CASES
from tests.alerting.telling import message


@pytest.fixture
def provider() -> Iterator[HttpServer]:
    with closing(HttpServer(lambda _: Reply(500, {}), lambda fault: Reply(fault.status, {}))) as server:
        yield server


@pytest.fixture(autouse=True)
def _credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")


def failure_of(name: str, provider: HttpServer, fault: Fault) -> Failure:
    provider.script.add(fault)
    case = CASES[name]
    with closing(case.open(provider.url, 5.0)) as channel, pytest.raises(Failure) as raised:
        channel.deliver(message(), case.recipient(provider.url))
    assert provider.script.asked == 1
    return raised.value


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'"x"', b"5", b'{"date_created":5}', b"{}", b"", b'{"sid":["x"]}', b"[" * 100_000]
)
def test_twilio_takes_it_and_does_not_say_as_what(provider: HttpServer, status: int, body: bytes) -> None:
    failure = failure_of("sms", provider, Fault(status=status, body=body))

    assert (type(failure), failure.reason) == (Unsure, FailureReason.SERVER_ERROR)


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"5", b'{"code":"x"}', b"", b"<html>", b'{"code":[]}'])
def test_twilio_refuses_and_says_nothing_about_it(provider: HttpServer, status: int, body: bytes) -> None:
    failure = failure_of("sms", provider, Fault(status=status, body=body))

    assert failure.reason in (FailureReason.SERVER_ERROR, FailureReason.CLIENT_ERROR)


@pytest.mark.parametrize("status", [200, 302, 400, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b"<PublishResponse/>",
        b"<PublishResponse><PublishResult/></PublishResponse>",
        b"<ErrorResponse><Error/></ErrorResponse>",
        b"<ErrorResponse/>",
        b"",
        b"{}",
    ],
)
def test_sns_says_nothing_that_it_should(provider: HttpServer, status: int, body: bytes) -> None:
    failure = failure_of("sns", provider, Fault(status=status, body=body))

    assert failure.reason in (FailureReason.SERVER_ERROR, FailureReason.CLIENT_ERROR)
    if status == 200:
        assert isinstance(failure, Unsure), "it may have been taken"


@pytest.mark.parametrize("name", ["webhook", "sms", "slack", "pagerduty"])
@pytest.mark.parametrize(
    "moment",
    [
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +9999999999999",
        "-1",
        "9" * 5000,
        "soon",
        "",
    ],
)
def test_a_wish_that_makes_no_sense_is_no_wish(provider: HttpServer, name: str, moment: str) -> None:
    failure = failure_of(name, provider, Fault(status=503, retry_after=moment))

    assert (type(failure), failure.reason) == (Retry, FailureReason.SERVER_ERROR)
