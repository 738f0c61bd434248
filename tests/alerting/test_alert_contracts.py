"""The contracts in docs/contracts are those of the code, and what is sent keeps to them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from alerting.courier import Undelivered
from alerting.dead_letters import alert_dead_letter
from alerting.delivery import FailureReason
from alerting.schemas import documents
from tests.alerting.verdicts import alert, record, verdict

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"


@pytest.mark.parametrize("name", sorted(documents()))
def test_the_document_is_the_one_generated(name: str) -> None:
    assert (FOLDER / name).read_text() == documents()[name], "run: python -m alerting.schemas docs/contracts"


@pytest.mark.parametrize(
    "changed", [{}, {"account_id": None, "amount": None, "currency": None}, {"transaction_id": "a\r\n\x00"}]
)
def test_a_payload_keeps_to_its_schema(changed: dict[str, object]) -> None:
    schema = json.loads(documents()["alert.schema.json"])

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(alert(**changed).payload), schema)


def test_a_payload_without_its_type_is_refused() -> None:
    payload = json.loads(alert().payload)
    del payload["type"]

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(payload, json.loads(documents()["alert.schema.json"]))


def test_a_dead_letter_is_the_verdict_untouched_with_the_reason_behind_it() -> None:
    of = record(verdict(), offset=7)
    refused = Undelivered(2, FailureReason.INVALID_RECIPIENT, "the mail server answered the address with 550", 1)

    letter = alert_dead_letter(of, refused, channel="email", topic="alerts.dlq")

    assert (letter.topic, letter.key, letter.value) == ("alerts.dlq", of.key, of.value)
    assert letter.timestamp_ms == of.timestamp_ms
    assert letter.headers[: len(of.headers)] == of.headers
    added = {name: value.decode() for name, value in letter.headers[len(of.headers) :] if value is not None}
    assert added == {
        "dead-letter-source-topic": "verdicts",
        "dead-letter-source-partition": "0",
        "dead-letter-source-offset": "7",
        "dead-letter-reason": "invalid_recipient",
        "dead-letter-message": "the mail server answered the address with 550",
        "dead-letter-channel": "email",
        "dead-letter-recipient": "2",
        "dead-letter-attempts": "1",
    }
    jsonschema.validate(added, json.loads(documents()["alert-dead-letter-headers.schema.json"]))
