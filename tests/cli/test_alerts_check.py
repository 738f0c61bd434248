"""`fraud alerts check-config` as a user runs it: it finds what `fraud alert` would refuse at its start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.errors import Mendable
from tests.alerting.webhooks import SECRET
from tests.harness.commands import invoked, refusal_of, run

RULES = "version: 1\nreceivers: [{name: a, email: [a@bank.example]}]\nroute: {receiver: a}\n"
MAIL = {"host": "localhost", "sender": "a@bank.example", "to": ["a@bank.example"]}


@pytest.fixture(autouse=True)
def _in_a_directory_without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_ALERTS__EMAIL", json.dumps(MAIL))


def written(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def checked(*arguments: str | Path) -> list[str]:
    """What is wrong, line by line; nothing else was printed."""
    result = invoked("alerts", "check-config", *arguments)
    assert (result.exit_code, result.stderr) == (2, ""), result.exception
    return result.stdout.splitlines()


def refused() -> tuple[str, ...]:
    """What `fraud alert` says is wrong."""
    refusal = invoked("alert").exception
    assert isinstance(refusal, Mendable), refusal
    return refusal.problems


@pytest.mark.usefixtures("mail")
def test_every_problem_of_a_routing_file_is_listed_for_editors_and_for_programs(tmp_path: Path) -> None:
    file = written(
        tmp_path / "rules.yml", RULES.replace("email: [a@", "sms: [1], email: [a ").replace("r: a}", "r: b}")
    )

    assert checked("--routes", file) == [
        f"{file}:2:20: no route names receiver 'a': add one, or take it out",
        f"{file}:2:23: channel 'sms' is not configured in the settings: there are email",
        f"{file}:2:29: this is no phone number: write + and the country's code, such as +15550100, in quotes",
        f"{file}:2:41: this is no mail address: write one such as desk@bank.example",
        f"{file}:3:19: there is no receiver 'b': there are a",
    ]
    listed = json.loads(invoked("alerts", "check-config", "--routes", file, "--json").stdout)
    assert listed["file"] == str(file)
    assert listed["problems"][-1] == {
        "file": str(file),
        "line": 3,
        "column": 19,
        "message": "there is no receiver 'b': there are a",
    }


@pytest.mark.usefixtures("mail")
def test_a_check_of_what_is_right_says_so(tmp_path: Path) -> None:
    file = written(tmp_path / "rules.yml", RULES)

    assert run("alerts", "check-config", "--routes", file) == (
        f"{file}: nothing is wrong (receivers: 1, severities: 0)\n"
    )
    assert json.loads(run("alerts", "check-config", "--routes", file, "--json"))["problems"] == []


@pytest.mark.usefixtures("mail")
def test_a_set_up_without_a_routing_file_is_right(tmp_path: Path) -> None:
    written(tmp_path / "alerts.yml", "no: rules\n")  # which no worker reads

    assert run("alerts", "check-config").startswith("settings without a routing file: nothing is wrong")


def test_all_that_the_worker_would_refuse_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "templates" / "en" / "analyst" / "alert" / "sms.txt.j2", "{{ alert.nothing }}")
    settings: dict[str, Any] = {
        "EMAIL": {**MAIL, "ca_file": "absent.pem"},
        "SMS": {"account_sid": "AC1", "auth_token": "x", "sender": "+15550100", "provider_codes": "absent.toml"},
        "OTHERS": {"pigeon": {}},
        "ACCOUNTS": str(written(tmp_path / "accounts.csv", "account_id,phone\na-1,12\na-2,13\n")),
        "ROUTES": str(written(tmp_path / "rules.yml", RULES.replace("r: a}", "r: b}"))),
        "TEMPLATES": str(tmp_path / "templates"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"FRAUD_ALERTS__{name}", value if isinstance(value, str) else json.dumps(value))

    found = checked()

    assert found == list(refused())
    said = "\n".join(found)
    for part in (
        "absent.pem",
        "absent.toml",
        "no installed package has a channel 'pigeon'",
        "accounts.csv': line 2: phone",
        "accounts.csv': line 3: phone",
        "rules.yml:2:20: no route names receiver 'a'",
        "rules.yml:3:19: there is no receiver 'b'",
        "en/analyst/alert/sms.txt.j2",
    ):
        assert part in said, part
    assert all(len(line) < 400 for line in found)


def test_what_is_wrong_with_the_settings_and_with_the_file_is_said_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "alerts.yml", "receivers:\n- name: desk\n  sms: ['0151 23']\nroute: {receiver: dusk}\n")
    accounts = written(tmp_path / "accounts.csv", "account_id,phone\na-1,12\n")
    monkeypatch.setenv("FRAUD_ALERTS__ROUTES", str(file))
    monkeypatch.setenv("FRAUD_ALERTS__ACCOUNTS", str(accounts))
    monkeypatch.setenv("FRAUD_ALERTS__SMS__ACCOUNT_SID", "AC1")

    said = refusal_of("alert")

    assert "alerts.sms.auth_token is missing" in said
    assert "3:9: this is no phone number" in said
    assert "4:19: there is no receiver 'dusk'" in said
    assert "line 2: phone: no phone number with + and the country's code" in said
    assert checked() == list(refused())


def test_wrong_settings_hide_no_other_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(
        tmp_path / "rules.yml",
        "version: 1\nreceivers:\n- name: a\n  webhook: [{to: 'https://x.example/', secret: nope}]\n"
        "  sms: ['+15550100']\n  pager: [x]\nroute: {receiver: a}\n",
    )
    monkeypatch.setenv("FRAUD_ALERTS__ROUTES", str(file))
    monkeypatch.setenv("FRAUD_ALERTS__SMS__ACCOUNT_SID", "AC1")
    monkeypatch.setenv("FRAUD_ALERTS__WEBHOOK__SECRETS__CASES", SECRET)
    monkeypatch.setenv("FRAUD_ALERTS__WEBHOOK__CA_FILE", "absent.pem")

    found = checked()

    assert found == list(refused())
    said = "\n".join(found)
    assert "alerts.sms.auth_token is missing" in said
    assert "4:18: the settings have no secret of the name that stands here: there are cases" in said
    assert "6:3: channel 'pager' is not configured in the settings: there are sms, webhook" in said
    assert "channel 'sms'" not in said  # it is there, though wrong
    assert "absent.pem" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK", '{"secrets": '),
        ("WEBHOOK__SECRETS", "cases"),
        ("WEBHOOK__SECRETS__CASES_FILE", "absent"),
        ("SLACK", "{"),
        ("OTHERS", "{"),
    ],
)
def test_of_what_cannot_be_taken_apart_nothing_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    others = {"WEBHOOK": "slack: [x]", "SLACK": "slack: [x]", "OTHERS": "pager: [x]"}[name.partition("__")[0]]
    secret = "webhook: [{to: 'https://x.example/', secret: cases}]"
    text = f"version: 1\nreceivers:\n- name: a\n  {others}\n  {secret}\nroute: {{receiver: a}}\n"
    monkeypatch.setenv("FRAUD_ALERTS__ROUTES", str(written(tmp_path / "rules.yml", text)))
    for section, setting in (("SLACK__URLS__X", "https://slack.example/x"), ("WEBHOOK__SECRETS__CASES", SECRET)):
        if section.partition("__")[0] != name.partition("__")[0]:
            monkeypatch.setenv(f"FRAUD_ALERTS__{section}", setting)
    monkeypatch.setenv(f"FRAUD_ALERTS__{name}", value)

    assert not any("rules.yml" in line for line in checked())


@pytest.mark.usefixtures("mail")
def test_settings_that_are_wrong_only_together_hide_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUD_ALERTS__ROUTES", str(written(tmp_path / "rules.yml", RULES.replace("r: a}", "r: b}"))))
    monkeypatch.setenv("FRAUD_ALERTS__LIFE_S", '{"smss": 60}')

    said = "\n".join(checked())
    assert "life_s names channels that there are not: smss" in said
    assert "rules.yml:3:19: there is no receiver 'b'" in said


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("PROPERTIES", '{"no.such": "x"}', "the Kafka client refuses a property: No such configuration property"),
        ("CA_FILE", "absent.pem", "the Kafka client refuses kafka.ca_file 'absent.pem'"),
    ],
)
def test_what_the_client_of_kafka_refuses_is_found_without_a_broker(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(f"FRAUD_KAFKA__{name}", value)
    monkeypatch.setenv("FRAUD_KAFKA__SECURITY_PROTOCOL", "SSL")

    (line,) = checked()
    assert line.startswith(problem)
    assert refused() == (line,)
