"""What every channel keeps to, whoever wrote it: `test_contract.py` holds each of `CASES` to it.

A channel of another package is proven by a `Case` of its own: how it is opened against a server in its provider's
place, whom it tells, what must stay private, and what the provider answers where it takes a message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from pydantic import SecretStr

from alerting.addresses import Network
from alerting.channels import Channel
from alerting.channels.email import EmailChannel
from alerting.channels.email_settings import EmailSettings
from alerting.channels.json_webhook import JsonWebhook
from alerting.channels.pagerduty import PagerDutyChannel
from alerting.channels.pagerduty_settings import PagerDutySettings
from alerting.channels.slack import SlackChannel
from alerting.channels.slack_settings import SlackSettings
from alerting.channels.sms import SmsChannel
from alerting.channels.sms_settings import SmsSettings
from alerting.channels.sns import SnsChannel
from alerting.channels.sns_settings import SnsSettings
from alerting.channels.webhook import WebhookChannel
from alerting.channels.webhook_settings import WebhookSettings
from alerting.delivery import Failure, FailureReason, RecipientStopped, Refused, Retry
from alerting.destinations import Recipient
from alerting.messages import Message
from demo.receivers.http import Reply
from tests.alerting.webhooks import SECRET

TOKEN: Final = "token-8271"
NUMBER: Final = "+15558271001"
ADDRESS: Final = "analyst-8271@bank.example"
TOPIC: Final = "arn:aws:sns:eu-central-1:123456789012:fraud-8271"

# HTTP status to the failure, and its reason.
STATUSES: Final[Mapping[int, tuple[type[Failure], FailureReason]]] = {
    307: (Refused, FailureReason.CLIENT_ERROR),
    400: (Refused, FailureReason.CLIENT_ERROR),
    404: (Refused, FailureReason.CLIENT_ERROR),
    408: (Retry, FailureReason.TIMEOUT),
    410: (Refused, FailureReason.CLIENT_ERROR),
    429: (Retry, FailureReason.RATE_LIMITED),
    500: (Retry, FailureReason.SERVER_ERROR),
    503: (Retry, FailureReason.SERVER_ERROR),
}


_TAKEN: Final = Reply(200, {})


@dataclass(frozen=True)
class Case:
    """A channel, and what its provider is like.

    Attributes:
        open: The channel, telling the server at this URL, with this time-out in seconds.
        recipient: Who is told, by a server at this URL.
        private: What must be in no failure.
        taken: What the provider answers to a message that it takes.
        refused: What it answers otherwise; None is some JSON.
        heeds_retry_after: Whether the provider says when it wants to be asked again.
        otherwise: Statuses that mean something else to this provider.
        over_http: Whether it speaks HTTP; it speaks SMTP otherwise.
    """

    open: Callable[[str, float], Channel]
    recipient: Callable[[str], Recipient]
    private: tuple[str, ...]
    taken: Reply = _TAKEN
    refused: bytes | None = None
    heeds_retry_after: bool = True
    otherwise: Mapping[int, tuple[type[Failure], FailureReason]] | None = None
    over_http: bool = True


class TeamsChannel(JsonWebhook):
    """A channel as another package has it."""

    name = "teams"

    def __init__(self, section: Mapping[str, str], *, timeout_s: float = 10.0, allowed: Sequence[Network] = ()) -> None:
        super().__init__(timeout_s=timeout_s, allowed=allowed)
        self._url = section["url"]

    def url(self, recipient: Recipient) -> str:  # noqa: ARG002
        """The same for everybody."""
        return self._url

    def body(self, message: Message, recipient: Recipient) -> Mapping[str, str]:  # noqa: ARG002
        """A card's text."""
        return {"text": message.content.text, "key": message.id}


def _webhook(url: str, timeout_s: float) -> Channel:
    return WebhookChannel(
        WebhookSettings(secret=SecretStr(SECRET), allow=(ip_network("127.0.0.0/8"),), timeout_s=timeout_s)
    )


def _slack(url: str, timeout_s: float) -> Channel:
    return SlackChannel(SlackSettings(urls={"desk": SecretStr(f"{url}/services/{TOKEN}")}, timeout_s=timeout_s))


def _pagerduty(url: str, timeout_s: float) -> Channel:
    return PagerDutyChannel(
        PagerDutySettings(routing_keys={"desk": SecretStr(TOKEN)}, base_url=url, timeout_s=timeout_s)
    )


def _teams(url: str, timeout_s: float) -> Channel:
    return TeamsChannel({"url": f"{url}/{TOKEN}"}, timeout_s=timeout_s, allowed=(ip_network("127.0.0.0/8"),))


def _sms(url: str, timeout_s: float) -> Channel:
    settings: dict[str, Any] = {"account_sid": "AC" + "0" * 32, "auth_token": TOKEN, "sender": "+15550100000"}
    return SmsChannel(SmsSettings.model_validate({**settings, "base_url": url, "timeout_s": timeout_s}))


def _sns(url: str, timeout_s: float) -> Channel:
    return SnsChannel(SnsSettings(endpoint_url=url, timeout_s=timeout_s))


def _email(url: str, timeout_s: float) -> Channel:
    settings = {"host": "127.0.0.1", "port": int(url.rpartition(":")[2]), "sender": "fraud@bank.example"}
    return EmailChannel(EmailSettings.model_validate({**settings, "security": "none", "timeout_s": timeout_s}))


_AUTH: Final[Mapping[int, tuple[type[Failure], FailureReason]]] = {
    401: (Refused, FailureReason.AUTH_ERROR),
    403: (Refused, FailureReason.AUTH_ERROR),
}
_PUBLISHED: Final = (
    b"<PublishResponse xmlns='http://sns.amazonaws.com/doc/2010-03-31/'><PublishResult><MessageId>m-1</MessageId>"
    b"</PublishResult></PublishResponse>"
)
CASES: Final[Mapping[str, Case]] = {
    "webhook": Case(
        _webhook,
        lambda url: Recipient(f"{url}/hook-8271"),
        (SECRET, "hook-8271", "127.0.0.1"),
        otherwise={**_AUTH, 410: (RecipientStopped, FailureReason.RECIPIENT_STOPPED)},
    ),
    "slack": Case(_slack, lambda _: Recipient("desk"), (TOKEN, "127.0.0.1"), otherwise=_AUTH),
    "pagerduty": Case(_pagerduty, lambda _: Recipient("desk"), (TOKEN,), taken=Reply(202, {}), otherwise=_AUTH),
    "teams, of another package": Case(_teams, lambda _: Recipient("desk"), (TOKEN,), otherwise=_AUTH),
    "sms": Case(_sms, lambda _: Recipient(NUMBER), (TOKEN, NUMBER), taken=Reply(201, {"sid": "SM1"}), otherwise=_AUTH),
    "sns": Case(
        _sns,
        lambda _: Recipient(TOPIC),
        (TOPIC, "loopback"),
        taken=Reply(200, _PUBLISHED),
        refused=b"<ErrorResponse><Error><Code>Whatever</Code><Message>no</Message></Error></ErrorResponse>",
        heeds_retry_after=False,
        otherwise=_AUTH,
    ),
    "email": Case(_email, lambda _: Recipient(ADDRESS), (ADDRESS, "127.0.0.1"), over_http=False),
}
