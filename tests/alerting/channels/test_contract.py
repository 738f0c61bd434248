"""Every channel is held to the same contract."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from urllib.parse import unquote

import pytest

from alerting.channels import Channel, WhenUnsure
from alerting.delivery import Failure, FailureReason, Refused, Retry, Unsure
from demo.receivers.http import HttpServer, Reply, Request
from demo.receivers.script import Fault
from tests.alerting.channels.contract import CASES, STATUSES, Case
from tests.alerting.channels.mail_provider import MailProvider
from tests.alerting.dripping import Dripping, dripping, ended, greeting_of_tls, http
from tests.alerting.telling import message


class Provider:
    """A server in a provider's place: it takes everything that no fault says otherwise of."""

    def __init__(self, case: Case) -> None:
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._answer = case.taken
        self._server = HttpServer(self._take, lambda fault: Reply(fault.status, {"error": "as the script says"}))
        self.script = self._server.script
        self.url = self._server.url

    @property
    def taken(self) -> int:
        return len(self.requests)

    def close(self) -> None:
        self._server.close()

    def _take(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        return self._answer


HTTP = [name for name, case in sorted(CASES.items()) if case.over_http]
over_http = pytest.mark.parametrize("case", HTTP, indirect=True)


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "loopback")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return CASES[request.param]


@pytest.fixture
def provider(case: Case) -> Iterator[Provider | MailProvider]:
    with closing(Provider(case) if case.over_http else MailProvider()) as provider:
        yield provider


@pytest.fixture
def channel(case: Case, provider: Provider | MailProvider) -> Iterator[Channel]:
    with closing(case.open(provider.url, 5.0)) as opened:
        yield opened


def failure_of(channel: Channel, case: Case, url: str) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(message(), case.recipient(url))
    assert [text for text in case.private if text in str(raised.value) + repr(raised.value)] == []
    assert raised.value.__cause__ is None, "what it came from may quote a secret"
    return raised.value


def test_what_is_taken_has_a_receipt(case: Case, channel: Channel, provider: Provider | MailProvider) -> None:
    assert channel.deliver(message(), case.recipient(provider.url))
    assert provider.taken == 1


@over_http
@pytest.mark.parametrize("status", [*STATUSES, 401, 403])
def test_a_status_decides_whether_there_is_another_attempt(
    case: Case, channel: Channel, provider: Provider, status: int
) -> None:
    provider.script.add(Fault(status=status, retry_after="7", location="/elsewhere", body=case.refused))

    failure = failure_of(channel, case, provider.url)

    assert (type(failure), failure.reason) == {**STATUSES, **(case.otherwise or {})}[status]
    if isinstance(failure, Retry) and case.heeds_retry_after:
        assert failure.after_s == 7.0
    assert provider.requests == [], "no redirect is followed, and nothing tried again but by the ledger"
    assert channel.deliver(message(), case.recipient(provider.url)), "the next is none the worse for it"


@over_http
def test_an_answer_that_is_not_the_last_is_not_taken_for_it(case: Case, provider: Provider) -> None:
    """RFC 8297: early hints come before the answer."""

    def hints(client: Dripping) -> None:
        while client.lines.readline() not in (b"\r\n", b""):
            pass
        client.say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        client.say(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with dripping(hints) as port, closing(case.open(f"http://127.0.0.1:{port}", 5.0)) as channel:
        failure = failure_of(channel, case, f"http://127.0.0.1:{port}")

    assert (type(failure), failure.reason) == (Retry, FailureReason.SERVER_ERROR)


def test_a_request_that_left_without_an_answer_is_unsure(
    case: Case, channel: Channel, provider: Provider | MailProvider
) -> None:
    provider.script.add(Fault(drop=True, taken=True))

    failure = failure_of(channel, case, provider.url)

    assert (type(failure), failure.reason) == (Unsure, FailureReason.UNREACHABLE)
    assert provider.taken == 1


def test_silence_ends_with_the_time_out_and_is_unsure(case: Case, provider: Provider | MailProvider) -> None:
    provider.script.add(Fault(hold_s=30, drop=True))
    with closing(case.open(provider.url, 0.3)) as impatient:
        failure = failure_of(impatient, case, provider.url)

    assert (type(failure), failure.reason) == (Unsure, FailureReason.TIMEOUT)


@over_http
@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    ],
    ids=["head", "body"],
)
def test_an_answer_that_trickles_ends_with_the_time_out(case: Case, head: bytes, drop: bytes) -> None:
    """The time-out is of the whole attempt: one for each byte would let a server hold a thread for good."""
    failures: list[Failure] = []
    with dripping(http(head, drop)) as port, closing(case.open(f"http://127.0.0.1:{port}", 0.5)) as channel:
        ended(lambda: failures.append(failure_of(channel, case, f"http://127.0.0.1:{port}")))

    assert [(type(one), one.reason) for one in failures] == [(Unsure, FailureReason.TIMEOUT)]


