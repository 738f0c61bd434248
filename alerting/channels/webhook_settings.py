"""The section `alerts.webhook`."""

from __future__ import annotations

import base64
import binascii
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from alerting.channels.sections import GivenPath, Listed, Timeout, Url
from stream.settings import Section

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (the prefix that Standard Webhooks gives to secrets)
_SHORTEST_KEY: Final = 24
_LONGEST_KEY: Final = 64


def signing_keys(secret: SecretStr) -> tuple[bytes, ...]:
    """The keys of a secret, or of several with commas between: while one is replaced, all of them sign.

    Raises:
        ValueError: One of them is none.
    """
    return tuple(_key(text.strip()) for text in secret.get_secret_value().split(","))


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(_SECRET_PREFIX) or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise ValueError("must be whsec_ followed by base64 of 24 to 64 bytes; several have commas between")
    return key


class WebhookSettings(Section):
    """HTTP endpoints of one's own, signed after Standard Webhooks."""

    url: Url | None = Field(default=None, description="Which is told where there is no routing file")
    secret: SecretStr | None = Field(default=None, description="whsec_ and base64 of 24 to 64 random bytes")
    secrets: dict[str, SecretStr] = Field(
        default_factory=dict, description="By the names that the routing file gives; each as secret"
    )
    allow: Annotated[tuple[IPv4Network | IPv6Network, ...], Listed] = Field(
        default=(), description="Networks inside the bank that may be told: 10.1.0.0/16. None is otherwise"
    )
    ca_file: GivenPath | None = Field(default=None, description="Certificates to trust instead of the system's (PEM)")
    timeout_s: Timeout = 10.0

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str | None) -> str | None:
        if url is not None and "@" in urlsplit(url).netloc:
            raise ValueError("no user or password in the address: the signature is what the receiver checks")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_signing_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            signing_keys(secret)
        return secret

    @field_validator("secrets")
    @classmethod
    def _are_signing_secrets(cls, secrets: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for secret in secrets.values():
            signing_keys(secret)
        return secrets

    @model_validator(mode="after")
    def _is_signed(self) -> WebhookSettings:
        if self.url is not None and self.secret is None:
            raise ValueError("secret is missing: nothing would sign what is sent to url")
        return self
