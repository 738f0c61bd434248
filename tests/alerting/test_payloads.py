"""What machines are told: exact, masked, and as the contract has it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from alerting.contracts import SCHEMA_VERSION, FraudDetected, FraudDigest
from alerting.payloads import alert_payload, digest_payload
from stream.schemas import value_schema
from tests.alerting.told_of import HOSTILE, alert, digest, line
from tests.alerting.verdicts import MASKED


def test_machines_get_the_same_facts_as_json() -> None:
    fraud = alert()

    assert json.loads(alert_payload(fraud, ["at night: raised the probability by 12 points"])) == {
        "type": "fraud.detected",
        "timestamp": "2026-01-31T12:00:06Z",
        "data": {
            "alert_id": fraud.id,
            "transaction_id": "tx-0001",
            "account": MASKED,
            "event_time": "2026-01-31T12:00:05Z",
            "amount": 1234.5,
            "currency": "EUR",
            "fraud_probability": 0.973,
            "threshold": 0.5,
            "model": {"name": "simulated", "version": "1"},
            "source": {"topic": "transactions", "partition": 0, "offset": 0},
            "severity": "high",
            "reasons": ["at night: raised the probability by 12 points"],
            "acknowledge_url": None,
            "test": False,
        },
    }


def test_a_digest_counts_and_sums_exactly() -> None:
    counted: dict[str, Any] = {
        "sums": {"EUR": "14000.1000000000000001", "": "7"},
        "without_amount": 2,
        "severities": {"high": 12},
    }
    together = replace(digest(**counted), severity="high")

    assert json.loads(digest_payload(together, acknowledge_url="https://bank.example/ack?t=x")) == {
        "type": "fraud.digest",
        "timestamp": "2026-01-31T12:05:00Z",
        "data": {
            "digest_id": together.id,
            "group": {"account_id": MASKED},
            "count": 12,
            "sums": {"": "7", "EUR": "14000.1000000000000001"},
            "currencies": 2,
            "without_amount": 2,
            "first": "2026-01-31T12:00:05Z",
            "last": "2026-01-31T12:04:59Z",
            "strongest": [
                {
                    "alert_id": "0f0e9a36-6dd5-5c2c-8f4f-3a1f2f7d1a11",
                    "transaction_id": transaction,
                    "account": MASKED,
                    "event_time": "2026-01-31T12:00:05Z",
                    "amount": 900.0,
                    "currency": "EUR",
                    "fraud_probability": probability,
                    "severity": "high",
                }
                for transaction, probability in (("tx-0001", 0.991), ("tx-0002", 0.98))
            ],
            "truncated": 10,
            "severity": "high",
            "severities": {"high": 12},
            "acknowledge_url": "https://bank.example/ack?t=x",
        },
    }


@pytest.mark.parametrize(
    "changed", [{}, {"account_id": None, "amount": None, "currency": None}, {"transaction_id": "a\r\n\x00"}]
)
def test_an_alert_keeps_to_its_schema(changed: dict[str, Any]) -> None:
    schema = value_schema(FraudDetected, SCHEMA_VERSION)

    jsonschema.validate(json.loads(alert_payload(alert(**changed), [])), schema)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"count": 0, "sums": {}, "first": None, "last": None, "strongest": ()},
        {"strongest": (line(account=None, amount=None, currency=None),)},
    ],
)
def test_a_digest_keeps_to_its_schema(changed: dict[str, Any]) -> None:
    schema = value_schema(FraudDigest, SCHEMA_VERSION)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(digest_payload(digest(**changed))), schema)


@pytest.mark.parametrize("hostile", [*HOSTILE, "\x00" * 512])
def test_every_receiver_can_take_a_digest(hostile: str) -> None:
    lines = (line(transaction_id=hostile, account=hostile, currency=hostile),) * 9
    sums = {f"{hostile}{number}": "1" * 300 if number % 2 else "1" for number in range(100)}
    payload = digest_payload(digest(sums=sums, strongest=lines, fields={"account.segment": hostile}))

    assert len(payload) < 20_000
    assert len(json.loads(payload)["data"]["strongest"]) == 5


def test_a_sum_is_left_out_rather_than_rounded() -> None:
    data = json.loads(digest_payload(digest(sums={"EUR": "1" * 65, "USD": "2"})))["data"]

    assert data["sums"] == {"USD": "2"}
    assert data["currencies"] == 2
