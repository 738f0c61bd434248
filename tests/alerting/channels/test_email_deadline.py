"""One end for all of an attempt to send a mail, however the server draws it out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from alerting.channels.email import EmailChannel
from alerting.channels.email_settings import EmailSettings
from alerting.delivery import Failure, FailureReason, Retry, Unsure
from alerting.destinations import Recipient
from tests.alerting.dripping import Dripping, dripping, ended
from tests.alerting.telling import message


def opened(port: int, timeout_s: float) -> EmailChannel:
    settings = {"host": "127.0.0.1", "port": port, "sender": "fraud@bank.example", "security": "none"}
    return EmailChannel(EmailSettings.model_validate({**settings, "timeout_s": timeout_s}))


def outcomes(serve: Callable[[Dripping], None], *, timeout_s: float = 0.5, times: int = 1) -> list[Failure | str]:
    """What came of attempts, each on a thread of its own."""
    found: list[Failure | str] = []

    def deliver(channel: EmailChannel) -> None:
        try:
            found.append(channel.deliver(message(), Recipient("analyst@bank.example")))
        except Failure as failure:
            found.append(failure)

    with dripping(serve) as port, closing(opened(port, timeout_s)) as channel:
        for _ in range(times):
            ended(lambda: deliver(channel))
    return found


def greets_for_ever(client: Dripping) -> None:
    client.drip(b"220-please hold the line\r\n")


def holds_the_reply_to(command: bytes, drop: bytes) -> Callable[[Dripping], None]:
    def serve(client: Dripping) -> None:
        client.say(b"220 here\r\n")
        for line in client.lines:
            if line.upper().startswith(command):
                client.drip(drop)
            client.say(b"250 fine\r\n")

    return serve


def holds_the_reply_to_a_mail(client: Dripping) -> None:
    client.say(b"220 here\r\n")
    for line in client.lines:
        if line.upper().startswith(b"DATA"):
            client.say(b"354 go on\r\n")
            while client.lines.readline() != b".\r\n":
                pass
            client.drip(b"250-almost\r\n")
        client.say(b"250 fine\r\n")


@pytest.mark.parametrize(
    "serve",
    [
        greets_for_ever,
        holds_the_reply_to(b"EHLO", b"250-HELP\r\n"),
        holds_the_reply_to(b"MAIL", b"250-almost\r\n"),
        holds_the_reply_to(b"RCPT", b"250-almost\r\n"),
    ],
)
def test_a_server_that_never_gets_to_the_mail_is_tried_again(serve: Callable[[Dripping], None]) -> None:
    first, second = outcomes(serve, times=2)

    for failure in (first, second):
        assert isinstance(failure, Retry)
        assert failure.reason is FailureReason.TIMEOUT


def test_a_reply_to_the_mail_that_never_ends_leaves_in_doubt_whether_it_was_taken() -> None:
    (failure,) = outcomes(holds_the_reply_to_a_mail)

    assert isinstance(failure, Unsure)
    assert failure.reason is FailureReason.TIMEOUT


def test_a_server_that_talks_without_end_is_not_listened_to() -> None:
    """What it says would have to be kept: so much is no reply."""

    def babbles(client: Dripping) -> None:
        while True:
            client.say(b"220-" + b"x" * 1000 + b"\r\n")

    (failure,) = outcomes(babbles, timeout_s=15)

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE, "long before its time was over"
