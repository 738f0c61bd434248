"""The webhook channel against a receiver that checks every signature."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook

from alerting.channels.webhook import WebhookChannel, open_channel
from alerting.delivery import Failure, FailureReason, Refused, Retry
from alerting.errors import ChannelRefused
from alerting.settings import WebhookSettings
from demo.receivers.script import Fault
from demo.receivers.webhook import WebhookReceiver
from tests.alerting.verdicts import alert
from tests.alerting.webhooks import OTHER_SECRET, SECRET

Opener = Callable[..., WebhookChannel]
Outcome = tuple[type[Failure], FailureReason, float | None]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with closing(WebhookReceiver(SECRET)) as listening:
        yield listening


@pytest.fixture
def webhook() -> Iterator[Opener]:
    opened: list[WebhookChannel] = []

    def make(url: str, **settings: Any) -> WebhookChannel:
        channel = open_channel(WebhookSettings.model_validate({"url": url, "secret": SECRET, **settings}))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def failure_of(channel: WebhookChannel) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(alert(), channel.recipients[0])
    return raised.value


def test_an_alert_arrives_with_the_exact_bytes(receiver: WebhookReceiver, webhook: Opener) -> None:
    channel = webhook(receiver.url)

    receipt = channel.deliver(alert(), receiver.url)

    (event,) = receiver.received()
    assert receipt == event.id == alert().id
    assert event.body == alert().payload
    assert event.headers["content-type"] == "application/json"
    assert event.headers["idempotency-key"] == alert().id


def test_the_specification_s_own_library_accepts_the_signature(receiver: WebhookReceiver, webhook: Opener) -> None:
    webhook(receiver.url).deliver(alert(), receiver.url)

    (event,) = receiver.received()
    assert Webhook(SECRET).verify(event.body, dict(event.headers))["data"]["alert_id"] == alert().id


def test_a_repetition_has_the_same_id_and_the_time_of_its_own_attempt() -> None:
    moments = iter([1_769_860_800, 1_769_860_900])
    settings = WebhookSettings.model_validate({"url": "http://127.0.0.1:1", "secret": SECRET})
    with closing(WebhookReceiver(SECRET, now=lambda: 1_769_860_850.0)) as receiver:
        channel = WebhookChannel(settings, now=lambda: datetime.fromtimestamp(next(moments), UTC))
        for _ in range(2):
            channel.deliver(alert(), receiver.url)
        channel.close()

        assert len(receiver.received()) == 1
        assert receiver.repeated == 1
        assert next(moments, None) is None


def test_a_signature_with_another_secret_is_refused(receiver: WebhookReceiver, webhook: Opener) -> None:
    failure = failure_of(webhook(receiver.url, secret=OTHER_SECRET))

    assert isinstance(failure, Refused)
    assert failure.reason is FailureReason.AUTH_ERROR
    assert receiver.received() == []
    assert receiver.refused == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault(status=429, retry_after="7"), (Retry, FailureReason.RATE_LIMITED, 7.0)),
        (Fault(status=503, retry_after="2"), (Retry, FailureReason.SERVER_ERROR, 2.0)),
        (Fault(status=500), (Retry, FailureReason.SERVER_ERROR, None)),
        (Fault(status=408), (Retry, FailureReason.TIMEOUT, None)),
        (Fault(status=400), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(status=410), (Refused, FailureReason.CLIENT_ERROR, None)),
        (Fault(drop=True), (Retry, FailureReason.UNREACHABLE, None)),
    ],
)
def test_what_the_receiver_does_decides_the_outcome(
    receiver: WebhookReceiver, webhook: Opener, fault: Fault, outcome: Outcome
) -> None:
    receiver.script(fault)
    channel = webhook(receiver.url)

    failure = failure_of(channel)

    assert (type(failure), failure.reason, getattr(failure, "after_s", None)) == outcome
    # And the next attempt, over the same channel, is none the worse for it.
    assert channel.deliver(alert(), receiver.url) == alert().id


def test_a_redirect_is_not_followed(receiver: WebhookReceiver, webhook: Opener) -> None:
    receiver.script(Fault(status=307, location=receiver.url))

    failure = failure_of(webhook(receiver.url))

    assert isinstance(failure, Refused)
    assert receiver.received() == []


def test_silence_is_a_time_out(receiver: WebhookReceiver, webhook: Opener) -> None:
    receiver.script(Fault(hold_s=30, drop=True))

    failure = failure_of(webhook(receiver.url, timeout_s=0.2))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.TIMEOUT


def answer_without_a_body(server: socket.socket, status: str) -> bool:
    """Promises a body that never comes; True once the client has hung up."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(30)
        connection.recv(65_536)
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 10\r\nRetry-After: 7\r\n\r\n".encode())
        while connection.recv(65_536):
            pass
    return True


def test_a_body_that_never_comes_is_not_waited_for(webhook: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        server.settimeout(30)
        channel = webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", timeout_s=1)

        taken = threads.submit(answer_without_a_body, server, "200 OK")
        assert channel.deliver(alert(), channel.recipients[0]) == alert().id
        assert taken.result()

        put_off = threads.submit(answer_without_a_body, server, "503 Service Unavailable")
        failure = failure_of(channel)
        assert put_off.result()

    assert isinstance(failure, Retry)
    assert (failure.reason, failure.after_s) == (FailureReason.SERVER_ERROR, 7.0)


def test_a_closed_port_is_unreachable(webhook: Opener) -> None:
    with socket.socket() as taken:  # bound and never listening, so that nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        failure = failure_of(webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/"))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE


def test_the_certificate_is_checked(webhook: Opener, tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)

    with closing(WebhookReceiver(SECRET, tls=tls)) as receiver:
        assert webhook(receiver.url, ca_file=ca_file).deliver(alert(), receiver.url) == alert().id
        stranger = failure_of(webhook(receiver.url))

    assert isinstance(stranger, Retry)
    assert stranger.reason is FailureReason.TLS_ERROR


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_without_certificates_is_named(webhook: Opener, tmp_path: Path, content: bytes | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_bytes(content)

    with pytest.raises(ChannelRefused, match=r"alerts\.webhook\.ca_file '.*ca\.pem' gives no certificates"):
        webhook("https://127.0.0.1:1/", ca_file=ca_file)
