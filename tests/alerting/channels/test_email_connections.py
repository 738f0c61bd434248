"""Connections to the mail server: one for each thread, made again where the server has gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from alerting.channels.email import EmailChannel
from alerting.channels.email_settings import EmailSettings
from alerting.delivery import FailureReason, Retry
from alerting.destinations import Recipient
from demo.receivers.smtp import SmtpReceiver
from tests.alerting.telling import message

ANALYST = "analyst@bank.example"


@pytest.fixture
def server() -> Iterator[SmtpReceiver]:
    with closing(SmtpReceiver()) as listening:
        yield listening


def settings(server: SmtpReceiver, security: str = "starttls") -> EmailSettings:
    return EmailSettings.model_validate(
        {
            "host": server.host,
            "port": server.port,
            "ca_file": server.ca_file,
            "sender": "fraud@bank.example",
            "security": security,
        }
    )


@pytest.fixture
def channel(server: SmtpReceiver) -> Iterator[EmailChannel]:
    with closing(EmailChannel(settings(server))) as opened:
        yield opened


def ids(server: SmtpReceiver) -> list[str]:
    return [str(taken.message["Message-ID"]) for taken in server.received()]


def test_a_server_that_comes_back_is_told_again(server: SmtpReceiver, channel: EmailChannel) -> None:
    first = channel.deliver(message("notice-1"), Recipient(ANALYST))

    server.go_down()
    with pytest.raises(Retry) as down:
        channel.deliver(message("notice-2"), Recipient(ANALYST))
    server.come_back()
    second = channel.deliver(message("notice-2"), Recipient(ANALYST))

    assert down.value.reason is FailureReason.UNREACHABLE
    assert ids(server) == [first, second]


def test_several_are_told_at_once_each_over_a_connection_of_its_own(
    server: SmtpReceiver, channel: EmailChannel
) -> None:
    together = threading.Barrier(channel.at_once)

    def tell(number: int) -> str:
        if number < channel.at_once:
            together.wait(10)  # so that no thread does all of it
        return channel.deliver(message(f"notice-{number}"), Recipient(ANALYST))

    with ThreadPoolExecutor(channel.at_once) as threads:
        receipts = list(threads.map(tell, range(12)))

    assert sorted(ids(server)) == sorted(receipts)
    assert len({taken.peer for taken in server.received()}) == channel.at_once


def test_closing_lets_go_of_every_thread_s_connection(server: SmtpReceiver, channel: EmailChannel) -> None:
    with ThreadPoolExecutor(1) as other:
        other.submit(channel.deliver, message("notice-1"), Recipient(ANALYST)).result(10)
        channel.deliver(message("notice-2"), Recipient(ANALYST))
        channel.close()
        again = other.submit(channel.deliver, message("notice-3"), Recipient(ANALYST)).result(10)

    assert ids(server)[-1] == again, "a connection that was closed is made again"
    assert len({taken.peer for taken in server.received()}) == 3


def test_closing_twice_is_closing_once_though_the_server_has_gone(server: SmtpReceiver, channel: EmailChannel) -> None:
    channel.deliver(message(), Recipient(ANALYST))

    server.go_down()
    channel.close()
    channel.close()


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 587)])
def test_the_usual_port_is_that_of_the_security(security: str, port: int) -> None:
    usual = {"host": "mail.bank.example", "sender": "fraud@bank.example", "security": security}

    assert EmailSettings.model_validate(usual).port == port
    assert EmailSettings.model_validate({**usual, "port": 25}).port == 25


def test_the_own_name_is_looked_up_once(server: SmtpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not in the hosts file, a resolver that hangs would hold every connection."""
    asked: list[str] = []

    def name(of: str = "") -> str:
        asked.append(of)
        return "worker.bank.example"

    monkeypatch.setattr(socket, "getfqdn", name)
    with closing(EmailChannel(settings(server))) as channel:
        for number in range(2):
            channel.deliver(message(f"notice-{number}"), Recipient(ANALYST))
            server.hang_up()

    assert len(asked) == 1


def test_tls_from_the_first_byte_is_another_setting(server: SmtpReceiver) -> None:
    with closing(EmailChannel(settings(server, "tls"))) as channel, pytest.raises(Retry) as refused:
        channel.deliver(message(), Recipient(ANALYST))

    assert refused.value.reason is FailureReason.TLS_ERROR, "this server speaks STARTTLS"
    assert server.received() == []
