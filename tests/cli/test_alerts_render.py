"""`fraud alerts render` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from cli.alerts_render import RenderUnclear, render
from cli.verdict_files import VerdictUnreadable
from stream.contracts import Ruling
from tests.alerting.verdicts import ACCOUNT, MASKED, verdict
from tests.alerting.webhooks import SECRET

app = typer.Typer()
app.command()(render)


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "verdict.json"
    path.write_bytes(msgspec.json.encode(verdict()))
    return path


def test_each_channel_is_shown_as_it_would_be_told(file: Path) -> None:
    assert run("--verdict", file, "--channel", "sms", "--severity", "critical").stdout == (
        f"Fraud suspected (critical): EUR 1,234.50, account {MASKED}, 2026-01-31 12:00 UTC, 97.3%, "
        "transaction tx-0001\n"
    )
    mail = run("--verdict", file, "--channel", "email", "--locale", "de", "--template", "holder").stdout
    assert mail.startswith(f"Subject: Bitte prüfen Sie eine Zahlung: 1.234,50 EUR, Konto {MASKED}\n\nUns ist eine")
    assert json.loads(run("--verdict", file, "--channel", "webhook").stdout)["data"]["severity"] == "high"
    assert run("--verdict", file, "--channel", "html").stdout.startswith("<!DOCTYPE html>")


def test_all_of_it_is_shown_where_no_channel_is_asked_for() -> None:
    result = run("--verdict", "-", stdin=msgspec.json.encode(verdict()))

    assert all(heading in result.stdout for heading in ("--- sms\n", "--- email\nSubject: ", "--- webhook\n{"))
    assert ACCOUNT not in result.stdout
    assert result.stderr == ""


def test_json_is_one_object() -> None:
    told = json.loads(run("--json", "--digest").stdout)

    assert sorted(told) == ["html", "payload", "sms", "subject", "text"]
    assert told["payload"]["type"] == "fraud.digest"


def test_a_banks_templates_are_used_and_what_is_wrong_with_them_is_said(tmp_path: Path, file: Path) -> None:
    template = tmp_path / "en" / "analyst" / "alert" / "sms.txt.j2"
    template.parent.mkdir(parents=True)
    template.write_text("{{ alert.amuont }}")
    result = run("--verdict", file, "--templates", tmp_path, "--channel", "sms")

    assert "the nearest that there is: amount" in result.stderr
    assert result.stdout.startswith("Fraud suspected: EUR 1,234.50")
    assert "failed: UndefinedError" in result.stdout
    assert result.exit_code == 2
    template.write_text("Ours: {{ alert.amount }}")
    assert run("--verdict", file, "--templates", tmp_path, "--channel", "sms").stdout == "Ours: EUR 1,234.50\n"


def test_what_is_no_verdict_is_refused_without_its_values(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"transaction_id": "tx-secret-77", "account_id": 4111111111111111}))

    for result, problem in (
        (run("--verdict", file), "holds no verdict: Expected `str | null`, got `int` - at `$.account_id`"),
        (run("--verdict", "-", stdin=b"\xff"), "stdin holds no verdict"),
        (run("--verdict", tmp_path / "nix"), "cannot be read (No such file or directory)"),
    ):
        assert isinstance(result.exception, VerdictUnreadable)
        assert problem in str(result.exception)
        assert "4111" not in str(result.exception)


def test_the_settings_name_templates_and_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "en" / "analyst" / "alert" / "sms.txt.j2"
    template.parent.mkdir(parents=True)
    template.write_text("Ours: {{ alert.amount }}{% if links.acknowledge %} {{ links.acknowledge }}{% endif %}")
    monkeypatch.setenv("FRAUD_ALERTS__TEMPLATES", str(tmp_path))

    assert run("--channel", "sms").stdout == "Ours: EUR 1,234.50\n"
    assert run("--channel", "sms", "--link").stdout == "Ours: EUR 1,234.50 https://alerts.bank.example/ack?t=T\n"
    monkeypatch.setenv("FRAUD_ALERTS__ACKNOWLEDGE__BASE_URL", "https://desk.example")
    monkeypatch.setenv("FRAUD_ALERTS__ACKNOWLEDGE__SECRET", SECRET)
    assert run("--channel", "sms").stdout == "Ours: EUR 1,234.50 https://desk.example/ack?t=T\n"
    assert run("--channel", "sms", "--no-link").stdout == "Ours: EUR 1,234.50\n"


def test_every_channel_shows_what_it_would_send(file: Path) -> None:
    def sent(channel: str) -> Any:
        return json.loads(run("--verdict", file, "--severity", "critical", "--channel", channel).stdout)

    assert sent("sns")["MessageAttributes"]["severity"] == "critical"
    assert json.loads(sent("sns")["Message"])["type"] == "fraud.detected"
    assert sent("slack")["text"].startswith("*Fraud suspected")
    assert sent("pagerduty")["payload"]["severity"] == "critical"
    assert sent("pagerduty")["routing_key"] == "********"
    assert "there is no channel 'fax'" in str(run("--channel", "fax").exception)
    for arguments in (["--json"], [], ["--channel", "pagerduty"]):
        assert ACCOUNT not in run("--verdict", file, *arguments).stdout


def test_of_what_is_legitimate_nothing_is_said() -> None:
    ruled = msgspec.json.encode(verdict(verdict=Ruling.LEGITIMATE))

    refusal = run("--verdict", "-", stdin=ruled).exception
    assert isinstance(refusal, RenderUnclear)
    assert "the verdict is legitimate" in str(refusal)


def test_a_template_that_is_missing_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "en" / "vip" / "alert" / "sms.txt.j2"
    file.parent.mkdir(parents=True)
    file.write_text("x")

    assert run("--templates", tmp_path, "--template", "vip").exit_code == 2
    assert run("--templates", tmp_path / "nix").exit_code == 2


@pytest.mark.parametrize("version", ['"2"', "2", '"1.1"'])
def test_a_verdict_of_a_newer_schema_version_is_said_to_be_one(tmp_path: Path, version: str) -> None:
    file = tmp_path / "verdict.json"
    usual = msgspec.json.encode(verdict()).decode()
    for text in (usual.replace("{", f'{{"schema_version": {version}, ', 1), f'{{"schema_version": {version}}}'):
        file.write_text(text)
        refusal = run("--verdict", file).exception
        assert isinstance(refusal, VerdictUnreadable)
        assert f"a verdict of schema version {version.strip(chr(34))}; version 1 is read here: upgrade" in str(refusal)
    file.write_text(usual.replace("{", '{"schema_version": "1", ', 1))
    assert run("--verdict", file).exit_code == 0


def test_what_is_no_verdict_may_be_a_newer_one(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(msgspec.json.encode(verdict()).decode().replace('"fraud"', '"stolen"'))

    assert "upgrade where its header schema-version is not 1" in str(run("--verdict", file).exception)


def test_what_contradicts_itself_is_refused(file: Path) -> None:
    for result in (run("--digest", "--verdict", file), run("--template", "nix")):
        assert isinstance(result.exception, RenderUnclear)
    assert "there is no template 'nix': give one of analyst, holder" in str(run("--template", "nix").exception)
