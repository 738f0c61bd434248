"""The routing file's JSON Schema: what the reader takes is valid, and slips that an editor should mark are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import yaml

from alerting.alert import FIELDS
from alerting.routing.file import read_rules
from alerting.routing.schema import rules_schema
from tests.alerting.routing_files import EXAMPLE, with_routes

VALIDATOR = jsonschema.Draft202012Validator(rules_schema())


def errors(document: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(document)]


def example() -> Any:
    return yaml.safe_load(EXAMPLE.read_text())


def test_the_schema_is_valid_and_so_is_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(rules_schema())

    assert errors(example()) == []


def test_every_form_of_condition_is_valid_in_both() -> None:
    forms: dict[str, list[str]] = {
        "amount": ["5", '">=5"', '"> 5"', '"!=5"', '"100..500"', "null", '[1, ">=5.5e3", null]'],
        "event_time": ['"2026-01-31"', '">=2026-01-31T23:00:00Z"', '"2026-01-01..2026-01-31"'],
        "account.country": ["DE", '"!=DE"', "[DE, AT, null]"],
        "account_id": ["12", "DE12"],
        "model.version": ["1.1", "true"],
    }
    for name, some in forms.items():
        for form in some:
            text = with_routes(f"receiver: a\nroutes:\n- {{receiver: b, match: {{{name}: {form}}}}}")
            assert read_rules(text).problems == (), form
            assert errors(yaml.safe_load(text)) == [], form


def test_a_bank_s_own_channel_is_valid() -> None:
    document = example()
    document["receivers"][0]["pager"] = ["x7", {"to": "y", "tone": "loud"}]

    assert errors(document) == []


@pytest.mark.parametrize(
    "slip",
    [
        lambda file: file.update(version=2),
        lambda file: file.update(reciever=[]),
        lambda file: file.pop("route"),
        lambda file: file["receivers"][0].pop("name"),
        lambda file: file["receivers"][0].update(templte="holder"),
        lambda file: file["receivers"][0].update(email=["nobody"]),
        lambda file: file["receivers"][0].update(webhook=["https://cases.bank.example"]),
        lambda file: file["receivers"][0]["webhook"][0].update(secret="whsec_bm8="),
        lambda file: file["receivers"][1].update(sms=[4915112345678]),
        lambda file: file["receivers"][3].update(account_holder=["webhook"]),
        lambda file: file["route"].update(match={}),
        lambda file: file["route"].update(group_by=["acount_id"]),
        lambda file: file["route"].update(group_interval="5 minutes"),
        lambda file: file["route"]["routes"][1]["match"].update(amuont=1),
        lambda file: file["route"]["routes"][1]["match"].update(amount="much"),
        lambda file: file["route"]["routes"][1]["match"].update(amount=[]),
        lambda file: file["route"]["routes"][0].update({"continue": "yes"}),
        lambda file: file["severities"][0]["when"].update(severity="high"),
        lambda file: file["limits"].update(sms=["0/1m"]),
        lambda file: file["limits"].update(storm=["300/1m"]),
    ],
)
def test_a_slip_is_marked(slip: Callable[[Any], object]) -> None:
    document = example()
    slip(document)

    assert errors(document)
    assert read_rules(yaml.safe_dump(document)).problems


def test_every_field_is_offered() -> None:
    definitions = rules_schema()["$defs"]

    assert set(definitions["route"]["properties"]["match"]["properties"]) == set(FIELDS)
    assert set(definitions["severity"]["properties"]["when"]["properties"]) == set(FIELDS) - {"severity"}
