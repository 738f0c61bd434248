"""The contracts in docs/contracts are those of the code, and what is sent keeps to them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest

from alerting.attempts import Attempt, Ended, Patience, after
from alerting.channels import WhenUnsure
from alerting.dead_letters import lost_letter
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.entries import Delivery, State
from alerting.ledger.writing import entry_in
from alerting.notices import notice
from alerting.payloads import alert_payload
from alerting.policies import Lost
from alerting.schemas import documents
from stream.records import Record
from tests.alerting.verdicts import alert, verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
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
    jsonschema.validate(json.loads(alert_payload(alert(**changed), ["why"])), schema)


def test_a_payload_without_its_type_is_refused() -> None:
    payload = json.loads(alert_payload(alert(), []))
    del payload["type"]

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(payload, json.loads(documents()["alert.schema.json"]))


@pytest.mark.parametrize("changed", [{}, {"account_id": None, "amount": None}])
def test_what_stands_in_the_ledger_keeps_to_its_schema(changed: dict[str, object]) -> None:
    schema = json.loads(documents()["alert-ledger.schema.json"])

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(msgspec.json.decode(msgspec.json.encode(notice_about(**changed))), schema)


def test_an_entry_of_today_is_read_tomorrow() -> None:
    """What a worker of another version left in the ledger; nothing of it may become unreadable within version 1."""
    kept = Path(__file__).parent / "ledger"
    entries = [entry_in(recorded(line)) for line in (kept / "version-1.jsonl").read_bytes().splitlines()]

    assert [type(entry).__name__ for entry in entries] == ["Delivery", "Delivery", "Group", "Confirmation"]


def test_a_notice_s_dead_letter_is_its_last_entry_with_what_it_was_to_tell() -> None:
    dead = after(
        Ended(
            Attempt(7, notice_about(), Recipient("desk@bank.example")),
            NOW,
            0.1,
            failure=Refused(FailureReason.INVALID_RECIPIENT, "the mail server answered the address with 550"),
        ),
        when_unsure=WhenUnsure.SEND_AGAIN,
        patience=Patience(),
        random=lambda: 0.5,
    )

    letter = lost_letter(Lost(7, dead, verdict(), None), topic="alerts.dlq")

    kept = msgspec.json.decode(letter.value or b"", type=Delivery)
    assert (letter.topic, letter.key) == ("alerts.dlq", dead.id.encode())
    assert (kept.state, kept.verdict) == (State.DEAD, verdict())
    added = {name: value.decode() for name, value in letter.headers if value is not None}
    assert added == {
        "dead-letter-source-partition": "7",
        "dead-letter-reason": "invalid_recipient",
        "dead-letter-message": "the mail server answered the address with 550",
        "dead-letter-channel": "email",
        "dead-letter-receiver": "desk",
        "dead-letter-recipient": Recipient("desk@bank.example").fingerprint("email"),
        "dead-letter-attempts": "0",
    }
    jsonschema.validate(added, json.loads(documents()["alert-dead-letter-headers.schema.json"]))


def notice_about(**changed: object) -> Delivery:
    destination = Destination("desk", "email", Recipient("desk@bank.example"), "analyst", Grouping(), "route")
    of = verdict(**changed)
    return notice("about", of, destination, group="group", now=NOW, expires_at=NOW + timedelta(hours=1))


def recorded(value: bytes) -> Record:
    return Record("alerts.ledger", 0, 0, b"key", value, (), 0)
