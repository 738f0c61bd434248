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


def both(text: str) -> tuple[list[object], list[str]]:
    """What the reader and the schema find."""
    return list(read_rules(text).problems), errors(yaml.safe_load(text))


def whole(*, receiver: str = "{name: a, email: [a@b.example]}", match: str = "", more: str = "") -> str:
    route = f"{{receiver: a, routes: [{{{match}}}]}}" if match else "{receiver: a}"
    return f"version: 1\nreceivers: [{receiver}]\nroute: {route}\n{more}\n"


@pytest.mark.parametrize(
    "text",
    [
        whole().replace("version: 1", 'version: "1"'),
        whole().replace("version: 1", "version: 1.0"),
        whole(receiver="{name: 12, email: [a@b.example]}"),
        whole(receiver="{name: no, email: [a@b.example]}"),
        whole(receiver="{name: a, locale: no, email: [a@b.example]}"),
        whole(receiver="{name: a, email: [root@localhost, a.b@c.local]}"),
        whole(receiver="{name: a, pager: [12, {to: 13, tone: 5}]}"),
        whole(receiver="{name: a, webhook: [{to: 'HTTPS://x.example/a@b?c=@', secret: s}]}"),
        whole(receiver="{name: a, account_holder: [sms]}"),
        whole(match="continue: 'true'"),
        whole(match="continue: True"),
        whole(match="continue: yes"),
        whole(match="match: {amount: '1 .. 5'}"),
        whole(match="match: {amount: '!= 1..5'}"),
        whole(match="match: {account.country: NO}"),
        whole(match="match: {account.country: '!=NO'}"),
        whole(match="match: {currency: ' !=EUR'}"),
        whole(match="match: {}, group_interval: 366d"),
        whole(more="limits: {sms: [5/1s, 007/5m]}").replace("007", "7"),
        whole(more="operators: 12"),
    ],
)
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    assert both(text) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        whole(more="operators: null"),
        whole(more="limits: {sms: [5/0s]}"),
        whole(more="limits: {sms: [5/400d]}"),
        whole(more="limits: {storm: 5/00m}"),
        whole(receiver="{name: a}"),
        whole(receiver="{name: a, locale: de}"),
        whole(receiver="{name: '', email: [a@b.example]}"),
        whole(receiver="{name: a, email: [a..b@c.example]}"),
        whole(receiver="{name: a, sms: [+4915112345678]}"),
        whole(receiver="{name: a, webhook: [{to: 'https://x.example/#f', secret: s}]}"),
        whole(receiver="{name: a, webhook: [{to: 'https://u@x.example/', secret: s}]}"),
        whole(match="continue: 'yes'"),
        whole(match="group_interval: 400d"),
        whole(match="group_interval: 9000h"),
        whole(match="match: {currency: ''}"),
        whole(match="match: {currency: ' '}"),
        whole(match="match: {currency: '>EUR'}"),
        whole(match="match: {currency: '==EUR'}"),
        whole(match="match: {currency: '!EUR'}"),
        whole(match="match: {currency: '!=null'}"),
        whole(match="match: {account.country: de}"),
        whole(match="match: {amount: '>1..5'}"),
        whole(match="match: {amount: '1.2.3'}"),
        whole(match="match: {transaction_id: null}"),
        whole(match="match: {fraud_probability: null}"),
        whole(match="match: {event_time: 5}"),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(text: str) -> None:
    assert all(both(text))


def test_every_field_is_offered() -> None:
    definitions = rules_schema()["$defs"]

    assert set(definitions["route"]["properties"]["match"]["properties"]) == set(FIELDS)
    assert set(definitions["severity"]["properties"]["when"]["properties"]) == set(FIELDS) - {"severity"}
