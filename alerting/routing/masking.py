"""Addresses for people who need not know them: enough to tell one from another."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_MASK: Final = "****"


def masked_address(channel: str, address: str) -> str:
    """A mail address's domain, a URL's host, the end of a phone number, an ARN without its account; else nothing.

    Args:
        channel: What the address is of.
        address: Personal data, or a secret: a URL's path may be one.
    """
    if channel == "email":
        return f"{_MASK}@{address.rpartition('@')[2]}"
    if channel == "sms":
        return _MASK + address[-2:]
    if channel == "sns":
        partition, _, topic = address.rpartition(":")
        return f"{partition.rpartition(':')[0]}:{_MASK}:{topic}"
    if address.startswith(("http://", "https://")):
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname}/{_MASK}"
    return _MASK
