"""The mail channel: smtplib against a server that takes mail over STARTTLS only."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from alerting.channels.email import EmailChannel
from alerting.channels.email_settings import EmailSettings
from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from demo.receivers.smtp import Mail, SmtpReceiver
from tests.alerting.telling import NOTICE, message

SENDER = "fraud@bank.example"
ANALYST = "analyst@bank.example"
DUTY = "duty@bank.example"
PASSWORD = "the-password-of-the-tests"
_FINE: Mapping[str, bytes] = {}

Opener = Callable[..., EmailChannel]


@pytest.fixture
def server() -> Iterator[SmtpReceiver]:
    with closing(SmtpReceiver()) as listening:
        yield listening


@pytest.fixture
def mail() -> Iterator[Opener]:
    opened: list[EmailChannel] = []

    def make(server: SmtpReceiver, **settings: Any) -> EmailChannel:
        usual = {"host": server.host, "port": server.port, "ca_file": server.ca_file, "sender": SENDER}
        channel = EmailChannel(EmailSettings.model_validate({**usual, **settings}))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def failure_of(channel: EmailChannel, recipient: str = ANALYST) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(message(), Recipient(recipient))
    return raised.value


def body(taken: Mail) -> str:
    plain = taken.message.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content()).replace("\r\n", "\n")


def test_a_mail_arrives_over_tls(server: SmtpReceiver, mail: Opener) -> None:
    receipt = mail(server).deliver(message(), Recipient(ANALYST))

    (taken,) = server.received()
    assert taken.encrypted
    assert (taken.sender, taken.recipients) == (SENDER, (ANALYST,))
    assert taken.message["Subject"] == message().content.subject
    assert taken.message["From"] == SENDER
    assert taken.message["To"] == ANALYST
    assert taken.message["Message-ID"] == receipt
    assert taken.message["Date"] == "Sat, 31 Jan 2026 12:00:06 +0000"
    assert taken.message["References"] == "<group-1@bank.example>"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert body(taken) == message().content.text
    html = taken.message.get_body(("html",))
    assert html is not None
    assert "tx-0001" in str(html.get_content())


def test_each_gets_a_mail_that_names_nobody_else(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server)

    for recipient in (ANALYST, DUTY):
        channel.deliver(message(), Recipient(recipient))

    assert [(taken.recipients, taken.message["To"]) for taken in server.received()] == [
        ((ANALYST,), ANALYST),
        ((DUTY,), DUTY),
    ]


def test_a_repetition_is_the_same_mail_and_another_notice_another(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server)

    first = channel.deliver(message(), Recipient(ANALYST))

    assert channel.deliver(message(), Recipient(ANALYST)) == first == f"<{NOTICE}@bank.example>"
    assert channel.deliver(message("another"), Recipient(ANALYST)) != first
    one, same, other = (taken.message.as_bytes() for taken in server.received())
    assert one == same != other


def test_what_is_not_ascii_arrives_as_it_was(server: SmtpReceiver, mail: Opener) -> None:
    told = message(transaction_id="Zürich-€-1", currency="zł")

    mail(server).deliver(told, Recipient(ANALYST))

    (taken,) = server.received()
    assert taken.message["Subject"] == told.content.subject
    assert body(taken) == told.content.text


def test_a_transaction_cannot_add_headers_or_recipients(server: SmtpReceiver, mail: Opener) -> None:
    hostile = "x\r\nBcc: everybody@example.com\r\n\r\n.\r\nMAIL FROM:<x@example.com>\r\n"

    told = message(transaction_id=hostile, account_id=hostile, currency=hostile)
    mail(server).deliver(told, Recipient(ANALYST))

    (taken,) = server.received()
    assert taken.recipients == (ANALYST,)
    assert taken.message["Bcc"] is None
    assert set(taken.message.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == {
        *("From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "MIME-Version"),
        "Content-Type",
    }


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("451 try again later", Retry, FailureReason.PUT_OFF),
        ("550 no such user", Refused, FailureReason.INVALID_RECIPIENT),
        ("421 closing", Retry, FailureReason.SERVER_ERROR),
    ],
)
def test_one_refused_address_does_not_touch_the_others(
    server: SmtpReceiver, mail: Opener, reply: str, kind: type, reason: FailureReason
) -> None:
    server.answer(ANALYST, reply)
    channel = mail(server)

    failure = failure_of(channel)
    channel.deliver(message(), Recipient(DUTY))
    channel.deliver(message(), Recipient(ANALYST))

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

    assert isinstance(failure, Refused | ChannelStopped)
    assert server.received() == []


def test_a_login_is_checked(mail: Opener) -> None:
    with closing(SmtpReceiver(credentials={"fraud": PASSWORD})) as server:
        wrong = failure_of(mail(server, username="fraud", password="another"))
        mail(server, username="fraud", password=PASSWORD).deliver(message(), Recipient(ANALYST))

        assert isinstance(wrong, ChannelStopped), "operators are to mend it"
        assert wrong.reason is FailureReason.AUTH_ERROR
        assert len(server.received()) == 1


def test_a_connection_that_the_server_closed_is_made_again(server: SmtpReceiver, mail: Opener) -> None:
    channel = mail(server)
    channel.deliver(message(), Recipient(ANALYST))

    server.hang_up()
    channel.deliver(message(), Recipient(DUTY))

    assert [taken.recipients for taken in server.received()] == [(ANALYST,), (DUTY,)]


def test_a_server_that_is_gone_is_unreachable(mail: Opener) -> None:
    with closing(SmtpReceiver()) as server:
        channel = mail(server)
        channel.deliver(message(), Recipient(ANALYST))

    failure = failure_of(channel)

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE


def test_silence_is_a_time_out(mail: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {"host": "127.0.0.1", "port": silent.getsockname()[1], "sender": SENDER}
        channel = EmailChannel(EmailSettings.model_validate({**settings, "timeout_s": 0.2}))
        failure = failure_of(channel)

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.TIMEOUT


def replies(server: socket.socket, *, to_data: bytes | None, otherwise: Mapping[str, bytes] = _FINE) -> None:
    """A mail server without TLS that says nothing more once it has a mail, or that."""
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as lines:
        connection.sendall(otherwise.get("greeting", b"220 here\r\n"))
        for line in lines:
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
                while lines.readline() != b".\r\n":
                    pass
                if to_data is None:
                    return
                connection.sendall(to_data)
            else:
                connection.sendall(otherwise.get(line[:4].decode().upper(), b"250 fine\r\n"))


@pytest.mark.parametrize(
    ("to_data", "kind", "reason"),
    [
        (None, Unsure, FailureReason.UNREACHABLE),
        (b"451 later\r\n", Retry, FailureReason.PUT_OFF),
        (b"554 spam\r\n", Refused, FailureReason.CLIENT_ERROR),
        (b"hello there\r\n", Unsure, FailureReason.SERVER_ERROR),
        (b"354 more?\r\n", Unsure, FailureReason.SERVER_ERROR),
        (b"552 5.2.2 mailbox full\r\n", Retry, FailureReason.PUT_OFF),
    ],
)
def test_no_answer_to_a_mail_leaves_in_doubt_whether_it_was_taken(
    to_data: bytes | None, kind: type, reason: FailureReason
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=replies, args=(server,), kwargs={"to_data": to_data})
        thread.start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "sender": SENDER, "security": "none"}
        channel = EmailChannel(EmailSettings.model_validate(settings))
        failure = failure_of(channel)
        channel.close()
        thread.join()

    assert (type(failure), failure.reason) == (kind, reason)


def test_a_mail_that_is_taken_in_other_words_is_taken() -> None:
    """RFC 5321, 4.2.1: the first digit says it. Sent again, it would arrive again and again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=replies, args=(server,), kwargs={"to_data": b"251 taken elsewhere\r\n"})
        thread.start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "sender": SENDER, "security": "none"}
        with closing(EmailChannel(EmailSettings.model_validate(settings))) as channel:
            assert channel.deliver(message(), Recipient(ANALYST))
        thread.join()


