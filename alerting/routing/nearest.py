"""A name that does not exist, and the nearest that does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}", re.ASCII)
_NUMBERLIKE: Final = re.compile(r"[0-9]{4}")


def hint(name: str, known: Iterable[str]) -> str:
    """What may be written instead, as a remedy."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"the nearest that exists is '{close[0]}'"
    return f"there are {', '.join(names)}" if names else "there are none"


def quoted(name: str) -> str:
    """A name that looks like one, in quotes; an address or an account's number may stand where one is meant."""
    return f"'{name}'" if _NAME.fullmatch(name) and not _NUMBERLIKE.search(name) else "of that name"
