"""What keeps alerts from being told is said at the start, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerting.errors import AlertingRefused
from alerting.limits import DEFAULTS, PROVIDER, STORM, Window
from alerting.preparing import NobodyToTell, prepare, windows_of
from alerting.routing.rules import Rules
from alerting.settings import AlertSettings
from stream.errors import Mendable
from tests.alerting.webhooks import SECRET

WEBHOOK: dict[str, Any] = {"secret": SECRET, "secrets": {"cases": SECRET}}
RULES = """version: 1
receivers:
  - name: desk
    webhook: [{to: "https://cases.bank.example/hook", secret: cases}]
route: {receiver: desk}
"""


def settings(**sections: Any) -> AlertSettings:
    return AlertSettings.model_validate(sections)


def test_rules_accounts_and_templates_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULES)
    (tmp_path / "accounts.csv").write_text("account_id,segment\na-1,private\n")

    chosen = settings(webhook=WEBHOOK, routes=tmp_path / "alerts.yml", accounts=tmp_path / "accounts.csv")
    with prepare(chosen) as prepared:
        (destination,) = prepared.rulebook.operators()

    assert list(prepared.channels) == list(prepared.policies) == ["webhook"]
    assert destination.receiver == "desk"
    assert not prepared.policies["webhook"].one_provider


def test_everything_that_is_wrong_is_said_together_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULES.replace("desk}", "desks}").replace("cases}", "nobody-s}"))
    broken = tmp_path / "templates" / "en" / "analyst" / "alert"
    broken.mkdir(parents=True)
    (broken / "sms.txt.j2").write_text("{{ alert.nothing }}")
    (tmp_path / "accounts.csv").write_text("account_id\n\n,,\n")
    chosen = settings(
        webhook={**WEBHOOK, "ca_file": tmp_path / "absent.pem"},
        routes=tmp_path / "alerts.yml",
        accounts=tmp_path / "accounts.csv",
        templates=tmp_path / "templates",
    )

    with pytest.raises(AlertingRefused) as refusal:
        prepare(chosen)

    said = str(refusal.value)
    for part in (
        "en/analyst/alert/sms.txt.j2",
        "alerts.webhook.ca_file",
        "accounts.csv",
        "4:20: the settings have no secret",
        "5:19: there is no receiver 'desks'",
        "3:11: no route names receiver 'desk'",
    ):
        assert part in said
    assert SECRET not in said


def test_a_recipient_that_the_settings_have_no_secret_for_is_named_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(
        "version: 1\nreceivers:\n  - name: desk\n    slack: [desk, https://hooks.slack.example/T/B/secret-8271]\n"
        "route: {receiver: desk}\n"
    )
    slack = {"urls": {"desk": "https://hooks.slack.example/T/B/x"}}

    with pytest.raises(Mendable) as refusal:
        prepare(settings(slack=slack, routes=tmp_path / "alerts.yml"))

    assert "4:19: the settings of 'slack' have no recipient of this name" in str(refusal.value)
    assert "8271" not in str(refusal.value)


def test_channels_without_anybody_to_tell_are_refused() -> None:
    with pytest.raises(NobodyToTell, match=r"alerts\.routes"):
        prepare(settings(webhook=WEBHOOK))


def test_without_a_file_the_settings_recipients_are_told_of_everything() -> None:
    with prepare(settings(webhook={**WEBHOOK, "url": "https://bank.example/hook"})) as prepared:
        assert [one.receiver for one in prepared.rulebook.operators()] == ["default"]


def test_a_bank_s_limits_stand_for_the_defaults() -> None:
    mine = {"sms": (Window(2, 60),), f"{PROVIDER}sms": ()}
    windows = windows_of(Rules(limits=mine, storm=(Window(5, 1),)))

    assert windows == {**DEFAULTS, **mine, STORM: (Window(5, 1),)}


def test_no_channel_is_said(tmp_path: Path) -> None:
    with pytest.raises(Mendable, match="no alert channel is configured"):
        prepare(settings(accounts=tmp_path / "absent.csv"))
