"""The four receivers together: what the alert worker is told of them, and what each was told by it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence, Set
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from alerting.alert import Alert
from alerting.channels.sms import text_of
from alerting.destinations import Recipient
from alerting.messages import Message
from alerting.notices import notice_id
from alerting.rendering import Renderer
from alerting.severity import LOWEST
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
RECEIVER: Final = "fraud-desk"
# Every fraud by itself, but for text messages: one in five seconds, and what comes in between as a digest.
_ROUTES: Final = f"""version: 1
receivers:
  - name: {RECEIVER}
    sms: ["{_RECIPIENT_NUMBER}"]
    email: [{_RECIPIENT_ADDRESS}]
    sns: ["{{arn}}"]
    webhook: [{{{{to: "{{url}}", secret: demo}}}}]
route:
  receiver: {RECEIVER}
  group_by: [transaction_id]
limits:
  sms: [1/5s]
  email: []
"""
_RENDERER: Final = Renderer()
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

    def settings(self, folder: Path) -> dict[str, str]:
        """The environment that makes `fraud alert` tell these receivers, by a routing file of theirs.

        Args:
            folder: Where the routing file goes.
        """
        routes = folder / "alerts.yml"
        routes.write_text(_ROUTES.format(arn=self._sns.topic_arn, url=self._webhook.url))
        return {
            "FRAUD_ALERTS__ROUTES": str(routes.absolute()),
            "FRAUD_ALERTS__SMS__BASE_URL": self._sms.url,
            "FRAUD_ALERTS__SMS__ACCOUNT_SID": self._account_sid,
            "FRAUD_ALERTS__SMS__AUTH_TOKEN": self._auth_token,
            "FRAUD_ALERTS__SMS__SENDER": _SENDER_NUMBER,
            "FRAUD_ALERTS__EMAIL__HOST": self._email.host,
            "FRAUD_ALERTS__EMAIL__PORT": str(self._email.port),
            "FRAUD_ALERTS__EMAIL__CA_FILE": str(self._email.ca_file),
            "FRAUD_ALERTS__EMAIL__USERNAME": _USERNAME,
            "FRAUD_ALERTS__EMAIL__PASSWORD": self._password,
            "FRAUD_ALERTS__EMAIL__SENDER": _SENDER_ADDRESS,
            "FRAUD_ALERTS__SNS__ENDPOINT_URL": self._sns.url,
            "FRAUD_ALERTS__SNS__REGION": self._sns.region,
            "AWS_ACCESS_KEY_ID": _ANY,
            "AWS_SECRET_ACCESS_KEY": _ANY,
            "FRAUD_ALERTS__WEBHOOK__SECRETS": json.dumps({"demo": self._signing_secret}),
            "FRAUD_ALERTS__WEBHOOK__ALLOW": "127.0.0.0/8",
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
    alert = Alert(verdict, LOWEST)
    content = _RENDERER.render_alert(alert, template="analyst", locale="en")
    recipient = Recipient(_RECIPIENT_NUMBER).fingerprint("sms")
    sms = Message(notice_id(alert.id, RECEIVER, "sms", recipient), content, verdict.scored_at, verdict.scored_at)
    payload = content.payload.decode()
    return {
        "sms": text_of(sms),
        "email": f"Subject: {content.subject}\n\n{content.text}",
        "sns": payload,
        "webhook": payload,
    }


def expected_words(verdicts: Sequence[Verdict], told: Mapping[str, Set[str]]) -> dict[str, list[str]]:
    """What each channel's receiver is to be told of verdicts, one by one (pure).

    Args:
        verdicts: All of them.
        told: For each channel the transactions that the ledger has as told of by themselves.
    """
    words = {verdict.transaction_id: words_for(verdict) for verdict in verdicts if verdict.verdict is Ruling.FRAUD}
    return {channel: [words[one][channel] for one in told.get(channel, ()) if one in words] for channel in CHANNELS}


def _mail(message: EmailMessage) -> str:
    # On the wire lines end with a carriage return too (RFC 5322).
    plain = message.get_body(("plain",))
    body = "" if plain is None else str(plain.get_content()).replace("\r\n", "\n")
    return f"Subject: {message['Subject']}\n\n{body}"
