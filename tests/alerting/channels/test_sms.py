"""The text message channel: Twilio's SDK against an HTTP server in Twilio's place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from pydantic import ValidationError
from twilio.request_validator import RequestValidator

from alerting.channels import CallbackRefused
from alerting.channels.sms import SmsChannel, text_of
from alerting.channels.sms_settings import SmsSettings
from alerting.delivery import ChannelStopped, Failure, FailureReason, RecipientStopped, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from alerting.ledger.entries import Said
from alerting.messages import Message
from alerting.text import ONE_SEGMENT, septets
from demo.receivers.script import Fault
from demo.receivers.twilio import TwilioReceiver
from stream.pages import Asked
from tests.alerting.breaking_tls import breaking_tls
from tests.alerting.telling import message

ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "the-token-of-the-tests"
NUMBER = "+15550100001"
TO = Recipient(NUMBER)
CALLBACK = "https://alerts.bank.example/twilio/status"

Opener = Callable[..., SmsChannel]


@pytest.fixture
def twilio() -> Iterator[TwilioReceiver]:
    with closing(TwilioReceiver(ACCOUNT_SID, TOKEN)) as listening:
        yield listening


@pytest.fixture
def sms() -> Iterator[Opener]:
    opened: list[SmsChannel] = []

    def make(url: str, **settings: Any) -> SmsChannel:
        usual = {"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "sender": "+15550100000", "base_url": url}
        channel = SmsChannel(SmsSettings.model_validate({**usual, **settings}))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def now_made(notice: str = "notice-1", life: timedelta = timedelta(minutes=15)) -> Message:
    now = datetime.now(UTC)
    usual = message(notice)
    return Message(usual.id, usual.content, now, now + life, usual.thread, usual.attributes, usual.partition)


def failure_of(channel: SmsChannel) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(message(), TO)
    return raised.value


def test_a_message_is_queued_for_as_long_as_it_is_of_use(twilio: TwilioReceiver, sms: Opener) -> None:
    receipt = sms(twilio.url).deliver(now_made(), TO)

    (taken,) = twilio.received()
    assert receipt == taken.sid
    assert (taken.to, taken.sender, taken.intent) == (NUMBER, "+15550100000", "fraud")
    assert taken.body == text_of(now_made())
    assert taken.validity_s is not None
    assert 800 < taken.validity_s <= 900


def test_a_message_that_is_almost_too_late_is_not_refused_for_that(twilio: TwilioReceiver, sms: Opener) -> None:
    for life in (timedelta(seconds=20), timedelta(seconds=-5)):
        sms(twilio.url).deliver(now_made(life=life), TO)

    useful, late = (taken.validity_s for taken in twilio.received())
    assert useful is not None
    assert 1 <= useful <= 20, "no longer than it is of use"
    assert late == 1


def test_a_text_is_one_segment_with_its_reference() -> None:
    assert septets(text_of(message())) <= ONE_SEGMENT
    assert text_of(message("a")) != text_of(message("b"))
    assert text_of(message("a")).startswith(message().content.short)


def test_a_messaging_service_may_be_the_sender(twilio: TwilioReceiver, sms: Opener) -> None:
    service = "MG" + "1" * 32
    sms(twilio.url, sender=service).deliver(message(), TO)

    assert twilio.received()[0].sender == service


def test_after_a_doubt_it_is_found_by_recipient_and_reference(twilio: TwilioReceiver, sms: Opener) -> None:
    twilio.script(Fault(drop=True, taken=True))
    channel = sms(twilio.url)
    with pytest.raises(Unsure):
        channel.deliver(now_made("notice-1"), TO)

    assert channel.find(now_made("notice-1"), TO) == twilio.received()[0].sid
    assert channel.find(now_made("notice-2"), TO) is None, "the same words, and another alert"
    assert channel.find(now_made("notice-1"), Recipient("+15550100002")) is None


def test_it_is_found_though_it_would_be_said_otherwise_by_now(twilio: TwilioReceiver, sms: Opener) -> None:
    """Templates, accounts and severities may change between the attempt and the look: what was sent was sent."""
    channel = sms(twilio.url)
    sid = channel.deliver(now_made(), TO)
    reworded = replace(now_made(), content=replace(now_made().content, short="Other words"))

    assert channel.find(reworded, TO) == sid


def test_it_is_found_behind_all_that_was_sent_since(twilio: TwilioReceiver, sms: Opener) -> None:
    channel = sms(twilio.url)
    sid = channel.deliver(now_made("notice-0"), TO)
    for number in range(1, 130):
        channel.deliver(now_made(f"notice-{number}"), TO)

    assert channel.find(now_made("notice-0"), TO) == sid
    assert channel.find(now_made("never-sent"), TO) is None


def test_what_was_sent_before_there_was_an_alert_is_not_looked_through(twilio: TwilioReceiver, sms: Opener) -> None:
    channel = sms(twilio.url)
    for number in range(120):
        channel.deliver(now_made(f"notice-{number}"), TO)
    later = datetime.now(UTC) + timedelta(hours=1)
    notice = replace(now_made("notice-0"), created_at=later, expires_at=later + timedelta(hours=1))

    assert channel.find(notice, TO) is None, "it is another's, of the same reference"
    assert twilio.pages == 1


def test_a_look_that_is_refused_says_nothing(twilio: TwilioReceiver, sms: Opener) -> None:
    with pytest.raises(Failure) as refused:
        sms(twilio.url, auth_token="another").find(message(), TO)

    assert refused.value.reason is FailureReason.AUTH_ERROR


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Fault(status=429, code=20429, retry_after="7"), Retry, FailureReason.RATE_LIMITED),
        (Fault(status=400, code=21611), Retry, FailureReason.RATE_LIMITED),
        (Fault(status=500, code=20500), Retry, FailureReason.SERVER_ERROR),
        (Fault(status=400, code=21211), RecipientStopped, FailureReason.INVALID_RECIPIENT),
        (Fault(status=400, code=21610), RecipientStopped, FailureReason.RECIPIENT_STOPPED),
        (Fault(status=400, code=21614), RecipientStopped, FailureReason.INVALID_RECIPIENT),
        (Fault(status=403, code=20003), ChannelStopped, FailureReason.AUTH_ERROR),
        (Fault(status=400, code=21606), ChannelStopped, FailureReason.AUTH_ERROR),
        (Fault(status=400, code=99999), Refused, FailureReason.CLIENT_ERROR),
        (Fault(status=201, body=b"no JSON"), Unsure, FailureReason.SERVER_ERROR),
        (Fault(status=201, body=b"{}"), Unsure, FailureReason.SERVER_ERROR),
        (Fault(status=201, body=b'{"sid":["x"]}'), Unsure, FailureReason.SERVER_ERROR),
        (Fault(status=201, body=b"[" * 100_000), Unsure, FailureReason.SERVER_ERROR),
        (Fault(status=503, retry_after="Mon, 01 Jan 2026 00:00:00 +99999"), Retry, FailureReason.SERVER_ERROR),
    ],
)
def test_twilio_s_code_says_what_is_done(
    twilio: TwilioReceiver, sms: Opener, fault: Fault, kind: type[Failure], reason: FailureReason
) -> None:
    twilio.script(fault)

    failure = failure_of(sms(twilio.url))

    assert (type(failure), failure.reason) == (kind, reason)


def test_the_wish_of_one_answer_is_not_that_of_the_next(twilio: TwilioReceiver, sms: Opener) -> None:
    twilio.script(Fault(status=429, retry_after="7"), Fault(status=429))
    channel = sms(twilio.url)

    assert [getattr(failure_of(channel), "after_s", None) for _ in range(2)] == [7.0, None]


def test_a_wrong_token_stops_the_channel(twilio: TwilioReceiver, sms: Opener) -> None:
    assert isinstance(failure_of(sms(twilio.url, auth_token="another")), ChannelStopped)


def test_a_bank_s_own_codes_stand_in_front(twilio: TwilioReceiver, sms: Opener, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[sms]\n21211 = { what = "retry", reason = "client_error" }\n')
    twilio.script(Fault(status=400, code=21211), Fault(status=400, code=21610))
    channel = sms(twilio.url, provider_codes=own)

    assert isinstance(failure_of(channel), Retry)
    assert isinstance(failure_of(channel), RecipientStopped)


@pytest.mark.parametrize(
    "content", [None, "[sms", '[sms]\n1 = { what = "shout", reason = "timeout" }', '[sms]\n1 = { what = "retry" }']
)
def test_a_file_of_codes_that_is_wrong_is_named(sms: Opener, tmp_path: Path, content: str | None) -> None:
    own = tmp_path / "codes.toml"
    if content is not None:
        own.write_text(content)

    with pytest.raises(ChannelRefused, match=r"codes\.toml"):
        sms("http://127.0.0.1:1", provider_codes=own)


def told(status: str, *, token: str = TOKEN, code: str | None = None, url: str | None = None) -> Asked:
    """Twilio's word on a message, signed as Twilio signs it."""
    form = {"MessageSid": "SM1", "To": NUMBER, "MessageStatus": status, **({"ErrorCode": code} if code else {})}
    target = url or f"{CALLBACK}?notice=notice-1&partition=3"
    signature = RequestValidator(token).compute_signature(target, form)
    body = urlencode(form).encode()
    parts = urlsplit(target)
    return Asked("POST", f"{parts.path}?{parts.query}", {"x-twilio-signature": signature}, body)


