"""The section `alerts.email`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from alerting.channels.sections import FilledSecret, GivenPath, Listed, MailAddress, Timeout
from stream.settings import PortNumber, Section

# RFC 8314, 7.3.
_TLS_PORT: Final = 465


class EmailSettings(Section):
    """Mail through an SMTP server."""

    host: Annotated[str, Field(min_length=1)]
    port: PortNumber = Field(default=587, description="465 unless it is given where security is tls")
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: FilledSecret | None = None
    token_file: GivenPath | None = Field(
        default=None, description="Holds an OAuth 2 access token, for XOAUTH2; read again where it is refused"
    )
    sender: MailAddress
    to: Annotated[tuple[MailAddress, ...], Listed] = Field(
        default=(), description="Who is told where there is no routing file"
    )
    ca_file: GivenPath | None = Field(default=None, description="Certificates to trust instead of the system's (PEM)")
    provider_codes: GivenPath | None = Field(
        default=None, description="A file of what to do about enhanced status codes, in front of the shipped one (TOML)"
    )
    timeout_s: Timeout = 10.0

    @model_validator(mode="before")
    @classmethod
    def _tls_has_a_port_of_its_own(cls, section: Any) -> Any:
        is_tls = isinstance(section, dict) and section.get("security") == "tls"
        return {"port": _TLS_PORT, **section} if is_tls else section

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
        credential = self.password is not None or self.token_file is not None
        if self.password is not None and self.token_file is not None:
            raise ValueError("password and token_file are both given: the login takes one of them")
        if (self.username is None) == credential:
            raise ValueError("username is given together with password or token_file, or none of them")
        if credential and self.security == "none":
            raise ValueError("a password or token is never sent in the clear: set security to starttls or tls")
        return self
