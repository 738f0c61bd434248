"""What is known of an account besides the verdict."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Account:
    """What the accounts file has of an account; None where it has nothing. Personal data: not for logs.

    Attributes:
        segment: The bank's own word.
        country: ISO 3166 code.
        locale: Language that its holder is told in.
        phone: The holder's, E.164.
        email: The holder's.
    """

    segment: str | None = None
    country: str | None = None
    locale: str | None = None
    phone: str | None = None
    email: str | None = None


UNKNOWN: Final = Account()


def account_mark(account_id: str, key: bytes) -> str:
    """Stands for an account where its number must not be seen: 16 hexadecimal digits that nobody has without the key.

    There are few enough card numbers to try them all out: a digest without a key would tell them (PCI DSS, 3.5.1.1).
    """
    return hmac.new(key, f"fraud-account.{account_id}".encode(), hashlib.sha256).hexdigest()[:16]
