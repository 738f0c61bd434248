"""The SNS channel: boto3 against moto's server, with a queue subscribed to the topic."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alerting.channels import WhenUnsure
from alerting.channels.sns import SnsChannel
from alerting.channels.sns_settings import SnsSettings
from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from demo.receivers.http import HttpServer, Reply
from demo.receivers.script import Fault
from demo.receivers.sns import SnsReceiver
from tests.alerting.breaking_tls import breaking_tls
from tests.alerting.telling import message

TOPIC = "arn:aws:sns:eu-central-1:123456789012:fraud-alerts"

Opener = Callable[..., SnsChannel]


@pytest.fixture(autouse=True)
def _credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")


@pytest.fixture
def sns() -> Iterator[Opener]:
    opened: list[SnsChannel] = []

    def make(url: str, topic_arn: str = TOPIC, timeout_s: float = 10.0) -> SnsChannel:
        channel = SnsChannel(SnsSettings(topic_arn=topic_arn, endpoint_url=url, timeout_s=timeout_s))
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        channel.close()


@pytest.fixture
def answering() -> Iterator[HttpServer]:
    """SNS as it answers when it is not well: moto always is."""
    with closing(HttpServer(lambda _: Reply(500, {}), lambda fault: Reply(fault.status, {}))) as server:
        yield server


def failure_of(channel: SnsChannel, topic: str = TOPIC) -> Failure:
    with pytest.raises(Failure) as raised:
        channel.deliver(message(), Recipient(topic))
    return raised.value


def test_subscribers_get_the_json_and_what_they_filter_by(sns: Opener) -> None:
    with closing(SnsReceiver()) as receiver:
        receipt = sns(receiver.url, receiver.topic_arn).deliver(message(), Recipient(receiver.topic_arn))

        (notification,) = receiver.received()
    assert notification.id == receipt
    assert notification.subject == message().content.subject
    assert notification.message.encode() == message().content.payload
    assert notification.attributes == {"type": "fraud.detected", "severity": "high", "schema_version": "1"}


def test_a_subject_is_ascii_in_one_short_line(sns: Opener) -> None:
    with closing(SnsReceiver()) as receiver:
        told = message(currency="zł\n" * 100, account_id="\r\nX: y" * 100)
        sns(receiver.url, receiver.topic_arn).deliver(told, Recipient(receiver.topic_arn))

        (notification,) = receiver.received()
    assert notification.subject is not None
    assert notification.subject.isascii()
    assert notification.subject.isprintable()
    assert len(notification.subject) < 100


def test_a_fifo_topic_drops_a_repetition(sns: Opener) -> None:
    with closing(SnsReceiver(fifo=True)) as receiver:
        channel = sns(receiver.url, receiver.topic_arn)
        for notice in ("notice-1", "notice-1", "notice-2"):
            channel.deliver(message(notice), Recipient(receiver.topic_arn))

        assert len(receiver.received()) == 2


def test_a_topic_that_does_not_exist_is_refused(sns: Opener) -> None:
    with closing(SnsReceiver()) as receiver:
        absent = receiver.topic_arn + "-absent"
        failure = failure_of(sns(receiver.url, absent), absent)

    assert isinstance(failure, Refused)
    assert failure.reason is FailureReason.INVALID_RECIPIENT


def error(status: int, code: str) -> Fault:
    """An answer of AWS's query protocol."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>as the script says</Message></Error></ErrorResponse>"
    return Fault(status=status, body=body.encode())


