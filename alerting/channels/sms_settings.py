"""The section `alerts.sms`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from alerting.channels.sections import FilledSecret, GivenPath, Listed, PhoneNumber, PrivateUrl, Timeout, Url, formed
from stream.settings import Section

# A number, a short code, a messaging service, or an alphanumeric sender.
SmsSender = Annotated[
    str,
    formed(
        r"(\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})",
        "no sender: write a number such as +15550100, a messaging service's SID, or a name of 11 letters at most",
    ),
]


class SmsSettings(Section):
    """Text messages through Twilio."""

    account_sid: Annotated[str, formed(r"AC[0-9A-Za-z]{1,62}", "no account's SID: it begins with AC")]
    auth_token: FilledSecret
    sender: SmsSender = Field(description="Number, short code, alphanumeric sender or messaging service SID")
    to: Annotated[tuple[PhoneNumber, ...], Listed] = Field(
        default=(), description="Who is told where there is no routing file: +15550100"
    )
    base_url: Url | None = Field(default=None, description="Another address of the API, such as a stand-in's")
    status_callback: PrivateUrl | None = Field(
        default=None, description="Where Twilio says what became of a message: https://.../twilio/status"
    )
    provider_codes: GivenPath | None = Field(
        default=None, description="A file of what to do about Twilio's codes, in front of the shipped one (TOML)"
    )
    timeout_s: Timeout = 10.0

    @field_validator("status_callback")
    @classmethod
    def _takes_a_query(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be without user, query and fragment: the notice's id is put behind it")
        return url
