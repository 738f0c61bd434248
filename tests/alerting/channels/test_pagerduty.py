"""What PagerDuty's Events API v2 is told, by a server in its place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.pagerduty_settings import PagerDutySettings
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Recipient
from demo.receivers.http import HttpServer, Reply, Request
from tests.alerting.telling import NOTICE, message

Events = list[dict[str, Any]]


@pytest.fixture
def events() -> Events:
    return []


@pytest.fixture
def pagerduty(events: Events) -> Iterator[PagerDutyChannel]:
    def take(request: Request) -> Reply:
        events.append({"path": request.path, **json.loads(request.body)})
        return Reply(202, {"status": "success"})

    with closing(HttpServer(take, lambda fault: Reply(fault.status, {}))) as server:
        keys = {"desk": SecretStr("key-of-the-desk"), "duty": SecretStr("key-of-duty")}
        with closing(PagerDutyChannel(PagerDutySettings(routing_keys=keys, base_url=f"{server.url}/"))) as channel:
            yield channel


def test_an_incident_is_triggered_at_the_service_of_the_recipient(pagerduty: PagerDutyChannel, events: Events) -> None:
    pagerduty.deliver(message(), Recipient("duty"))

    (event,) = events
    assert event["path"] == "/v2/enqueue"
    assert (event["routing_key"], event["event_action"]) == ("key-of-duty", "trigger")
    assert event["payload"]["summary"] == message().content.subject
    assert event["payload"]["timestamp"] == "2026-01-31T12:00:06+00:00"
    assert event["payload"]["custom_details"] == json.loads(message().content.payload)


def test_a_repetition_opens_no_other_incident(pagerduty: PagerDutyChannel, events: Events) -> None:
    for notice in (NOTICE, NOTICE, "another"):
        pagerduty.deliver(message(notice), Recipient("desk"))

    assert [event["dedup_key"] for event in events] == [NOTICE, NOTICE, "another"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("critical", "critical"), ("high", "error"), ("medium", "warning"), ("low", "info"), ("odd", "error")],
)
def test_severities_are_those_that_pagerduty_knows(
    pagerduty: PagerDutyChannel, events: Events, ours: str, theirs: str
) -> None:
    pagerduty.deliver(dataclasses.replace(message(), attributes={"severity": ours}), Recipient("desk"))

    assert events[0]["payload"]["severity"] == theirs


def test_a_summary_is_no_longer_than_pagerduty_takes(pagerduty: PagerDutyChannel, events: Events) -> None:
    usual = message()
    long = dataclasses.replace(usual, content=dataclasses.replace(usual.content, subject="x" * 5000))

    pagerduty.deliver(long, Recipient("desk"))

    assert events[0]["payload"]["summary"] == "x" * 1024


def test_a_routing_key_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValidationError, match="must begin with https"):
        PagerDutySettings(routing_keys={"desk": SecretStr("key")}, base_url="http://events.pagerduty.example")


def test_a_name_that_the_settings_do_not_have_is_refused_unsent(pagerduty: PagerDutyChannel, events: Events) -> None:
    with pytest.raises(Refused, match=r"alerts\.pagerduty\.routing_keys has nothing") as refused:
        pagerduty.deliver(message(), Recipient("nobody-8271"))

    assert refused.value.reason is FailureReason.INVALID_RECIPIENT
    assert "8271" not in refused.value.message
    assert events == []
