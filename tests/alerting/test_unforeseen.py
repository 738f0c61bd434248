"""Answers that no provider should give, and failures that no channel should have: an alert given up, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from alerting.channels import Channel, open_channels
from alerting.courier import Undelivered
from alerting.dead_letters import alert_dead_letter
from alerting.delivery import FailureReason
from alerting.settings import AlertSettings
from demo.receivers.http import HttpServer, Reply
from demo.receivers.script import Fault
from tests.alerting.told import POLICY, Clock, Told
from tests.alerting.verdicts import record, verdict
from tests.alerting.webhooks import SECRET

PRIVATE = "4111111111111111"


@pytest.fixture
def provider() -> Iterator[HttpServer]:
    with closing(HttpServer(lambda _: Reply(500, {}), lambda fault: Reply(fault.status, {}))) as server:
        yield server


def channel_to(provider: HttpServer, name: str, monkeypatch: pytest.MonkeyPatch) -> Channel:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "loopback")
    sections: dict[str, dict[str, Any]] = {
        "webhook": {"url": provider.url, "secret": SECRET},
        "sms": {
            "account_sid": "AC" + "0" * 32,
            "auth_token": "token",
            "sender": "Bank",
            "to": "+15550100001",
            "base_url": provider.url,
        },
        "sns": {"topic_arn": "arn:aws:sns:eu-central-1:123456789012:fraud-alerts", "endpoint_url": provider.url},
    }
    (channel,) = open_channels(AlertSettings.model_validate({name: sections[name]}))
    return channel


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *(
            (name, Fault(status=503, retry_after=moment))
            for name in ("webhook", "sms")
            for moment in ("Mon, 01 Jan 99999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +9999999999999")
        ),
        *(
            ("sms", Fault(status=status, body=body))
            for status in (200, 201)
            for body in (b"[]", b"null", b'"x"', b"5", b'{"date_created":5}', b"{}", b"", b'{"sid":["x"]}')
        ),
        ("sms", Fault(status=201, body=b"[" * 100_000)),
        *(
            ("sns", Fault(status=status, body=body))
            for status in (200, 302, 400, 500)
            for body in (b"<html></html>", b"<PublishResponse/>", b"<ErrorResponse><Error/></ErrorResponse>", b"")
        ),
    ],
)
def test_a_provider_that_says_nonsense_is_tried_again_and_then_given_up(
    provider: HttpServer, name: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script.add(*[fault] * POLICY.attempts)

    with closing(channel_to(provider, name, monkeypatch)) as channel:
        (undelivered,) = Told(channel, Clock()).deliver()

    assert undelivered.reason is FailureReason.SERVER_ERROR
    assert undelivered.attempts == provider.script.asked == POLICY.attempts


class Broken:
    """A channel with a mistake in it."""

    name = "webhook"
    recipients: Sequence[str] = ("somebody",)

    def deliver(self, *_: object, **__: object) -> str:
        raise RuntimeError(PRIVATE)

    def close(self) -> None:
        """Holds nothing."""


def test_an_unforeseen_failure_is_told_by_its_class_alone() -> None:
    clock = Clock()
    told = Told(Broken(), clock)

    with capture_logs() as logs:
        (undelivered,) = told.deliver()

    message = "RuntimeError in channel webhook"
    assert undelivered == Undelivered(1, FailureReason.SERVER_ERROR, message, POLICY.attempts)
    assert clock.waits == [1.0, 2.0]
    assert told.count("notification_retries_total", reason="server_error") == 2
    assert told.count("notifications_failed_total", reason="server_error") == 1
    assert [entry["detail"] for entry in logs] == [message]
    letter = alert_dead_letter(record(verdict()), undelivered, channel="webhook", topic="alerts.dlq")
    assert PRIVATE not in repr(logs) + repr(letter) + generate_latest(told.registry).decode()
