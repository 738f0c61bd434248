"""The text message channel: Twilio's SDK against an HTTP server in Twilio's place."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from alerting.channels.sms import SmsChannel, open_channel
from alerting.delivery import Failure, FailureReason, Refused, Retry
from alerting.settings import SmsSettings
from demo.receivers.script import Fault
from demo.receivers.twilio import TwilioReceiver
from tests.alerting.verdicts import alert

ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "the-token-of-the-tests"
NUMBER = "+15550100001"

Opener = Callable[..., SmsChannel]
Outcome = tuple[type[Failure], FailureReason, float | None]


@pytest.fixture
def twilio() -> Iterator[TwilioReceiver]:
    with closing(TwilioReceiver(ACCOUNT_SID, TOKEN)) as listening:
        yield listening


@pytest.fixture
def sms() -> Iterator[Opener]:
    opened: list[SmsChannel] = []

    def make(url: str, **settings: Any) -> SmsChannel:
        usual = {"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "sender": "+15550100000", "to": NUMBER}
        channel = open_channel(SmsSettings.model_validate({**usual, "base_url": url, **settings}))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def failure_of(channel: SmsChannel) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(alert(), NUMBER)
    return raised.value


def test_a_message_is_queued_with_a_short_life(twilio: TwilioReceiver, sms: Opener) -> None:
    receipt = sms(twilio.url).deliver(alert(), NUMBER)

    (message,) = twilio.received()
    assert receipt == message.sid
    assert message.to == NUMBER
    assert message.sender == "+15550100000"
    assert message.body == alert().short_text
    assert message.validity_s == 900


def test_a_messaging_service_may_be_the_sender(twilio: TwilioReceiver, sms: Opener) -> None:
    service = "MG" + "1" * 32

    sms(twilio.url, sender=service).deliver(alert(), NUMBER)

    assert twilio.received()[0].sender == service


def test_every_number_is_a_recipient_of_its_own(twilio: TwilioReceiver, sms: Opener) -> None:
    channel = sms(twilio.url, to="+15550100001, +15550100002")

    for recipient in channel.recipients:
        channel.deliver(alert(), recipient)

    assert [message.to for message in twilio.received()] == ["+15550100001", "+15550100002"]


def test_a_wrong_token_is_refused(twilio: TwilioReceiver, sms: Opener) -> None:
    failure = failure_of(sms(twilio.url, auth_token="another"))

    assert isinstance(failure, Refused)
    assert failure.reason is FailureReason.AUTH_ERROR


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(status=429, code=20429, retry_after="7"), (Retry, FailureReason.RATE_LIMITED, 7.0)),
        (Fault(status=429, code=20429), (Retry, FailureReason.RATE_LIMITED, None)),
        (Fault(status=400, code=21611), (Retry, FailureReason.RATE_LIMITED, None)),
        (Fault(status=500, code=20500), (Retry, FailureReason.SERVER_ERROR, None)),
        (Fault(status=503, code=20503, retry_after="2"), (Retry, FailureReason.SERVER_ERROR, 2.0)),
        (Fault(status=400, code=21211), (Refused, FailureReason.INVALID_RECIPIENT, None)),
        (Fault(status=400, code=21610), (Refused, FailureReason.INVALID_RECIPIENT, None)),
        (Fault(status=400, code=21606), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(status=403, code=20003), (Refused, FailureReason.AUTH_ERROR, None)),
        (Fault(status=307), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(drop=True), (Retry, FailureReason.UNREACHABLE, None)),
        (Fault(status=201, body=b"no JSON"), (Retry, FailureReason.SERVER_ERROR, None)),
        (Fault(status=400, body=b'{"message": "m", "code": [1]}'), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(status=400, body=b"[]"), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(status=502, body=b"<html>"), (Retry, FailureReason.SERVER_ERROR, None)),
        (
            Fault(status=429, body=b'{"type": "t", "title": "slow", "status": 429, "code": 20429}', retry_after="3"),
            (Retry, FailureReason.RATE_LIMITED, 3.0),
        ),
    ],
)
def test_what_twilio_does_decides_the_outcome(
    twilio: TwilioReceiver, sms: Opener, fault: Fault, outcome: Outcome
) -> None:
    twilio.script(fault)
    channel = sms(twilio.url)

    failure = failure_of(channel)

    assert (type(failure), failure.reason, getattr(failure, "after_s", None)) == outcome
    assert channel.deliver(alert(), NUMBER) == twilio.received()[0].sid


def test_the_wish_of_one_answer_is_not_that_of_the_next(twilio: TwilioReceiver, sms: Opener) -> None:
    twilio.script(Fault(status=429, retry_after="7"), Fault(status=429))
    channel = sms(twilio.url)

    wishes = [getattr(failure_of(channel), "after_s", None) for _ in range(2)]

    assert wishes == [7.0, None]


def test_silence_is_a_time_out(twilio: TwilioReceiver, sms: Opener) -> None:
    twilio.script(Fault(hold_s=30, drop=True))

    failure = failure_of(sms(twilio.url, timeout_s=0.2))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.TIMEOUT


def test_a_closed_port_is_unreachable(sms: Opener) -> None:
    with socket.socket() as taken:  # bound and never listening, so that nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        failure = failure_of(sms(f"http://127.0.0.1:{taken.getsockname()[1]}"))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE


def test_twilio_s_words_are_not_repeated(twilio: TwilioReceiver, sms: Opener) -> None:
    channel = sms(twilio.url)

    with pytest.raises(Failure) as raised:
        channel.deliver(alert(), "0049555")  # Twilio's answer quotes the number

    assert raised.value.reason is FailureReason.INVALID_RECIPIENT
    assert raised.value.message == "Twilio answered 400, code 21211"
