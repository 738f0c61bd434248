"""What is known of an account besides the verdict."""

from __future__ import annotations

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
