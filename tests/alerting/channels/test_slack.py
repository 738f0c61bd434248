"""What Slack is told, by a server in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from pydantic import SecretStr, ValidationError

from alerting.channels.slack import SlackChannel
from alerting.channels.slack_settings import SlackSettings
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Recipient
from demo.receivers.http import HttpServer, Reply, Request
from tests.alerting.telling import message

Told = list[Request]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def slack(told: Told) -> Iterator[SlackChannel]:
    def take(request: Request) -> Reply:
        told.append(request)
        return Reply(200, b"ok")

    with closing(HttpServer(take, lambda fault: Reply(fault.status, {}))) as server:
        urls = {name: SecretStr(f"{server.url}/services/{name}") for name in ("desk", "duty")}
        with closing(SlackChannel(SlackSettings(urls=urls))) as channel:
            yield channel


def test_each_name_is_told_at_its_own_url(slack: SlackChannel, told: Told) -> None:
    for name in ("desk", "duty", "desk"):
        slack.deliver(message(), Recipient(name))

    assert [request.path for request in told] == ["/services/desk", "/services/duty", "/services/desk"]
    said = json.loads(told[0].body)["text"]
    assert said.startswith(f"*{message().content.subject}*\n")
    assert "tx-0001" in said


def test_a_transaction_mentions_nobody_and_links_nowhere(slack: SlackChannel, told: Told) -> None:
    hostile = "<!channel> <https://evil.example|here> & <@U1>"

    slack.deliver(message(transaction_id=hostile, currency=hostile), Recipient("desk"))

    said = json.loads(told[0].body)["text"]
    assert "&lt;!channel&gt;" in said
    assert "<" not in said
    assert ">" not in said


def test_a_name_that_the_settings_do_not_have_is_refused_unsent(slack: SlackChannel, told: Told) -> None:
    with pytest.raises(Refused, match=r"alerts\.slack\.urls has nothing") as refused:
        slack.deliver(message(), Recipient("nobody-8271"))

    assert refused.value.reason is FailureReason.INVALID_RECIPIENT
    assert "8271" not in refused.value.message
    assert told == []


@pytest.mark.parametrize(
    "url", ["", "ftp://slack.example/8271", "https://", "https://slack.example:99999/8271", "https://slack.example/8 2"]
)
def test_what_is_no_url_is_refused_without_saying_it(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SlackSettings.model_validate({"urls": {"desk": url}})

    (error,) = refused.value.errors()
    assert error["loc"] == ("urls",)
    assert "write https://HOST/PATH" in error["msg"]
    assert "8" not in error["msg"]


def test_a_secret_url_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValidationError, match="must begin with https"):
        SlackSettings.model_validate({"urls": {"desk": "http://hooks.slack.example/services/T/B/x"}})


def test_nobody_to_tell_is_refused() -> None:
    with pytest.raises(ValidationError):
        SlackSettings(urls={})
