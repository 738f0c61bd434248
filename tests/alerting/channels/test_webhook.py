"""The webhook channel against a receiver that checks every signature, and addresses that it must not go to."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook

from alerting.channels import http
from alerting.channels.webhook import WebhookChannel
from alerting.channels.webhook_settings import WebhookSettings
from alerting.delivery import Failure, FailureReason, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from demo.receivers.script import Fault
from demo.receivers.webhook import WebhookReceiver
from tests.alerting.dripping import Dripping, dripping
from tests.alerting.telling import NOTICE, message
from tests.alerting.webhooks import OTHER_SECRET, SECRET

Opener = Callable[..., WebhookChannel]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with closing(WebhookReceiver(SECRET)) as listening:
        yield listening


@pytest.fixture
def webhook() -> Iterator[Opener]:
    opened: list[WebhookChannel] = []

    def make(*, now: Callable[[], datetime] | None = None, resolve: Any = None, **settings: Any) -> WebhookChannel:
        usual = {"secret": SECRET, "allow": ["127.0.0.0/8"], **settings}
        more: dict[str, Any] = {
            name: value for name, value in (("now", now), ("resolve", resolve)) if value is not None
        }
        channel = WebhookChannel(WebhookSettings.model_validate(usual), **more)
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


def failure_of(channel: WebhookChannel, url: str, **options: str) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(message(), Recipient(url, options=options))
    return raised.value


def test_the_event_arrives_with_the_exact_bytes(receiver: WebhookReceiver, webhook: Opener) -> None:
    receipt = webhook().deliver(message(), Recipient(receiver.url))

    (event,) = receiver.received()
    assert receipt == event.id == NOTICE
    assert event.body == message().content.payload
    assert event.headers["content-type"] == "application/json"
    assert event.headers["idempotency-key"] == NOTICE


def test_the_specification_s_own_library_accepts_the_signature(receiver: WebhookReceiver, webhook: Opener) -> None:
    webhook().deliver(message(), Recipient(receiver.url))

    (event,) = receiver.received()
    assert Webhook(SECRET).verify(event.body, dict(event.headers))["data"]["transaction_id"] == "tx-0001"


def test_while_a_secret_is_replaced_both_sign(webhook: Opener) -> None:
    for known in (SECRET, OTHER_SECRET):
        with closing(WebhookReceiver(known)) as receiver:
            webhook(secret=f"{OTHER_SECRET}, {SECRET}").deliver(message(), Recipient(receiver.url))
            assert len(receiver.received()) == 1


def test_a_recipient_has_the_secret_that_its_rule_names(receiver: WebhookReceiver, webhook: Opener) -> None:
    channel = webhook(secret=OTHER_SECRET, secrets={"cases": SECRET})

    channel.deliver(message(), Recipient(receiver.url, options={"secret": "cases"}))
    unsigned = failure_of(channel, receiver.url, secret="nobody-s")

    assert len(receiver.received()) == 1
    assert (type(unsigned), unsigned.reason) == (Refused, FailureReason.AUTH_ERROR)
    assert failure_of(channel, receiver.url).reason is FailureReason.AUTH_ERROR
    assert receiver.refused == 1


def test_a_repetition_has_the_same_id_and_the_time_of_its_own_attempt(webhook: Opener) -> None:
    moments = iter([1_769_860_800, 1_769_860_900])
    channel = webhook(now=lambda: datetime.fromtimestamp(next(moments), UTC))
    with closing(WebhookReceiver(SECRET, now=lambda: 1_769_860_850.0)) as receiver:
        for _ in range(2):
            channel.deliver(message(), Recipient(receiver.url))

        assert (len(receiver.received()), receiver.repeated) == (1, 1)
    assert next(moments, None) is None


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",  # http.client reads to the end of it
        b"HTTP/1.1 200 OK\r\n",  # headers, of 64 KiB each
        b"HTTP/1.1 100 Continue\r\n",
    ],
)
def test_an_answer_without_end_is_not_kept(webhook: Opener, beginning: bytes) -> None:
    """A receiver must not fill the worker's memory, however fast it sends."""
    sent: list[int] = []

    def pours(client: Dripping) -> None:
        while client.lines.readline() not in (b"\r\n", b""):
            pass
        client.say(beginning)
        while True:
            client.say(b"x: " + b"x" * 60_000 + b"\r\n")
            sent.append(60_000)

    with dripping(pours) as port:
        failure = failure_of(webhook(timeout_s=15), f"http://127.0.0.1:{port}/")

    assert (type(failure), failure.reason) == (Unsure, FailureReason.UNREACHABLE), "long before its time was over"
    assert sum(sent) < 64 * 1024 * 1024, "what was not taken stands in the system's buffers"


