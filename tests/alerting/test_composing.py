"""What an attempt sends, and what operators are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
from msgspec.structs import replace

from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.attempts import Attempt
from alerting.composing import Composer
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.entries import Delivery
from alerting.notices import OPERATOR, notice
from alerting.rendering import Renderer
from alerting.routing.matching import condition
from alerting.routing.rules import Rules
from alerting.rulebook import Rulebook
from alerting.schemas import documents
from alerting.severity import Band
from alerting.site import links_of
from alerting.tally import merged, of_one
from tests.alerting.verdicts import ACCOUNT, alert, verdict
from tests.alerting.webhooks import SECRET

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BANDS = (
    Band("high", {"fraud_probability": condition("fraud_probability", [">=0.9"])}),
    Band("medium", {"fraud_probability": condition("fraud_probability", [">=0.7"])}),
)
LINKS = AcknowledgeSettings.model_validate({"base_url": "https://alerts.bank.example/", "secret": SECRET})


def delivery() -> Delivery:
    destination = Destination("desk", "email", Recipient("desk@bank.example"), "analyst", Grouping(), "route")
    return notice("about", verdict(), destination, group="group", now=NOW, expires_at=NOW + timedelta(hours=1))


def data(said: dict[str, object]) -> dict[str, object]:
    found = said["data"]
    assert isinstance(found, dict)
    return found


def composed(one: Delivery, settings: AcknowledgeSettings | None = None) -> tuple[str, dict[str, object]]:
    composer = Composer(Renderer(), Rulebook(Rules(severities=BANDS)), links_of(settings))
    message = composer(Attempt(5, one, Recipient("desk@bank.example")))
    again = composer(Attempt(5, one, Recipient("desk@bank.example")))
    assert message == again, "the same at every attempt"
    assert (message.id, message.partition, message.expires_at) == (one.id, 5, one.expires_at)
    assert ACCOUNT not in str(message)
    assert ("/ack?c=" in message.content.short) is (settings is not None and one.template != OPERATOR)
    return message.content.text, {**message.attributes, **json.loads(message.content.payload)}


def test_an_alert_is_told_with_a_link_to_answer_it() -> None:
    text, said = composed(delivery(), LINKS)

    assert said["type"] == "fraud.detected"
    assert "https://alerts.bank.example/ack?t=" in text
    assert str(data(said)["acknowledge_url"]).startswith("https://alerts.bank.example/ack?t=")
    assert said["severity"] == "high"
    assert "/ack" not in composed(delivery())[0], "not offered, not said"


def test_a_digest_is_told_as_one() -> None:
    tally = merged(of_one(alert(fraud_probability=0.51)), of_one(alert()))
    grave = replace(tally, severities={"low": 8, "high": 1, "medium": 3})
    text, said = composed(replace(delivery(), tally=grave, transaction_id=None), LINKS)

    assert said["type"] == "fraud.digest"
    assert "https://alerts.bank.example/ack?t=" in text
    assert str(data(said)["acknowledge_url"]).startswith("https://alerts.bank.example/ack?t=")
    assert said["severity"] == data(said)["severity"] == "high", "the gravest of those that it counts"
    assert data(said)["severities"] == {"low": 8, "high": 1, "medium": 3}


def test_a_customer_has_no_link_to_answer_with() -> None:
    holder = replace(delivery(), template="of the bank's own", is_holder=True)
    composer = Composer(Renderer(), Rulebook(Rules()), links_of(LINKS))
    said = composer(Attempt(5, holder, Recipient("anna@mail.example"))).content

    assert "/ack" not in f"{said.text}{said.html}{said.short}{said.payload!r}"


def test_operators_are_told_which_channel_stands_still_and_why() -> None:
    fields = {"channel": "sms", "reason": "auth_error", "detail": "Twilio answered 401, code 20003"}
    text, said = composed(replace(delivery(), template=OPERATOR, fields=fields, group=None))

    assert "channel sms stands still (auth_error)" in text
    assert "code 20003" in text
    assert said["type"] == "channel.stopped"
    del said["severity"], said["schema_version"]
    jsonschema.validate(said, json.loads(documents()["alert-channel-stopped.schema.json"]))
