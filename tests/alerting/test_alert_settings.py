"""What the section `alerts` takes, and that it says everything that is wrong with it at once."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.channels.email_settings import EmailSettings
from alerting.channels.sms_settings import SmsSettings
from alerting.channels.sns_settings import SnsSettings
from alerting.channels.webhook_settings import WebhookSettings, signing_keys
from alerting.settings import AlertSettings
from tests.alerting.webhooks import OTHER_SECRET, SECRET
from tests.harness.fraud import attempt

SMS = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "sender": "+15550100000", "to": "+15550100001"}
EMAIL = {"host": "mail.example", "sender": "fraud@bank.example", "to": "analyst@bank.example"}
SNS = {"topic_arn": "arn:aws:sns:eu-central-1:123456789012:fraud-alerts"}
WEBHOOK = {"url": "https://bank.example/hook", "secret": SECRET}


def places(refusal: ValidationError) -> set[str]:
    return {".".join(map(str, error["loc"])) for error in refusal.errors()}


def test_nothing_is_configured_by_default() -> None:
    settings = AlertSettings()

    assert (settings.sms, settings.email, settings.sns, settings.webhook) == (None, None, None, None)
    assert (settings.group_id, settings.transactional_id) == ("fraud-alerts", "fraud-alerts-0")
    assert (settings.life("sms"), settings.life("webhook")) == (900, 86_400)


def test_a_section_without_its_secrets_names_every_one() -> None:
    with pytest.raises(ValidationError) as refusal:
        AlertSettings.model_validate(
            {
                "sms": {"to": []},
                "email": {},
                "sns": {"topic_arn": ""},
                "webhook": {"secret": "x", "extra": 1},
                "slack": {},
                "acknowledge": {},
            }
        )

    assert places(refusal.value) == {
        "sms.account_sid",
        "sms.auth_token",
        "sms.sender",
        "email.host",
        "email.sender",
        "sns.topic_arn",
        "webhook.secret",
        "webhook.extra",
        "slack.urls",
        "acknowledge.base_url",
        "acknowledge.secret",
    }


@pytest.mark.parametrize(
    ("given", "recipients"),
    [
        ("+15550100001", ("+15550100001",)),
        (" +15550100001 , +15550100002,", ("+15550100001", "+15550100002")),
        (["+15550100001", "+15550100002"], ("+15550100001", "+15550100002")),
    ],
)
def test_recipients_are_one_or_several(given: Any, recipients: tuple[str, ...]) -> None:
    assert SmsSettings.model_validate({**SMS, "to": given}).to == recipients


@pytest.mark.parametrize(
    "changed",
    [
        {"account_sid": "SK" + "0" * 32},
        {"auth_token": ""},
        {"sender": "+1555-0100"},
        {"sender": "much too long for a sender"},
        {"to": "15550100001"},
        {"to": ["+15550100001\n"]},
        {"base_url": "ftp://127.0.0.1"},
        {"timeout_s": 0},
        {"timeout_s": 60},
    ],
)
def test_sms_settings_that_cannot_work_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refusal:
        SmsSettings.model_validate({**SMS, **changed})

    assert len(refusal.value.errors()) == 1
    assert places(refusal.value).pop().partition(".")[0] == next(iter(changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"sender": "Fraud <fraud@bank.example>"},
        {"to": "analyst"},
        {"to": "analyst@bank.example\r\nBcc: everybody@example.com"},
        {"security": "perhaps"},
        {"port": 70_000},
        {"username": "fraud"},
        {"password": "p"},
        {"username": "fraud", "password": "p", "security": "none"},
        {"host": "smtp..example"},
        {"host": "a" * 64 + ".example"},
        {"username": "bürgel", "password": "p"},
    ],
)
def test_email_settings_that_cannot_work_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EmailSettings.model_validate({**EMAIL, **changed})


@pytest.mark.parametrize("arn", ["fraud-alerts", "arn:aws:sqs:eu-central-1:123456789012:q", SNS["topic_arn"] + ":sub"])
def test_a_topic_is_named_by_its_arn(arn: str) -> None:
    with pytest.raises(ValidationError):
        SnsSettings(topic_arn=arn)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_not base64, however long it may be, is not a key",
        "whsec_é" + base64.b64encode(bytes(32)).decode(),
    ],
)
def test_a_signing_secret_is_whsec_and_base64_of_24_to_64_bytes(secret: str) -> None:
    with pytest.raises(ValidationError, match="whsec_ followed by base64 of 24 to 64 bytes"):
        WebhookSettings.model_validate({**WEBHOOK, "secret": secret})


@pytest.mark.parametrize(
    "url",
    [
        "bank.example/hook",
        "https://",
        "https://:443/",
        "https://user:password@bank.example/",
        "file:///etc",
        "https://bank.example:99999/",
        "https://bank.example:0/",
        "https://bank.example:port/",
        "https://[::1/",
        "https://bank.example/höök",
        "https://bank.example/a\x01b",
    ],
)
def test_a_webhook_s_address_is_one_that_can_be_asked_without_credentials(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate({**WEBHOOK, "url": url})


def test_the_key_is_what_the_secret_stands_for() -> None:
    secret = WebhookSettings.model_validate({**WEBHOOK, "secret": f"{SECRET},{OTHER_SECRET}"}).secret

    assert secret is not None
    assert signing_keys(secret) == (bytes(range(32)), bytes(range(1, 33)))


def test_an_address_is_not_told_unsigned() -> None:
    with pytest.raises(ValidationError, match="secret is missing"):
        WebhookSettings.model_validate({"url": "https://bank.example/hook"})


def test_secrets_do_not_show() -> None:
    settings = AlertSettings.model_validate(
        {
            "sms": {**SMS, "auth_token": "token-8271"},
            "email": {**EMAIL, "username": "fraud", "password": "password-8271"},
            "webhook": WEBHOOK,
        }
    )

    shown = repr(settings) + str(settings) + str(settings.model_dump()) + settings.model_dump_json()

    assert "8271" not in shown
    assert SECRET not in shown


def test_the_command_says_all_of_it_in_a_line_each_and_no_value_of_it() -> None:
    refused = attempt(
        "alert",
        env={
            "FRAUD_ALERTS__SMS__ACCOUNT_SID": "AC" + "0" * 32,
            "FRAUD_ALERTS__SMS__TO": "0049-1555-8271",
            "FRAUD_ALERTS__WEBHOOK__URL": "https://bank.example/hook",
            "FRAUD_ALERTS__WEBHOOK__SECRET": "whsec_8271",
            "FRAUD_ALERTS__EMAIL__TO": "analyst 8271@bank.example",
        },
    )

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 8  # and what to do about them
    for name in ("sms.auth_token", "sms.sender", "sms.to", "webhook.secret", "email.host", "email.sender", "email.to"):
        assert f"alerts.{name}" in refused.stderr
    assert "8271" not in refused.stderr


def test_the_command_refuses_what_the_mail_server_could_never_be_told() -> None:
    refused = attempt(
        "alert",
        env={
            "FRAUD_ALERTS__EMAIL__HOST": "smtp..example",
            "FRAUD_ALERTS__EMAIL__USERNAME": "bürgel",
            "FRAUD_ALERTS__EMAIL__PASSWORD": "pässword-8271",
            "FRAUD_ALERTS__EMAIL__SENDER": "fraud@bank.example",
            "FRAUD_ALERTS__EMAIL__TO": "analyst@bank.example",
        },
    )

    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 4
    for name in ("host", "username", "password"):
        assert f"alerts.email.{name}" in refused.stderr
    assert refused.stderr.count("must be ASCII") == 2
    assert "8271" not in refused.stderr


def test_the_command_without_a_channel_says_how_to_configure_one() -> None:
    refused = attempt("alert")

    assert refused.returncode == 2
    assert refused.stderr.startswith("error: no alert channel is configured: set at least one of")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [("sms", "to", "+99912345678"), ("sms", "to", "+1202555012345"), ("email", "to", "a..b@bank.example"),
     ("email", "to", "desk@bank"), ("email", "sender", "fraud@-bank.example")],
)  # fmt: skip
def test_addresses_that_there_cannot_be_are_refused(section: str, field: str, value: str) -> None:
    usual: dict[str, dict[str, Any]] = {
        "sms": {"account_sid": "AC1", "auth_token": "x", "sender": "+15550100", "to": "+12025550123"},
        "email": {"host": "mail.bank.local", "sender": "root@localhost", "to": "desk@bank.local"},
    }
    AlertSettings.model_validate(usual)

    with pytest.raises(ValidationError) as refusal:
        AlertSettings.model_validate({section: {**usual[section], field: value}})
    assert refusal.value.errors()[0]["loc"][:2] == (section, field)


@pytest.mark.parametrize("behind", ["?x=1", "#top", "/path?", "/path#"])
def test_links_are_put_behind_an_address_without_query_and_fragment(behind: str) -> None:
    with pytest.raises(ValidationError, match="without user, query and fragment"):
        AcknowledgeSettings.model_validate({"base_url": f"https://desk.example{behind}", "secret": SECRET})
    with pytest.raises(ValidationError, match="without user, query and fragment"):
        AcknowledgeSettings.model_validate({"base_url": "https://u:p@desk.example", "secret": SECRET})
    AcknowledgeSettings.model_validate({"base_url": "https://desk.example/alerts/", "secret": SECRET})


def test_a_life_of_a_channel_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="life_s names channels that there are not: smss; there are sms, email"):
        AlertSettings.model_validate({"life_s": {"smss": 60}})
    AlertSettings.model_validate({"life_s": {"sms": 60, "teams": 60}, "others": {"teams": {}}})


def test_no_pattern_is_shown_to_people() -> None:
    with pytest.raises(ValidationError) as refusal:
        AlertSettings.model_validate(
            {
                "sms": {"account_sid": "x", "auth_token": "x", "sender": "?", "to": "x", "base_url": "x"},
                "email": {"host": "h", "sender": "x", "to": "x"},
                "sns": {"topic_arn": "x"},
            }
        )

    said = [error["msg"] for error in refusal.value.errors()]
    assert len(said) == 7
    assert not any("pattern" in one or "^" in one for one in said)
