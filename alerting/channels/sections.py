"""What every channel's section is made of."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

LONGEST_TIMEOUT_S: Final = 15
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_NO_NUMBER: Final = "no phone number: write + and the country's code, such as +15550100"
_NO_ADDRESS: Final = "no mail address: write one such as desk@bank.example"


def listed(value: Any) -> Any:
    """One thing, or several with commas between, as an environment variable has them."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def reachable(url: str) -> str:
    """The URL, where a request can be made to it.

    Raises:
        ValueError: It cannot; the URL is not quoted, it may be a secret.
    """
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # no port is larger than 65535, and brackets hold IPv6 addresses
        fine = False
    if not fine or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("no URL that can be asked: write https://HOST/PATH in ASCII, without blanks")
    return url


def private(url: str) -> str:
    """The URL, where nobody reads on the way what is sent to it.

    Raises:
        ValueError: Somebody could; the URL is not quoted, it may be a secret.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https: others could read on the way what is sent there")
    return url


def nameable(path: Path) -> Path:
    """The path, where a file can be called so.

    Raises:
        ValueError: It cannot.
    """
    if "\0" in str(path):
        raise ValueError("no file's name has a NUL in it")
    return path


def formed(pattern: str, problem: str) -> AfterValidator:
    """What a text has to look like, and what is said where it does not: the text itself may be a secret."""
    fits = re.compile(pattern, re.ASCII).fullmatch

    def require(text: str) -> str:
        if fits(text) is None:
            raise ValueError(problem)
        return text

    return AfterValidator(require)


GivenPath = Annotated[Path, AfterValidator(nameable)]


def callable_number(number: str) -> str:
    """The number, where there can be one like it.

    Raises:
        ValueError: There cannot; the number is not quoted.
    """
    # An image that only scores reads the same settings, and has none of the packages of alerts.
    with suppress(ModuleNotFoundError):
        from alerting.routing.forms import phone_number

        if phone_number(number) is None:
            raise ValueError(_NO_NUMBER)
    return number


def mailable(address: str) -> str:
    """The address, where a mail server could take it.

    Raises:
        ValueError: None could; the address is not quoted.
    """
    with suppress(ModuleNotFoundError):
        from alerting.routing.forms import mail_address

        if mail_address(address) is None:
            raise ValueError(_NO_ADDRESS)
    return address


PhoneNumber = Annotated[str, formed(r"\+[1-9][0-9]{6,14}", _NO_NUMBER), AfterValidator(callable_number)]
MailAddress = Annotated[
    str,
    formed(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", _NO_ADDRESS),
    Field(max_length=254),
    AfterValidator(mailable),
]
Url = Annotated[str, AfterValidator(reachable)]
PrivateUrl = Annotated[Url, AfterValidator(private)]
FilledSecret = Annotated[SecretStr, Field(min_length=1)]
Timeout = Annotated[float, Field(gt=0, le=LONGEST_TIMEOUT_S, description="Seconds that one attempt takes at most")]
Listed = BeforeValidator(listed)
