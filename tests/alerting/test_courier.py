"""Telling every recipient, in rounds: real channels and receivers; only the clock and chance are the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry

from alerting.channels import Channel, email, sms, webhook
from alerting.courier import Interrupted, Undelivered
from alerting.delivery import FailureReason
from alerting.metrics import AlertMetrics
from alerting.settings import EmailSettings, SmsSettings, WebhookSettings
from demo.receivers.script import Fault
from demo.receivers.smtp import SmtpReceiver
from demo.receivers.twilio import TwilioReceiver
from demo.receivers.webhook import WebhookReceiver
from tests.alerting.told import Clock, Told
from tests.alerting.webhooks import SECRET

SID = "AC" + "0" * 32
FIRST, SECOND, THIRD = "+15550100001", "+15550100002", "+15550100003"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twilio() -> Iterator[TwilioReceiver]:
    with closing(TwilioReceiver(SID, "token")) as receiver:
        yield receiver


@pytest.fixture
def texting(twilio: TwilioReceiver) -> Iterator[Channel]:
    settings = {"account_sid": SID, "auth_token": "token", "sender": "Bank", "to": [FIRST, SECOND, THIRD]}
    channel = sms.open_channel(SmsSettings.model_validate({**settings, "base_url": twilio.url}))
    with closing(channel):
        yield channel


def test_everybody_is_told_once(twilio: TwilioReceiver, texting: Channel, clock: Clock) -> None:
    told = Told(texting, clock)

    assert told.deliver() == []

    assert [message.to for message in twilio.received()] == [FIRST, SECOND, THIRD]
    assert clock.waits == []
    assert told.beats == 3
    assert told.count("notifications_total") == 3
    assert told.count("notification_latency_seconds_count") == 3
    assert told.count("alert_end_to_end_seconds_sum") == 3 * 5.0
    assert told.count("alert_from_verdict_seconds_sum") == 3 * 4.0


def test_only_who_was_not_told_is_tried_again(twilio: TwilioReceiver, texting: Channel, clock: Clock) -> None:
    twilio.script(Fault(status=500, code=20500))
    told = Told(texting, clock)

    assert told.deliver() == []

    assert [message.to for message in twilio.received()] == [SECOND, THIRD, FIRST]
    assert clock.waits == [1.0]
    assert told.count("notification_retries_total", reason="server_error") == 1
    assert told.count("notifications_failed_total", reason="server_error") == 0


def test_who_is_refused_is_not_tried_again(twilio: TwilioReceiver, texting: Channel, clock: Clock) -> None:
    twilio.script(Fault(status=400, code=21610))
    told = Told(texting, clock)

    (undelivered,) = told.deliver()

    assert undelivered == Undelivered(1, FailureReason.INVALID_RECIPIENT, "Twilio answered 400, code 21610", 1)
    assert [message.to for message in twilio.received()] == [SECOND, THIRD]
    assert twilio.attempts == 3
    assert told.count("notifications_total") == 3
    assert told.count("notifications_failed_total", reason="invalid_recipient") == 1


def test_retries_end_with_the_attempts(twilio: TwilioReceiver, texting: Channel, clock: Clock) -> None:
    twilio.script(*[Fault(status=503)] * 9)
    told = Told(texting, clock)

    undelivered = told.deliver()

    assert [(each.position, each.reason, each.attempts) for each in undelivered] == [
        (position, FailureReason.SERVER_ERROR, 3) for position in (1, 2, 3)
    ]
    assert twilio.attempts == 9
    assert clock.waits == [1.0, 2.0]


def test_the_longest_wish_of_a_round_is_kept(twilio: TwilioReceiver, texting: Channel, clock: Clock) -> None:
    twilio.script(Fault(status=429, retry_after="7"), Fault(status=429, retry_after="3"))

    assert Told(texting, clock).deliver() == []

    assert clock.waits == [7.0]
    assert len(twilio.received()) == 3


def test_a_wish_beyond_the_budget_ends_the_retries_of_that_recipient_only(
    twilio: TwilioReceiver, texting: Channel, clock: Clock
) -> None:
    twilio.script(Fault(status=429, retry_after="3600"), Fault(status=500))

    (undelivered,) = Told(texting, clock).deliver()

    assert undelivered == Undelivered(1, FailureReason.RATE_LIMITED, "Twilio answered 429, code 20429", 1)
    assert [message.to for message in twilio.received()] == [THIRD, SECOND]
    assert clock.waits == [1.0]


def test_a_stop_leaves_an_alert_that_nobody_got(clock: Clock) -> None:
    with closing(WebhookReceiver(SECRET)) as receiver:
        receiver.script(*[Fault(status=503)] * 10)
        channel = webhook.open_channel(WebhookSettings.model_validate({"url": receiver.url, "secret": SECRET}))
        clock.stop_after = 1
        with closing(channel), pytest.raises(Interrupted):
            Told(channel, clock).deliver()

        assert receiver.attempts == 2


def test_a_stop_does_not_leave_an_alert_that_somebody_got(
    twilio: TwilioReceiver, texting: Channel, clock: Clock
) -> None:
    twilio.script(Fault(status=500))
    clock.stopped.set()

    assert Told(texting, clock).deliver() == []

    assert len(twilio.received()) == 3
    assert clock.waits == [1.0]


def test_a_mail_put_off_for_one_address_goes_to_the_other_once(clock: Clock) -> None:
    with closing(SmtpReceiver()) as server:
        server.answer("a@bank.example", "451 later", "451 later")
        settings = {"host": server.host, "port": server.port, "ca_file": server.ca_file, "sender": "f@bank.example"}
        channel = email.open_channel(EmailSettings.model_validate({**settings, "to": "a@bank.example,b@bank.example"}))
        with closing(channel):
            assert Told(channel, clock).deliver() == []

        assert [mail.recipients for mail in server.received()] == [("b@bank.example",), ("a@bank.example",)]
        assert clock.waits == [1.0, 2.0]


def test_every_series_exists_at_zero() -> None:
    registry = CollectorRegistry()
    AlertMetrics(registry, ["sms", "webhook"])

    for channel in ("sms", "webhook"):
        assert registry.get_sample_value("fraud_notifications_total", {"channel": channel}) == 0
        for reason in FailureReason:
            for name in ("notifications_failed_total", "notification_retries_total", "alert_dead_letters_total"):
                assert registry.get_sample_value(f"fraud_{name}", {"channel": channel, "reason": reason.value}) == 0


def test_the_lag_of_partitions_given_away_is_forgotten() -> None:
    registry = CollectorRegistry()
    metrics = AlertMetrics(registry, ["sms"])

    metrics.lag("sms", {("verdicts", 0): 5, ("verdicts", 1): 7})
    metrics.lag("sms", {("verdicts", 1): 6})

    assert registry.get_sample_value("fraud_alert_consumer_lag", {"channel": "sms", "partition": "0"}) is None
    assert registry.get_sample_value("fraud_alert_consumer_lag", {"channel": "sms", "partition": "1"}) == 6
