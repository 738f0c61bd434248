"""The four receivers together: what the alert worker is told of them, and what each was told by it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from email.message import EmailMessage
from typing import Final

from alerting.message import alert_of
from demo.receivers.smtp import SmtpReceiver
from demo.receivers.sns import SnsReceiver
from demo.receivers.twilio import TwilioReceiver
from demo.receivers.webhook import WebhookReceiver
from stream.contracts import Ruling, Verdict

CHANNELS: Final = ("sms", "email", "sns", "webhook")

# Numbers and names that are set aside for examples: https://www.itu.int/rec/T-REC-E.164, RFC 2606.
_SENDER_NUMBER: Final = "+15550100"
_RECIPIENT_NUMBER: Final = "+15550123"
_SENDER_ADDRESS: Final = "fraud@bank.example"
_RECIPIENT_ADDRESS: Final = "duty@bank.example"
_USERNAME: Final = "fraud"
# SNS's stand-in takes any credentials; without some, boto3 would look for real ones.
_ANY: Final = "loopback"


class Inboxes:
    """A provider's place for each channel, on 127.0.0.1, with secrets made up for this run.

    Args:
        cleanup: Closes them.
    """

    def __init__(self, cleanup: ExitStack) -> None:
        self._account_sid = "AC" + secrets.token_hex(16)
        self._auth_token = secrets.token_hex(16)
        self._password = secrets.token_hex(16)
        self._signing_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._sms = TwilioReceiver(self._account_sid, self._auth_token)
        cleanup.callback(self._sms.close)
        self._email = SmtpReceiver(credentials={_USERNAME: self._password})
        cleanup.callback(self._email.close)
        self._sns = SnsReceiver()
        cleanup.callback(self._sns.close)
        self._webhook = WebhookReceiver(self._signing_secret)
        cleanup.callback(self._webhook.close)

    def settings(self) -> dict[str, str]:
        """The environment that makes `fraud alert` tell these receivers."""
        return {
            "FRAUD_ALERTS__SMS__BASE_URL": self._sms.url,
            "FRAUD_ALERTS__SMS__ACCOUNT_SID": self._account_sid,
            "FRAUD_ALERTS__SMS__AUTH_TOKEN": self._auth_token,
            "FRAUD_ALERTS__SMS__SENDER": _SENDER_NUMBER,
            "FRAUD_ALERTS__SMS__TO": _RECIPIENT_NUMBER,
            "FRAUD_ALERTS__EMAIL__HOST": self._email.host,
            "FRAUD_ALERTS__EMAIL__PORT": str(self._email.port),
            "FRAUD_ALERTS__EMAIL__CA_FILE": str(self._email.ca_file),
            "FRAUD_ALERTS__EMAIL__USERNAME": _USERNAME,
            "FRAUD_ALERTS__EMAIL__PASSWORD": self._password,
            "FRAUD_ALERTS__EMAIL__SENDER": _SENDER_ADDRESS,
            "FRAUD_ALERTS__EMAIL__TO": _RECIPIENT_ADDRESS,
            "FRAUD_ALERTS__SNS__ENDPOINT_URL": self._sns.url,
            "FRAUD_ALERTS__SNS__REGION": self._sns.region,
            "FRAUD_ALERTS__SNS__TOPIC_ARN": self._sns.topic_arn,
            "AWS_ACCESS_KEY_ID": _ANY,
            "AWS_SECRET_ACCESS_KEY": _ANY,
            "FRAUD_ALERTS__WEBHOOK__URL": self._webhook.url,
            "FRAUD_ALERTS__WEBHOOK__SECRET": self._signing_secret,
        }

    def counts(self) -> dict[str, int]:
        """How often each channel's receiver has been told something so far."""
        return {
            "sms": len(self._sms.received()),
            "email": len(self._email.received()),
            "sns": len(self._sns.received()),
            "webhook": len(self._webhook.received()),
        }

    def received(self) -> dict[str, list[str]]:
        """What each channel's receiver has been told so far, word for word."""
        return {
            "sms": [sms.body for sms in self._sms.received()],
            "email": [_mail(mail.message) for mail in self._email.received()],
            "sns": [notification.message for notification in self._sns.received()],
            "webhook": [event.body.decode() for event in self._webhook.received()],
        }

    def repeated(self) -> int:
        """Events that the webhook's receiver was told again, and does not count twice."""
        return self._webhook.repeated


def words_for(verdict: Verdict) -> dict[str, str]:
    """What each channel's receiver is to be told of a verdict; nothing, where it is legitimate (pure)."""
    if verdict.verdict is not Ruling.FRAUD:
        return {}
    alert = alert_of(verdict)
    payload = alert.payload.decode()
    return {
        "sms": alert.short_text,
        "email": f"Subject: {alert.subject}\n\n{alert.long_text}",
        "sns": payload,
        "webhook": payload,
    }


def expected_words(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """What each channel's receiver is to be told of all the verdicts (pure)."""
    alerts = [words for verdict in verdicts if (words := words_for(verdict))]
    return {channel: [words[channel] for words in alerts] for channel in CHANNELS}


def _mail(message: EmailMessage) -> str:
    # On the wire lines end with a carriage return too (RFC 5322).
    body = str(message.get_content()).replace("\r\n", "\n")
    return f"Subject: {message['Subject']}\n\n{body}"