@over_http
def test_a_greeting_that_trickles_ends_with_the_time_out_and_nothing_left(case: Case) -> None:
    failures: list[Failure] = []
    with dripping(greeting_of_tls) as port, closing(case.open(f"https://127.0.0.1:{port}", 0.5)) as channel:
        ended(lambda: failures.append(failure_of(channel, case, f"https://127.0.0.1:{port}")))

    assert [(type(one), one.reason) for one in failures] == [(Retry, FailureReason.TIMEOUT)]


def test_where_nobody_listens_nothing_left(case: Case) -> None:
    with socket.socket() as taken:  # bound and never listening, so that nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with closing(case.open(url, 2.0)) as channel:
            failure = failure_of(channel, case, url)

    assert (type(failure), failure.reason) == (Retry, FailureReason.UNREACHABLE)


@over_http
def test_a_repetition_can_be_recognised(case: Case, channel: Channel, provider: Provider) -> None:
    for notice in ("notice-1", "notice-1", "notice-2"):
        channel.deliver(message(notice), case.recipient(provider.url))

    first, second, other = (request.body for request in provider.requests)
    if channel.when_unsure is WhenUnsure.SEND_AGAIN and "fraud-8271" not in case.recipient("").address:
        assert first == second
        ids = [request.headers.get("idempotency-key") for request in provider.requests]
        assert ids == ["notice-1", "notice-1", "notice-2"]
    elif channel.when_unsure is WhenUnsure.LOOK_UP:
        assert first == second != other, "its text names it"


def test_many_are_told_at_once(case: Case, channel: Channel, provider: Provider | MailProvider) -> None:
    with ThreadPoolExecutor(channel.at_once) as threads:
        told = list(
            threads.map(lambda number: channel.deliver(message(f"n-{number}"), case.recipient(provider.url)), range(40))
        )

    assert len(told) == provider.taken == 40


def test_nothing_private_is_logged(
    case: Case, channel: Channel, provider: Provider | MailProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.script.add(Fault(status=500, body=case.refused), Fault(status=400, body=case.refused), Fault(drop=True))
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            failure_of(channel, case, provider.url)
        channel.deliver(message(), case.recipient(provider.url))
        with suppress(Failure):  # a provider in whose list nobody would find anything
            channel.find(message(), case.recipient(provider.url))

    assert [text for text in case.private if text in unquote(caplog.text)] == []


@over_http
def test_a_provider_that_talks_nonsense_is_not_believed(case: Case, channel: Channel, provider: Provider) -> None:
    provider.script.add(Fault(status=502, body=b"<html>" * 1000), Fault(status=418, body=b"\xff\x00"))

    assert isinstance(failure_of(channel, case, provider.url), Retry)
    assert isinstance(failure_of(channel, case, provider.url), Refused | Unsure)


def test_closing_twice_is_closing_once(case: Case, provider: Provider | MailProvider) -> None:
    channel = case.open(provider.url, 1.0)
    channel.deliver(message(), case.recipient(provider.url))
    channel.close()
    channel.close()
