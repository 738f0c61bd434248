"""All four receivers, and the settings with which `fraud alert` reaches them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage

from demo.receivers.smtp import SmtpReceiver
from demo.receivers.sns import SnsReceiver
from demo.receivers.twilio import TwilioReceiver
from demo.receivers.webhook import WebhookReceiver
from tests.alerting.webhooks import SECRET

SID = "AC" + "0" * 32
TOKEN = "token-of-the-tests-8271"
PASSWORD = "password-of-the-tests-8271"
NUMBER = "+15558271001"
ADDRESS = "analyst-8271@bank.example"
# Whatever must not be in a log, a metric or a dead letter's headers.
PRIVATE = (TOKEN, PASSWORD, SECRET, SECRET.removeprefix("whsec_"), NUMBER, ADDRESS)


@dataclass(frozen=True)
class Receivers:
    """Where the alerts arrive."""

    twilio: TwilioReceiver
    smtp: SmtpReceiver
    sns: SnsReceiver
    webhook: WebhookReceiver

    def env(self, *names: str) -> dict[str, str]:
        """Settings for these channels."""
        sections = {
            "sms": {
                "ACCOUNT_SID": SID,
                "AUTH_TOKEN": TOKEN,
                "SENDER": "+15550100000",
                "TO": NUMBER,
                "BASE_URL": self.twilio.url,
            },
            "email": {
                "HOST": self.smtp.host,
                "PORT": str(self.smtp.port),
                "USERNAME": "fraud",
                "PASSWORD": PASSWORD,
                "SENDER": "fraud@bank.example",
                "TO": ADDRESS,
                "CA_FILE": str(self.smtp.ca_file),
            },
            "sns": {"TOPIC_ARN": self.sns.topic_arn, "ENDPOINT_URL": self.sns.url},
            "webhook": {
                "URL": self.webhook.url,
                "SECRET": SECRET,
                "ALLOW": "127.0.0.0/8",
                "SECRETS": json.dumps({"own": SECRET}),
            },
        }
        variables = {
            f"FRAUD_ALERTS__{name.upper()}__{field}": value for name in names for field, value in sections[name].items()
        }
        return {
            "AWS_ACCESS_KEY_ID": "loopback",
            "AWS_SECRET_ACCESS_KEY": "loopback",
            "FRAUD_ALERTS__RETRY__FIRST_WAIT_S": "0.05",
            **variables,
        }

    def addresses(self) -> dict[str, str]:
        """Recipients as a routing file has them."""
        return {
            "sms": f'"{NUMBER}"',
            "email": ADDRESS,
            "sns": f'"{self.sns.topic_arn}"',
            "webhook": f'{{to: "{self.webhook.url}", secret: own}}',
        }

    def told(self) -> dict[str, list[str]]:
        """For each channel the transactions that people were told of, in order."""
        return {
            "sms": [_named(sms.body) for sms in self.twilio.received()],
            "email": [_named(str(mail.message["Subject"]) + text_of(mail.message)) for mail in self.smtp.received()],
            "sns": [json.loads(note.message)["data"].get("transaction_id", "") for note in self.sns.received()],
            "webhook": [event.payload["data"].get("transaction_id", "") for event in self.webhook.received()],
        }


@contextmanager
def receivers() -> Iterator[Receivers]:
    """All four, listening."""
    with (
        closing(TwilioReceiver(SID, TOKEN)) as twilio,
        closing(SmtpReceiver(credentials={"fraud": PASSWORD})) as smtp,
        closing(SnsReceiver()) as sns,
        closing(WebhookReceiver(SECRET)) as webhook,
    ):
        yield Receivers(twilio, smtp, sns, webhook)


def text_of(mail: EmailMessage) -> str:
    """What a mail says in plain text."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _named(text: str) -> str:
    """The transaction that a text names, of those that these tests make; empty in a digest."""
    found = re.search(r"\btx-[0-9]{4,}\b", text)
    return found[0] if found else ""