def test_a_message_says_where_its_fate_is_to_be_told(twilio: TwilioReceiver, sms: Opener) -> None:
    sms(twilio.url, status_callback=CALLBACK).deliver(message("notice-1"), TO)

    callback = twilio.received()[0].status_callback
    assert callback is not None
    assert callback.startswith(f"{CALLBACK}?")
    assert parse_qs(urlsplit(callback).query) == {"notice": ["notice-1"], "partition": ["3"]}


@pytest.mark.parametrize(
    ("status", "said"), [("delivered", Said.DELIVERED), ("undelivered", Said.FAILED), ("failed", Said.FAILED)]
)
def test_what_twilio_says_later_is_of_a_notice(sms: Opener, status: str, said: Said) -> None:
    found = sms("http://127.0.0.1:1", status_callback=CALLBACK).confirmation(
        told(status, code="30003"), datetime.now(UTC)
    )

    assert found is not None
    confirmation = found.confirmation
    assert (confirmation.id, confirmation.said, confirmation.code, found.partition) == ("notice-1", said, "30003", 3)
    assert (found.failure is None) is (said is Said.DELIVERED)
    assert NUMBER.encode() not in msgspec.json.encode(confirmation)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [("30003", Refused), ("30005", RecipientStopped), ("30002", ChannelStopped), ("39999", Refused), ("<b>", Refused)],
)
def test_why_a_message_was_not_delivered_says_what_follows(sms: Opener, code: str, meaning: type[Failure]) -> None:
    found = sms("http://127.0.0.1:1", status_callback=CALLBACK).confirmation(
        told("undelivered", code=code), datetime.now(UTC)
    )

    assert found is not None
    assert type(found.failure) is meaning
    assert found.recipient == Recipient(NUMBER).fingerprint("sms")
    assert NUMBER not in str(found.failure)
    assert "<b>" not in str(found.failure)


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "accepted", ""])
def test_a_message_on_its_way_is_no_news(sms: Opener, status: str) -> None:
    channel = sms("http://127.0.0.1:1", status_callback=CALLBACK)

    assert channel.confirmation(told(status), datetime.now(UTC)) is None


