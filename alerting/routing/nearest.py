"""Names and values in the words of problems: an address or a secret that stands there by mistake is not repeated."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from alerting.text import masked_account, one_line

_NAME: Final = re.compile(r"[^\W\d][\w. -]{0,39}")
_NUMBERLIKE: Final = re.compile(r"[0-9]{4}")
_SECRET: Final = re.compile(r"@|://|whsec_")
_MOST_LISTED: Final = 20
_LONGEST_SHOWN: Final = 60
# A phone number has seven digits at least.
_FEWEST_DIGITS: Final = 7


def hint(name: str, known: Iterable[str]) -> str:
    """What may be written instead, as a remedy."""
    names = sorted(known)
    fit = [one for one in names if _is_name(one)]
    close = get_close_matches(name, fit, n=1)
    if close:
        return f"the nearest that exists is '{close[0]}'"
    if not names:
        return "there are none"
    listed = fit[:_MOST_LISTED]
    left_out = len(names) - len(listed)
    if not listed:
        return f"there are {left_out}, of names that are not repeated here"
    return f"there are {', '.join(listed)}" + (f" and {left_out} more" if left_out else "")


def quoted(name: str) -> str:
    """A name that looks like one, in quotes; an address or an account's number may stand where one is meant."""
    return f"'{name}'" if _is_name(name) else "of that name"


def presentable(value: str) -> str:
    """A value in one line; what looks like an address, a secret or an account's number is masked."""
    if _SECRET.search(value):
        return "****"
    if sum(character.isdigit() for character in value) >= _FEWEST_DIGITS:
        return masked_account(value)
    return one_line(value, _LONGEST_SHOWN)


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and not _NUMBERLIKE.search(text) and not _SECRET.search(text)
