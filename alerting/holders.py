"""How an account's holder can be told, where the transaction says so (pure)."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from alerting.accounts import Account
from alerting.routing.domains import LOCALE
from alerting.routing.forms import mail_address, phone_number
from stream.contracts import Holder

# Each is asked for several times in the life of a notice, and looking at one takes longer than all else.
_phone = lru_cache(10_000)(phone_number)
_email = lru_cache(10_000)(mail_address)


def complemented(account: Account, holder: Holder) -> Account:
    """The account with what only the transaction says of its holder.

    What the bank's own file has comes first: a transaction that is suspected is no witness against it. An address that
    is none is left out, and the holder cannot be told there.

    Args:
        account: From the accounts file.
        holder: From the verdict; anything may stand there.
    """
    return replace(
        account,
        phone=account.phone or (_phone(holder.phone) if holder.phone else None),
        email=account.email or (_email(holder.email) if holder.email else None),
        locale=account.locale or _locale(holder.locale),
    )


def _locale(said: str | None) -> str | None:
    return said if said is not None and re.fullmatch(LOCALE, said, re.ASCII) else None
