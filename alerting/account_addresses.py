"""Whether a holder can have an address, asked of millions of rows at the start.

Looking at a number or an address as the routing file does takes longer than all else about a row: what is the same for
many is looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from alerting.routing.forms import mail_address, phone_number

# Characters of a number that say where it is of.
_OF_COUNTRY: Final = 6
_LONGEST_LOCAL: Final = 64  # RFC 5321, 4.5.3.1.1
_LONGEST: Final = 254

_possible: set[tuple[str, int]] = set()


def _phone_fits(number: str) -> bool:
    """Whether there can be such a number: how long one is depends on how it begins."""
    kind = (number[:_OF_COUNTRY], len(number))
    if not number or kind in _possible:
        return True
    fits = phone_number(number) is not None
    if fits:
        _possible.add(kind)
    return fits


def _email_fits(address: str) -> bool:
    """Whether a mail server could take it; its characters have been looked at."""
    local, _, domain = address.rpartition("@")
    if not address:
        return True
    dotted = not local.startswith(".") and not local.endswith(".") and ".." not in local
    return dotted and len(local) <= _LONGEST_LOCAL and len(address) <= _LONGEST and _domain_fits(domain)


@lru_cache(10_000)
def _domain_fits(domain: str) -> bool:
    return mail_address(f"a@{domain}") is not None


# By column; an empty cell fits.
ADDRESSES: Final[Mapping[str, Callable[[str], bool]]] = {"phone": _phone_fits, "email": _email_fits}
