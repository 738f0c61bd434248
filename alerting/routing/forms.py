"""The forms that addresses have."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

ARN: Final = r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?"
_DOMAIN: Final = re.compile(r".+\.[^.]*[A-Za-z]", re.ASCII)
_PUBLIC: Final = ".com"
_THIS_MACHINE: Final = "localhost"
E164: Final = r"\+[1-9][0-9]{6,14}"


def phone_number(text: str) -> str | None:
    """The number, where there can be one like it: E.164, of a country that exists, neither too short nor long."""
    if not re.fullmatch(E164, text, re.ASCII):
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return text if phonenumbers.is_possible_number(number) else None


def mail_address(text: str) -> str | None:
    """The address in ASCII. Domains inside a bank, such as `.local`, are as good as others; nobody is asked for it."""
    try:
        # With an end that is public: the package refuses names of special use (RFC 6761), which banks have within.
        found = validate_email(text + _PUBLIC, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        return None
    address = (found or "").removesuffix(_PUBLIC)
    domain = address.rpartition("@")[2]
    # A name without a full stop is a slip, and what ends in a digit an address of IP.
    return address if _DOMAIN.fullmatch(domain) or domain == _THIS_MACHINE else None


def url(text: str) -> str | None:
    """The URL, where it is one of HTTP with a host, and without user, password or fragment."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # no port is larger than 65535, and brackets hold IPv6 addresses
        return None
    return text if fine and "@" not in parts.netloc and not parts.fragment else None


def topic_arn(text: str) -> str | None:
    """The ARN of an SNS topic."""
    return text if re.fullmatch(ARN, text, re.ASCII) else None