def test_a_connection_is_used_again_and_one_that_the_server_closed_is_not(webhook: Opener) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    requests: list[int] = []

    def serve(server: socket.socket) -> None:
        for each in range(2):
            connection, _ = server.accept()
            with connection:
                for _ in range(2):
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        head += connection.recv(1)
                    left = int(head.lower().partition(b"content-length:")[2].split()[0])
                    while left:
                        left -= len(connection.recv(left))
                    requests.append(each)
                    connection.sendall(answer)

    channel = webhook()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        for number in range(4):
            channel.deliver(message(), Recipient(f"http://127.0.0.1:{server.getsockname()[1]}/"))
            if number == 1:
                _until_closed(channel)
        thread.join()

    assert requests == [0, 0, 1, 1]


def _until_closed(channel: WebhookChannel) -> None:
    """Until the server's good-bye has arrived at the connection that is kept."""
    (idle,) = channel._poster._idle.values()  # noqa: SLF001 (nothing public tells when)
    (kept,) = idle
    end = time.monotonic() + 10
    with suppress(ConnectionResetError):
        while kept[1].sock.recv(1, socket.MSG_PEEK) and time.monotonic() < end:
            pass


def test_the_certificate_is_checked(webhook: Opener, tmp_path: Path) -> None:
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.bank.example").configure_cert(tls)

    with closing(WebhookReceiver(SECRET, tls=tls)) as receiver:
        port = receiver.url.split(":")[2].split("/")[0]
        url = f"https://hooks.bank.example:{port}/fraud"
        at_home: Callable[[str, int], Sequence[str]] = lambda *_: ["127.0.0.1"]  # noqa: E731
        channel = webhook(ca_file=ca_file, resolve=at_home)
        assert [channel.deliver(message(), Recipient(url)) for _ in range(2)] == [NOTICE] * 2
        stranger = failure_of(webhook(resolve=at_home), url)
        other_name = failure_of(webhook(ca_file=ca_file), f"https://127.0.0.1:{port}/fraud")

    assert [(type(one), one.reason) for one in (stranger, other_name)] == [(Retry, FailureReason.TLS_ERROR)] * 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_usual_port_is_not_said(
    webhook: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """RFC 9110, 4.2.3: hosts that are found by their name are not found by `name:443`."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.bank.example").configure_cert(tls)

    with closing(WebhookReceiver(SECRET, tls=tls if scheme == "https" else None)) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        monkeypatch.setitem(http._PORTS, scheme, port)  # noqa: SLF001 (the real ones are root's)
        channel = webhook(ca_file=ca_file, resolve=lambda *_: ["127.0.0.1"])
        for notice in ("", f":{port}"):
            channel.deliver(message(f"notice{notice}"), Recipient(f"{scheme}://hooks.bank.example{notice}/"))

        assert [event.headers["host"] for event in receiver.received()] == ["hooks.bank.example"] * 2


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_file_without_certificates_is_named(webhook: Opener, tmp_path: Path, content: bytes | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_bytes(content)

    with pytest.raises(ChannelRefused, match=r"alerts\.webhook\.ca_file '.*ca\.pem' gives no certificates"):
        webhook(ca_file=ca_file)


def test_a_host_inside_the_bank_is_refused_unless_it_is_allowed(receiver: WebhookReceiver, webhook: Opener) -> None:
    failure = failure_of(webhook(allow=[]), receiver.url)

    assert (type(failure), failure.reason) == (Refused, FailureReason.ADDRESS_REFUSED)
    assert "loopback" in failure.message
    assert receiver.attempts == 0


def test_a_host_that_resolves_to_another_address_a_moment_later_is_refused(
    receiver: WebhookReceiver, webhook: Opener
) -> None:
    """DNS rebinding: first of the open internet, then inside. Nothing is connected to but what was looked at."""
    answers = iter([["198.51.100.7", "93.184.215.14"], ["93.184.215.14", "127.0.0.1"], ["127.0.0.1"]])
    port = receiver.url.split(":")[2].split("/")[0]
    channel = webhook(allow=[], resolve=lambda *_: next(answers), timeout_s=0.3)

    failures = [failure_of(channel, f"https://hooks.bank.example:{port}/") for _ in range(3)]

    assert [one.reason for one in failures] == [FailureReason.ADDRESS_REFUSED] * 3, "documentation, then loopback"
    assert receiver.attempts == 0


def test_a_host_that_was_fine_and_then_leads_inside_is_refused(webhook: Opener) -> None:
    resolved: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        resolved.append(host)
        return ["93.184.215.14"] if len(resolved) == 1 else ["127.0.0.1"]

    channel = webhook(allow=[], resolve=resolve, timeout_s=0.2)
    first = failure_of(channel, "https://hooks.bank.example:1/")
    second = failure_of(channel, "https://hooks.bank.example:1/")

    assert isinstance(first, Retry), "it may be sent there, and nobody answered"
    assert (type(second), second.reason) == (Refused, FailureReason.ADDRESS_REFUSED)
    assert resolved == ["hooks.bank.example"] * 2


def test_without_tls_only_what_is_allowed_is_told(webhook: Opener) -> None:
    failure = failure_of(webhook(allow=[], resolve=lambda *_: ["93.184.215.14"]), "http://hooks.bank.example/")

    assert (type(failure), failure.reason) == (Refused, FailureReason.ADDRESS_REFUSED)
    assert "https" in failure.message


def test_a_name_that_nobody_knows_is_tried_again(webhook: Opener) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    failure = failure_of(webhook(resolve=resolve), "https://hooks.bank.example/")

    assert (type(failure), failure.reason) == (Retry, FailureReason.UNREACHABLE)


def test_a_name_that_is_not_resolved_in_time_is_tried_again(receiver: WebhookReceiver, webhook: Opener) -> None:
    answered = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        answered.wait(20)
        return ["127.0.0.1"]

    failure = failure_of(webhook(resolve=resolve, timeout_s=0.2), receiver.url)
    answered.set()

    assert (type(failure), failure.reason) == (Retry, FailureReason.TIMEOUT), "nothing had left"
    assert receiver.attempts == 0


def test_an_address_that_is_silent_leaves_time_for_the_next(receiver: WebhookReceiver, webhook: Opener) -> None:
    port = int(receiver.url.split(":")[2].split("/")[0])
    with socket.socket() as silent, ExitStack() as waiting:
        try:
            silent.bind(("127.0.0.7", port))
        except OSError:
            pytest.skip("this system has one loopback address")
        silent.listen(0)
        for _ in range(4):  # until there is no room for another
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.7", port))
        channel = webhook(resolve=lambda *_: ["127.0.0.7", "127.0.0.1"], timeout_s=2)

        assert channel.deliver(message(), Recipient(receiver.url)) == NOTICE


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:99999/8271",
        "https://[::1/8271",
        "https:///8271",
        "ftp://127.0.0.1/8271",
        "http://127.0.0.1:1/8271/höök",
        "http://127.0.0.1:1/8271\r\nx: y",
        "http://127.0.0.1:1/82 71",
        "8271",
        "",
    ],
)
def test_an_address_that_is_no_url_is_refused_unsaid(webhook: Opener, url: str) -> None:
    failure = failure_of(webhook(), url)

    assert (type(failure), failure.reason) == (Refused, FailureReason.INVALID_RECIPIENT)
    assert "8271" not in failure.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: WebhookReceiver, webhook: Opener, status: int) -> None:
    receiver.script(Fault(status=status, location=receiver.url))

    assert isinstance(failure_of(webhook(), receiver.url), Refused)
    assert receiver.attempts == 1


@pytest.mark.parametrize("length", [24, 64])
def test_keys_are_what_the_secrets_stand_for(length: int) -> None:
    secret = "whsec_" + base64.b64encode(bytes(length)).decode()

    assert WebhookSettings.model_validate({"secret": secret}).secret is not None
