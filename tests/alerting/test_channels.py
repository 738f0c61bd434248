"""Opening channels: each where its section is, and everything that is wrong at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from alerting.channels import open_channels
from alerting.errors import ChannelRefused, NoChannel
from alerting.settings import AlertSettings
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
}


@pytest.fixture(autouse=True)
def _credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "loopback")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")


def settings(**sections: dict[str, Any]) -> AlertSettings:
    return AlertSettings.model_validate(sections)


@pytest.mark.parametrize("names", [["webhook"], ["sms", "sns"], ["sms", "email", "sns", "webhook"]])
def test_a_channel_opens_for_each_section(names: list[str]) -> None:
    channels = open_channels(settings(**{name: SECTIONS[name] for name in names}))

    assert [channel.name for channel in channels] == names
    assert all(channel.recipients for channel in channels)
    for channel in channels:
        channel.close()


def test_no_section_is_said_with_the_remedy() -> None:
    with pytest.raises(
        NoChannel, match=r"no alert channel is configured: set at least one .*FRAUD_ALERTS__WEBHOOK__URL"
    ):
        open_channels(settings())


def test_everything_that_keeps_channels_from_opening_is_said_together(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.pem")
    sections = {name: {**SECTIONS[name], "ca_file": absent} for name in ("email", "webhook")}

    with pytest.raises(ChannelRefused) as refusal:
        open_channels(settings(**sections, sms=SECTIONS["sms"]))

    assert "alerts.email.ca_file" in str(refusal.value)
    assert "alerts.webhook.ca_file" in str(refusal.value)


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
    (webhook,) = open_channels(settings(webhook=SECTIONS["webhook"]))
    assert webhook.name == "webhook"
    webhook.close()


class _Missing:
    """An environment without one package."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
