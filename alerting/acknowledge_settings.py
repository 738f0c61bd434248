"""The section `alerts.acknowledge`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from alerting.channels.sections import Url
from alerting.channels.webhook_settings import signing_keys
from stream.settings import Section


class AcknowledgeSettings(Section):
    """Links by which analysts answer an alert."""

    base_url: Url = Field(description="Where analysts reach this process: https://alerts.bank.example")
    secret: SecretStr = Field(description="whsec_ and base64 of 24 to 64 random bytes; the first of several signs")
    hold_s: Annotated[float, Field(gt=0, le=30 * 86_400)] = Field(
        default=4 * 3600.0, description="An answer holds its group's further alerts back for so long"
    )
    valid_s: Annotated[float, Field(gt=0, le=30 * 86_400)] = Field(
        default=72 * 3600.0, description="A link works for so long"
    )

    @field_validator("base_url")
    @classmethod
    def _takes_a_path_and_a_query(cls, url: str) -> str:
        parts = urlsplit(url)
        if {"?", "#"} & set(url) or "@" in parts.netloc:
            raise ValueError("must be without user, query and fragment: the link's own is put behind it")
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_signing_secret(cls, secret: SecretStr) -> SecretStr:
        signing_keys(secret)
        return secret
