"""Who is told, through what, and how patiently: the section `alerts` of the settings."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from stream.settings import PortNumber, Section

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (the prefix that Standard Webhooks gives to secrets)
_SHORTEST_KEY: Final = 24
_LONGEST_KEY: Final = 64


def _listed(value: Any) -> Any:
    """One recipient, or several with commas between, as an environment variable has them."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
# A number, a short code, a messaging service, or an alphanumeric sender.
SmsSender = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})$")]
MailAddress = Annotated[str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$", max_length=254)]
# Ten at most: what keeps one alert's delivery short of the poll interval (`alerting.process`).
PhoneNumbers = Annotated[tuple[PhoneNumber, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)]
MailAddresses = Annotated[tuple[MailAddress, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+[^\s]*$")]
FilledSecret = Annotated[SecretStr, Field(min_length=1)]
Timeout = Annotated[float, Field(gt=0, le=15, description="Seconds that one attempt waits for an answer")]


class RetrySettings(Section):
    """How patiently an alert is tried before it goes to the dead letters.

    The bounds keep a delivery far below the group's poll interval, unless a provider trickles its answers
    (`alerting.process`).
    """

    attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=4, description="For each recipient, the first included"
    )
    first_wait_s: Annotated[float, Field(gt=0, le=10)] = Field(
        default=0.5, description="Before the second attempt; then doubled"
    )
    budget_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=20.0, description="No round of attempts starts later than this after the first"
    )


class SmsSettings(Section):
    """Text messages through Twilio."""

    account_sid: Annotated[str, Field(pattern=r"^AC[0-9A-Za-z]{1,62}$")]
    auth_token: FilledSecret
    sender: SmsSender = Field(description="Number, short code, alphanumeric sender or messaging service SID")
    to: PhoneNumbers = Field(description="Numbers with country code: +15550100")
    base_url: Url | None = Field(default=None, description="Another address of the API, such as a stand-in's")
    timeout_s: Timeout = 10.0


class EmailSettings(Section):
    """Mail through an SMTP server."""

    host: Annotated[str, Field(min_length=1)]
    port: PortNumber = Field(default=587, description="587 for starttls, 465 for tls")
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: FilledSecret | None = None
    sender: MailAddress
    to: MailAddresses
    ca_file: Path | None = Field(default=None, description="Certificates to trust instead of the system's (PEM)")
    timeout_s: Timeout = 10.0

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        try:
            host.encode("idna")  # as the resolver and TLS will, at every attempt
        except UnicodeError:
            raise ValueError("no host name: each part between full stops has 1 to 63 characters") from None
        return host

    @field_validator("username")
    @classmethod
    def _username_is_ascii(cls, username: str | None) -> str | None:
        if username is not None and not username.isascii():
            raise ValueError("must be ASCII: smtplib logs in with nothing else")
        return username

    @field_validator("password")
    @classmethod
    def _password_is_ascii(cls, password: SecretStr | None) -> SecretStr | None:
        if password is not None and not password.get_secret_value().isascii():
            raise ValueError("must be ASCII: smtplib logs in with nothing else")
        return password

    @model_validator(mode="after")
    def _credentials_are_whole_and_safe(self) -> EmailSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password are given together or not at all")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is never sent in the clear: set security to starttls or tls")
        return self


class SnsSettings(Section):
    """An Amazon SNS topic; credentials are found as boto3 finds them."""

    topic_arn: Annotated[str, Field(pattern=r"^arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$")]
    region: str | None = Field(default=None, description="None takes the topic's")
    endpoint_url: Url | None = Field(default=None, description="Another endpoint, such as a stand-in's")
    timeout_s: Timeout = 10.0


class WebhookSettings(Section):
    """An HTTP endpoint of one's own, signed after Standard Webhooks."""

    url: Url
    secret: SecretStr = Field(description="whsec_ and base64 of 24 to 64 random bytes")
    ca_file: Path | None = Field(default=None, description="Certificates to trust instead of the system's (PEM)")
    timeout_s: Timeout = 10.0

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str) -> str:
        if "@" in urlsplit(url).netloc:
            raise ValueError("no user or password in the address: the signature is what the receiver checks")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_signing_secret(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        try:
            key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not text.startswith(_SECRET_PREFIX) or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            raise ValueError("must be whsec_ followed by base64 of 24 to 64 bytes")
        return secret

    @property
    def signing_key(self) -> bytes:
        """What the secret stands for."""
        return base64.b64decode(self.secret.get_secret_value().removeprefix(_SECRET_PREFIX))


class AlertSettings(Section):
    """A channel is configured where its section is present."""

    group_prefix: str = Field(default="fraud-alerts", min_length=1, description="Groups are named prefix-channel")
    gaps: Literal["stop", "skip"] = Field(
        default="stop", description="Verdicts that the broker deleted unread: stop with an error, or count and go on"
    )
    retry: RetrySettings = Field(default_factory=RetrySettings)
    sms: SmsSettings | None = None
    email: EmailSettings | None = None
    sns: SnsSettings | None = None
    webhook: WebhookSettings | None = None

    def group_id(self, channel: str) -> str:
        """The consumer group of a channel: its own, so that a slow provider holds back nobody else."""
        return f"{self.group_prefix}-{channel}"