@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("550 5.4.5 Daily user sending limit exceeded", ChannelStopped, FailureReason.RATE_LIMITED),
        ("550 5.1.8 Access denied, bad outbound sender", ChannelStopped, FailureReason.AUTH_ERROR),
        ("552 5.2.2 Over quota", Retry, FailureReason.PUT_OFF),
        ("550 5.1.1 No such user", Refused, FailureReason.INVALID_RECIPIENT),
        ("550 5.4.55 whatever that is", Refused, FailureReason.INVALID_RECIPIENT),
        ("hello there", Retry, FailureReason.SERVER_ERROR),
    ],
)
def test_the_enhanced_status_code_says_whether_all_are_meant_and_for_how_long(
    server: SmtpReceiver, mail: Opener, reply: str, kind: type, reason: FailureReason
) -> None:
    """RFC 3463: a quota is over tomorrow, though its reply is of the 500s as that to an address which is none."""
    server.answer(ANALYST, reply)

    failure = failure_of(mail(server))

    assert (type(failure), failure.reason) == (kind, reason)


def test_a_bank_s_own_codes_stand_in_front(server: SmtpReceiver, mail: Opener, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[email]\n"5.7.1" = { what = "stop channel", reason = "auth_error" }\n')
    server.answer(ANALYST, "554 5.7.1 relay access denied")

    assert isinstance(failure_of(mail(server, provider_codes=own)), ChannelStopped)


def test_a_token_logs_in_and_is_read_again_at_every_login(mail: Opener, tmp_path: Path) -> None:
    """XOAUTH2, as Gmail has it: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""
    token = tmp_path / "token"
    token.write_text("the-first-token\n")
    with closing(SmtpReceiver(tokens={"fraud": "the-second-token"})) as server:
        channel = mail(server, username="fraud", token_file=token)
        refused = failure_of(channel)
        token.write_text("the-second-token\n")
        channel.deliver(message(), Recipient(ANALYST))

        assert isinstance(refused, ChannelStopped)
        assert "the-first-token" not in refused.message
        assert len(server.received()) == 1


@pytest.mark.parametrize("content", [None, "", "two words"])
def test_a_file_without_a_token_is_named(
    server: SmtpReceiver, mail: Opener, tmp_path: Path, content: str | None
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)

    with pytest.raises(ChannelRefused, match=r"alerts\.email\.token_file '.*token'"):
        mail(server, username="fraud", token_file=token)


@pytest.mark.parametrize(
    ("otherwise", "security", "kind"),
    [
        ({"greeting": b"554 no service for you\r\n"}, "none", ChannelStopped),
        ({"greeting": b"450 busy\r\n"}, "none", Retry),
        ({"EHLO": b"550 blocked\r\n", "HELO": b"550 blocked\r\n"}, "none", ChannelStopped),
        ({"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STAR": b"554 no\r\n"}, "starttls", ChannelStopped),
        ({"EHLO": b"250-here\r\n250 STARTTLS\r\n", "STAR": b"454 not now\r\n"}, "starttls", Retry),
        ({}, "starttls", ChannelStopped),
        ({"MAIL": b"530 log in first\r\n"}, "none", ChannelStopped),
        ({"MAIL": b"550 not this sender\r\n"}, "none", ChannelStopped),
        ({"MAIL": b"451 later\r\n"}, "none", Retry),
        ({"MAIL": b"552 too large\r\n"}, "none", Refused),
    ],
)
def test_what_is_refused_before_a_recipient_is_named_concerns_everybody(
    otherwise: Mapping[str, bytes], security: str, kind: type
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=replies, args=(server,), kwargs={"to_data": None, "otherwise": otherwise})
        thread.start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "sender": SENDER, "security": security}
        channel = EmailChannel(EmailSettings.model_validate(settings))
        failure = failure_of(channel)
        channel.close()
        thread.join()

    assert type(failure) is kind


def test_a_server_that_knows_no_login_of_ours_stops_the_channel(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    offers = {"EHLO": b"250-here\r\n250 AUTH NTLM GSSAPI\r\n"}
    with tls.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as server:
        thread = threading.Thread(target=replies, args=(server,), kwargs={"to_data": None, "otherwise": offers})
        thread.start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "sender": SENDER, "security": "tls"}
        login = {"username": "fraud", "password": PASSWORD, "ca_file": tmp_path / "ca.pem"}
        failure = failure_of(EmailChannel(EmailSettings.model_validate({**settings, **login})))
        thread.join()

    assert type(failure) is ChannelStopped


def test_a_token_that_is_gone_stops_the_channel_until_it_is_back(mail: Opener, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("the-token")
    with closing(SmtpReceiver(tokens={"fraud": "the-token"})) as server:
        channel = mail(server, username="fraud", token_file=token)
        token.unlink()
        gone = failure_of(channel)
        token.write_text("the-token")
        channel.deliver(message(), Recipient(ANALYST))

        assert (type(gone), gone.reason) == (ChannelStopped, FailureReason.AUTH_ERROR)
        assert str(tmp_path) not in gone.message
        assert len(server.received()) == 1
