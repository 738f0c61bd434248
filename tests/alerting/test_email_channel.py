"""The mail channel: smtplib against a server that takes mail over STARTTLS only."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from alerting.channels.email import EmailChannel, open_channel
from alerting.delivery import Failure, FailureReason, Refused, Retry
from alerting.settings import EmailSettings
from demo.receivers.smtp import Mail, SmtpReceiver
from tests.alerting.verdicts import alert

SENDER = "fraud@bank.example"
ANALYST = "analyst@bank.example"
DUTY = "duty@bank.example"
PASSWORD = "the-password-of-the-tests"

Opener = Callable[..., EmailChannel]


@pytest.fixture
def server() -> Iterator[SmtpReceiver]:
    with closing(SmtpReceiver()) as listening:
        yield listening


@pytest.fixture
def mail() -> Iterator[Opener]:
    opened: list[EmailChannel] = []

    def make(server: SmtpReceiver, **settings: Any) -> EmailChannel:
        usual = {"host": server.host, "port": server.port, "ca_file": server.ca_file, "sender": SENDER, "to": ANALYST}
        channel = open_channel(EmailSettings.model_validate({**usual, **settings}))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def failure_of(channel: EmailChannel, recipient: str = ANALYST) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(alert(), recipient)
    return raised.value


def body(taken: Mail) -> str:
    return str(taken.message.get_content()).replace("\r\n", "\n")


def test_a_mail_arrives_over_tls(server: SmtpReceiver, mail: Opener) -> None:
    receipt = mail(server).deliver(alert(), ANALYST)

    (taken,) = server.received()
    assert taken.encrypted
    assert (taken.sender, taken.recipients) == (SENDER, (ANALYST,))
    assert taken.message["Subject"] == alert().subject
    assert taken.message["From"] == SENDER
    assert taken.message["To"] == ANALYST
    assert taken.message["Message-ID"] == receipt
    assert taken.message["Date"] == "Sat, 31 Jan 2026 12:00:06 +0000"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert body(taken) == alert().long_text


def test_each_gets_a_mail_that_names_nobody_else(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server, to=f"{ANALYST},{DUTY}")

    for recipient in channel.recipients:
        channel.deliver(alert(), recipient)

    assert [(taken.recipients, taken.message["To"]) for taken in server.received()] == [
        ((ANALYST,), ANALYST),
        ((DUTY,), DUTY),
    ]


def test_a_repetition_has_the_same_message_id_and_another_mail_another(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server)

    first = channel.deliver(alert(), ANALYST)

    assert channel.deliver(alert(), ANALYST) == first
    assert channel.deliver(alert(), DUTY) != first
    assert first.endswith("@bank.example>")
    assert alert().id in first


def test_what_is_not_ascii_arrives_as_it_was(server: SmtpReceiver, mail: Opener) -> None:
    told = alert(transaction_id="Zürich-€-1", currency="zł")

    mail(server).deliver(told, ANALYST)

    (taken,) = server.received()
    assert taken.message["Subject"] == told.subject
    assert body(taken) == told.long_text


def test_a_transaction_cannot_add_headers_or_recipients(server: SmtpReceiver, mail: Opener) -> None:
    hostile = "x\r\nBcc: everybody@example.com\r\n\r\n.\r\nMAIL FROM:<x@example.com>\r\n"

    mail(server).deliver(alert(transaction_id=hostile, account_id=hostile, currency=hostile), ANALYST)

    (taken,) = server.received()
    assert taken.recipients == (ANALYST,)
    assert taken.message["Bcc"] is None
    assert len(taken.message.keys()) == 9


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("451 try again later", Retry, FailureReason.SERVER_ERROR),
        ("550 no such user", Refused, FailureReason.INVALID_RECIPIENT),
        ("421 closing", Retry, FailureReason.SERVER_ERROR),
    ],
)
def test_one_refused_address_does_not_touch_the_others(
    server: SmtpReceiver, mail: Opener, reply: str, kind: type, reason: FailureReason
) -> None:
    server.answer(ANALYST, reply)
    channel = mail(server, to=f"{ANALYST},{DUTY}")

    failure = failure_of(channel)
    channel.deliver(alert(), DUTY)
    channel.deliver(alert(), ANALYST)

    assert type(failure) is kind
    assert failure.reason is reason
    assert ANALYST not in failure.message
    assert [taken.recipients for taken in server.received()] == [(DUTY,), (ANALYST,)]


def test_a_stranger_s_certificate_is_not_trusted(server: SmtpReceiver, mail: Opener) -> None:
    failure = failure_of(mail(server, ca_file=None))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.TLS_ERROR
    assert server.received() == []


def test_without_encryption_the_server_takes_nothing(server: SmtpReceiver, mail: Opener) -> None:
    failure = failure_of(mail(server, security="none"))

    assert isinstance(failure, Refused)
    assert server.received() == []


def test_a_login_is_checked(mail: Opener) -> None:
    with closing(SmtpReceiver(credentials={"fraud": PASSWORD})) as server:
        wrong = failure_of(mail(server, username="fraud", password="another"))
        mail(server, username="fraud", password=PASSWORD).deliver(alert(), ANALYST)

        assert isinstance(wrong, Refused)
        assert wrong.reason is FailureReason.AUTH_ERROR
        assert len(server.received()) == 1


def test_a_connection_that_the_server_closed_is_made_again(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server)
    channel.deliver(alert(), ANALYST)

    server.hang_up()
    channel.deliver(alert(), DUTY)

    assert [taken.recipients for taken in server.received()] == [(ANALYST,), (DUTY,)]


def test_a_server_that_is_gone_is_unreachable(mail: Opener) -> None:
    with closing(SmtpReceiver()) as server:
        channel = mail(server)
        channel.deliver(alert(), ANALYST)

    failure = failure_of(channel)

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE


def test_silence_is_a_time_out(mail: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"host": "127.0.0.1", "port": silent.getsockname()[1], "sender": SENDER, "to": ANALYST}
        channel = open_channel(EmailSettings.model_validate({**settings, "timeout_s": 0.2}))
        failure = failure_of(channel)

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.TIMEOUT
