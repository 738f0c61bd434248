"""What a channel of another package gets from its base without asking for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import pytest

from alerting.channels.json_webhook import JsonWebhook
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Recipient
from alerting.messages import Message
from demo.receivers.http import HttpServer, Reply
from tests.alerting.telling import message


class Everywhere(JsonWebhook):
    """Goes where the routing file says."""

    name = "everywhere"

    def url(self, recipient: Recipient) -> str:
        return recipient.address

    def body(self, message: Message, recipient: Recipient) -> Mapping[str, str]:  # noqa: ARG002
        return {"text": message.content.text}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_inside_is_refused_unless_the_class_allows_it(host: str) -> None:
    asked: list[str] = []

    def take(_: object) -> Reply:
        asked.append(host)
        return Reply(200, {})

    with closing(HttpServer(take, lambda fault: Reply(fault.status, {}))) as server:
        url = server.url.replace("127.0.0.1", host)
        with closing(Everywhere()) as channel, pytest.raises(Refused) as refused:
            channel.deliver(message(), Recipient(url))

    assert refused.value.reason is FailureReason.ADDRESS_REFUSED
    assert asked == []