@pytest.mark.parametrize(
    "asked",
    [
        told("delivered", token="another"),
        Asked("POST", "/twilio/status?notice=n&partition=1", {}, b"MessageStatus=delivered"),
        told("delivered", url=CALLBACK),
        told("delivered", url=f"{CALLBACK}?notice=n&partition=-1"),
    ],
)
def test_a_callback_that_is_not_twilio_s_is_refused(sms: Opener, asked: Asked) -> None:
    channel = sms("http://127.0.0.1:1", status_callback=CALLBACK)

    with pytest.raises(CallbackRefused):
        channel.confirmation(asked, datetime.now(UTC))


def test_tls_that_breaks_after_the_request_leaves_in_doubt_whether_it_was_taken(
    sms: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with breaking_tls(tmp_path, ends_with=b"MessageIntent=") as twilio:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(twilio.ca_file))
        failure = failure_of(sms(twilio.url))

    assert len(twilio.requests) == 1
    assert (type(failure), failure.reason) == (Unsure, FailureReason.TLS_ERROR), "a second text would be one too many"


def test_to_a_stranger_s_certificate_nothing_is_sent(sms: Opener, tmp_path: Path) -> None:
    with breaking_tls(tmp_path, ends_with=b"MessageIntent=") as twilio:
        failure = failure_of(sms(twilio.url))

    assert twilio.requests == []
    assert (type(failure), failure.reason) == (Retry, FailureReason.TLS_ERROR)


def with_callback(url: str) -> SmsSettings:
    return SmsSettings.model_validate(
        {"account_sid": ACCOUNT_SID, "auth_token": TOKEN, "sender": "+15550100000", "status_callback": url}
    )


@pytest.mark.parametrize("url", [CALLBACK, "http://127.0.0.1:8080/twilio/status", "http://[::1]/behind/a/proxy"])
def test_a_callback_is_private(url: str) -> None:
    assert with_callback(url).status_callback == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://alerts.bank.example/twilio/status", "must begin with https"),
        ("http://127.0.0.1.bank.example/twilio/status", "must begin with https"),
        (f"{CALLBACK}?notice=mine", "without user, query and fragment"),
        (f"{CALLBACK}#there", "without user, query and fragment"),
        ("https://kim:secret@alerts.bank.example/", "without user, query and fragment"),
    ],
)
def test_a_callback_that_all_could_read_or_that_takes_no_query_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        with_callback(url)