@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (error(429, "Throttled"), Retry, FailureReason.RATE_LIMITED),
        (error(400, "Throttling"), Retry, FailureReason.RATE_LIMITED),
        (error(400, "KMSThrottling"), Retry, FailureReason.RATE_LIMITED),
        (error(500, "InternalError"), Retry, FailureReason.SERVER_ERROR),
        (Fault(status=503, body=b"no XML"), Retry, FailureReason.SERVER_ERROR),
        (Fault(status=403, body=b"no XML"), Refused, FailureReason.AUTH_ERROR),
        (Fault(status=200, body=b"no XML"), Unsure, FailureReason.SERVER_ERROR),
        (error(403, "AuthorizationError"), ChannelStopped, FailureReason.AUTH_ERROR),
        (error(400, "InvalidParameter"), Refused, FailureReason.CLIENT_ERROR),
        (Fault(drop=True), Unsure, FailureReason.UNREACHABLE),
    ],
)
def test_what_sns_does_decides_the_outcome_of_one_attempt(
    answering: HttpServer, sns: Opener, fault: Fault, kind: type, reason: FailureReason
) -> None:
    answering.script.add(fault)

    failure = failure_of(sns(answering.url))

    assert type(failure) is kind
    assert failure.reason is reason
    # boto3 has not tried again by itself.
    assert answering.script.asked == 1


def test_silence_is_a_time_out(answering: HttpServer, sns: Opener) -> None:
    answering.script.add(Fault(hold_s=30, drop=True))

    failure = failure_of(sns(answering.url, timeout_s=0.2))

    assert isinstance(failure, Unsure)
    assert failure.reason is FailureReason.TIMEOUT


def test_a_closed_port_is_unreachable(sns: Opener) -> None:
    with socket.socket() as taken:  # bound and never listening, so that nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        failure = failure_of(sns(f"http://127.0.0.1:{taken.getsockname()[1]}"))

    assert isinstance(failure, Retry)
    assert failure.reason is FailureReason.UNREACHABLE


def test_without_credentials_the_channel_does_not_open(sns: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(ChannelRefused, match="channel 'sns' has no AWS credentials: set AWS_ACCESS_KEY_ID"):
        sns("http://127.0.0.1:1")


@pytest.mark.parametrize("policy", list(WhenUnsure)[1:])
def test_what_is_done_after_a_doubt_is_a_setting(policy: WhenUnsure) -> None:
    settings = SnsSettings.model_validate({"when_unsure": policy.value})

    assert SnsChannel(settings).when_unsure is policy


@pytest.mark.parametrize("topic", ["arn:aws:sns:-:123456789012:fraud-8271", "fraud-8271"])
def test_a_topic_of_no_region_is_refused_unsent(answering: HttpServer, topic: str) -> None:
    with closing(SnsChannel(SnsSettings(endpoint_url=answering.url))) as channel:
        failure = failure_of(channel, topic)

    assert (type(failure), failure.reason) == (Refused, FailureReason.INVALID_RECIPIENT)
    assert "8271" not in failure.message
    assert answering.script.asked == 0


def test_each_topic_is_told_in_its_region(answering: HttpServer) -> None:
    with closing(SnsChannel(SnsSettings(endpoint_url=answering.url))) as channel:
        for region in ("eu-central-1", "us-east-1", "eu-central-1"):
            with pytest.raises(Failure):
                channel.deliver(message(), Recipient(f"arn:aws:sns:{region}:123456789012:fraud"))

        assert {region: client.meta.region_name for region, client in channel._clients.items()} == {  # noqa: SLF001
            "eu-central-1": "eu-central-1",
            "us-east-1": "us-east-1",
        }


def test_tls_that_breaks_after_the_request_leaves_in_doubt_whether_it_was_taken(
    sns: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with breaking_tls(tmp_path, ends_with=b"Action=Publish") as answering:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(answering.ca_file))
        failure = failure_of(sns(answering.url))

    assert len(answering.requests) == 1
    assert (type(failure), failure.reason) == (Unsure, FailureReason.TLS_ERROR)


def test_to_a_stranger_s_certificate_nothing_is_sent(sns: Opener, tmp_path: Path) -> None:
    with breaking_tls(tmp_path, ends_with=b"Action=Publish") as answering:
        failure = failure_of(sns(answering.url))

    assert answering.requests == []
    assert (type(failure), failure.reason) == (Retry, FailureReason.TLS_ERROR)
