"""Opening channels: each where its section is, and everything that is wrong at once."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alerting.channels import WhenUnsure
from alerting.channels.registry import channel_names, configured_recipients, open_channels
from alerting.errors import AlertingRefused, ChannelRefused, NoChannel
from alerting.settings import AlertSettings
from tests.alerting.channels.contract import TeamsChannel
from tests.alerting.webhooks import SECRET

SECTIONS: dict[str, dict[str, Any]] = {
    "sms": {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "token-of-the-tests",
        "sender": "Bank",
        "to": "+15550100001",
    },
    "email": {"host": "127.0.0.1", "sender": "fraud@bank.example", "to": "analyst@bank.example"},
    "sns": {"topic_arn": "arn:aws:sns:eu-central-1:123456789012:fraud-alerts"},
    "webhook": {"url": "http://127.0.0.1:1/", "secret": SECRET},
    "slack": {"urls": {"desk": "https://hooks.slack.example/services/T/B/x"}},
    "pagerduty": {"routing_keys": {"desk": "key-of-the-tests"}},
}


@pytest.fixture(autouse=True)
def _credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")


def settings(**sections: dict[str, Any]) -> AlertSettings:
    return AlertSettings.model_validate(sections)


@pytest.mark.parametrize("names", [["webhook"], ["sms", "sns"], ["sms", "email", "sns", "webhook"], ["slack"]])
def test_a_channel_opens_for_each_section(names: list[str]) -> None:
    channels = open_channels(settings(**{name: SECTIONS[name] for name in names}))

    assert list(channels) == [channel.name for channel in channels.values()] == names
    assert set(configured_recipients(settings(**{name: SECTIONS[name] for name in names}))) == set(names)
    for channel in channels.values():
        channel.close()


def test_no_section_is_said_with_the_remedy() -> None:
    with pytest.raises(
        NoChannel, match=r"no alert channel is configured: set at least one .*FRAUD_ALERTS__WEBHOOK__URL"
    ):
        open_channels(settings())


def test_everything_that_keeps_channels_from_opening_is_said_together(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.pem")
    sections = {name: {**SECTIONS[name], "ca_file": absent} for name in ("email", "webhook")}

    with pytest.raises(AlertingRefused) as refusal:
        open_channels(settings(**sections, sms=SECTIONS["sms"]))

    assert "alerts.email.ca_file" in str(refusal.value)
    assert "alerts.webhook.ca_file" in str(refusal.value)


def test_where_one_does_not_open_those_that_did_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(TeamsChannel, "close", lambda channel: closed.append(channel.name))

    with pytest.raises(ChannelRefused, match="pigeon"):
        open_channels(
            settings(others={"teams": {"url": "https://teams.example/hook"}, "pigeon": {}}),
            lambda: installed("teams", "tests.alerting.channels.contract:TeamsChannel"),
        )

    assert closed == ["teams"]


@pytest.mark.parametrize(("name", "package"), [("sms", "twilio"), ("sns", "boto3")])
def test_a_missing_package_is_named_and_spares_the_others(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"alerting.channels.{name}", raising=False)
    for module in [module for module in sys.modules if module.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [_Missing(package), *sys.meta_path])

    with pytest.raises(ChannelRefused, match=rf"channel '{name}' needs package '{package}.*fraudstream\[alerts\]"):
        open_channels(settings(**{name: SECTIONS[name]}))
    (webhook,) = open_channels(settings(webhook=SECTIONS["webhook"])).values()
    assert webhook.name == "webhook"
    webhook.close()


def installed(name: str, value: str) -> dict[str, EntryPoint]:
    return {name: EntryPoint(name, value, "fraudstream.channels")}


def test_a_channel_of_another_package_opens_by_its_entry_point() -> None:
    chosen = settings(others={"teams": {"url": "https://teams.example/hook"}})

    teams = open_channels(chosen, lambda: installed("teams", "tests.alerting.channels.contract:TeamsChannel"))["teams"]

    assert teams.name == "teams"
    assert channel_names(chosen) == {"teams"}
    teams.close()


def test_a_channel_that_nobody_brings_or_that_does_not_open_is_named_without_its_settings() -> None:
    others = {"teams": {"token": "secret-8271"}, "pigeon": {"loft": "8271"}}

    with pytest.raises(AlertingRefused) as refusal:
        open_channels(
            settings(others=others), lambda: installed("teams", "tests.alerting.channels.contract:TeamsChannel")
        )

    assert "channel 'teams' cannot be opened (KeyError)" in str(refusal.value)
    assert "no installed package has a channel 'pigeon'" in str(refusal.value)
    assert "8271" not in str(refusal.value)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ("nothing", "channel 'teams' has no name, at_once, when_unsure, one_provider, deliver, find, close"),
        ("Bare", "channel 'teams' has no at_once, when_unsure, one_provider, deliver, find, close"),
        ("Mute", "channel 'teams' has no deliver"),
        ("Misnamed", "channel 'teams' calls itself 'msteams'"),
        ("Idle", "at_once of channel 'teams' is 0"),
        ("Many", "at_once of channel 'teams' is '8'"),
        ("Undecided", "when_unsure of channel 'teams' is 'perhaps'"),
        ("Frozen", "when_unsure of channel 'teams' is 'hold'"),
        ("Vague", "one_provider of channel 'teams' is None"),
        ("Secretive", "channel 'teams' cannot be opened (RuntimeError)"),
        ("leaves", "channel 'teams' cannot be opened (SystemExit)"),
    ],
)
def test_a_channel_of_another_package_that_does_not_fit_is_refused_at_the_start(made: str, problem: str) -> None:
    chosen = settings(others={"teams": {"token": "secret-8271"}})

    with pytest.raises(ChannelRefused) as refusal:
        open_channels(chosen, lambda: installed("teams", f"tests.alerting.channels.misfits:{made}"))

    assert problem in str(refusal.value)
    assert "8271" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_policy_in_words_is_the_policy() -> None:
    chosen = settings(others={"teams": {}})

    teams = open_channels(chosen, lambda: installed("teams", "tests.alerting.channels.misfits:Fitting"))["teams"]

    assert teams.when_unsure is WhenUnsure.SEND_AGAIN


def test_another_package_cannot_take_a_name_of_ours() -> None:
    with pytest.raises(ValidationError, match="built in: sms"):
        settings(others={"sms": {}})


class _Missing:
    """An environment without one package."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
