"""`fraud alerts check-config` and `fraud alerts route` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from alerting.preparing import NobodyToTell
from alerting.routing.loading import RulesInvalid, RulesUnreadable
from cli.alerts_routing import route
from stream.contracts import Holder, Ruling
from tests.alerting.routing_files import EXAMPLE
from tests.alerting.verdicts import ACCOUNT, verdict

PHONE, MAIL = "+4915112345678", "holder@mail.example"

app = typer.Typer()
app.command("route")(route)


@app.callback()
def alerts() -> None:
    """A command with subcommands, though it has but one."""


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    """Arguments that name a verdict, routes and accounts."""
    ruled, accounts = tmp_path / "verdict.json", tmp_path / "accounts.csv"
    ruled.write_bytes(msgspec.json.encode(verdict()))
    accounts.write_text(f"account_id,country,locale,phone,email\n{ACCOUNT},DE,de,{PHONE},{MAIL}\n")
    return ["--verdict", ruled, "--routes", EXAMPLE, "--accounts", accounts]


@pytest.fixture(autouse=True)
def _in_a_directory_without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def told(*arguments: object, stdin: bytes | None = None) -> Any:
    result = run("route", "--json", *arguments, stdin=stdin)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_who_is_told_is_shown_with_the_reason(files: list[object]) -> None:
    shown = told(*files)

    assert (shown["fraud"], shown["severity"]) == (True, "critical")
    assert shown["severity_why"] == "fraud_probability is 0.973 (>=0.95), amount is 1234.5 (>=1000)"
    assert shown["routes"][2]["why"] == "severity is critical"
    assert shown["routes"][3]["why"] == "account.country is DE (one of DE, AT), amount is 1234.5 (500..5000)"
    assert [(one["receiver"], one["channel"], one["recipient"]) for one in shown["told"]] == [
        ("lake", "sns", "arn:aws:sns:eu-central-1:****:fraud.fifo"),
        ("on-call", "sms", "****78"),
        ("on-call", "email", "****@bank.example"),
        ("holder", "email", "****@mail.example"),
        ("fraud-desk", "email", "****@bank.example"),
        ("fraud-desk", "email", "****@bank.example"),
        ("fraud-desk", "webhook", "https://cases.bank.example/****"),
    ]
    # The holder's number is that of on-call, who was told before.
    assert [(one["receiver"], one["channel"]) for one in shown["repeated"]] == [("holder", "sms")]
    assert shown["routes"][1] == {
        "route": "route/routes/0",
        "line": 48,
        "receiver": "lake",
        "outcome": "tells",
        "why": "it takes every alert",
    }


def test_addresses_are_shown_only_when_asked_for(files: list[object]) -> None:
    for arguments in (["--json"], []):
        masked = run("route", *files, *arguments).stdout
        assert not any(private in masked for private in (PHONE, MAIL, "desk@bank.example", ACCOUNT, "/hook"))
    assert PHONE in run("route", *files, "--show-addresses").stdout
    assert told(*files, "--show-addresses")["told"][3]["recipient"] == MAIL


def test_tables_are_for_people(files: list[object]) -> None:
    shown = run("route", *files).stdout

    assert "severity: critical (fraud_probability is 0.973 (>=0.95), amount is 1234.5 (>=1000))\n" in shown
    assert "account_id in 900 s" in shown
    assert {"told", "told already", "routes"} <= {line.strip() for line in shown.splitlines()}
    assert "cannot be told" not in shown


def test_a_holder_without_an_address_is_shown(files: list[object]) -> None:
    without = files[:4]
    ruled = msgspec.json.encode(verdict(amount=700.0))
    (accounts := Path(str(files[5]))).write_text(f"account_id,country\n{ACCOUNT},DE\n")

    assert told("--verdict", "-", "--routes", EXAMPLE, "--accounts", accounts, stdin=ruled)["untold"] == [
        {"receiver": "holder", "channel": "sms", "route": "route/routes/2", "reason": "no_address"},
        {"receiver": "holder", "channel": "email", "route": "route/routes/2", "reason": "no_address"},
    ]
    differs = next(one for one in told(*without)["routes"] if one["route"] == "route/routes/2")
    assert (differs["outcome"], differs["why"]) == ("differs", "account.country is nothing, not one of DE, AT")


def test_the_transaction_may_say_how_its_holder_is_told(files: list[object]) -> None:
    ruled = msgspec.json.encode(verdict(amount=700.0, holder=Holder("+491707654321", "own@mail.example", "de")))
    (accounts := Path(str(files[5]))).write_text(f"account_id,country,email\n{ACCOUNT},DE,{MAIL}\n")

    options = ("--verdict", "-", "--routes", EXAMPLE, "--accounts", accounts)
    shown = told(*options, "--show-addresses", stdin=ruled)

    assert [(one["channel"], one["recipient"]) for one in shown["told"] if one["receiver"] == "holder"] == [
        ("sms", "+491707654321"),
        ("email", MAIL),  # a transaction that is suspected is no witness against the bank's own file
    ]
    assert "491707654321" not in run("route", *options, stdin=ruled).stdout


def test_nobody_is_told_of_what_is_legitimate() -> None:
    ruled = msgspec.json.encode(verdict(verdict=Ruling.LEGITIMATE))

    assert told("--verdict", "-", "--routes", EXAMPLE, stdin=ruled)["told"] == []
    assert "nobody is told" in run("route", "--verdict", "-", "--routes", EXAMPLE, stdin=ruled).stdout


def test_a_file_that_is_wrong_routes_nothing(tmp_path: Path) -> None:
    (file := tmp_path / "alerts.yml").write_text("version: 1\nreceivers: []\nroute: {receiver: a}\n")

    refused = run("route", "--routes", file).exception
    assert isinstance(refused, RulesInvalid)
    assert "3:19: there is no receiver 'a': there are none" in str(refused)
    assert isinstance(run("route", "--routes", tmp_path / "nix").exception, RulesUnreadable)


def test_all_files_that_are_wrong_are_told_of_together(tmp_path: Path) -> None:
    (file := tmp_path / "rules.yml").write_text("version: 1\nreceivers: []\nroute: {receiver: a}\n")
    (accounts := tmp_path / "accounts.csv").write_text("account_id,phone\na-1,12\n")

    said = str(run("route", "--routes", file, "--accounts", accounts, "--verdict", tmp_path / "nix").exception)

    for part in ("nix' cannot be read", "there is no receiver 'a'", "line 2: phone"):
        assert part in said


def test_the_settings_name_the_files(files: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_ALERTS__ROUTES", str(EXAMPLE))
    monkeypatch.setenv("FRAUD_ALERTS__ACCOUNTS", str(files[5]))
    monkeypatch.setenv("FRAUD_ALERTS__SMS__ACCOUNT_SID", "AC1")  # whose secret stands on another machine
    result = run("route", *files[:2], "--json")

    assert json.loads(result.stdout) == told(*files)
    assert "note: settings: alerts.sms.auth_token is missing" in result.stderr


def test_without_a_routing_file_the_settings_recipients_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run("route").exception, NobodyToTell)

    monkeypatch.setenv("FRAUD_ALERTS__EMAIL", json.dumps({"host": "h", "sender": MAIL, "to": [MAIL]}))
    assert [one["recipient"] for one in told()["told"]] == ["****@mail.example"]
