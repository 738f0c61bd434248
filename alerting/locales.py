"""Which language is taken where the one that is wanted is not there."""

from __future__ import annotations

from typing import Final

DEFAULT_LOCALE: Final = "en"


def canonical(locale: str) -> str:
    """One spelling for all: `de_AT` is `de-at`."""
    return locale.strip().replace("_", "-").lower()


def fallbacks(locale: str) -> tuple[str, ...]:
    """What is asked for in turn, in canonical spelling: `de-AT` gives `de-at`, `de`, `en`."""
    subtags = canonical(locale).split("-")[:4]
    chain = ["-".join(subtags[:end]) for end in range(len(subtags), 0, -1)]
    return tuple(dict.fromkeys([*chain, DEFAULT_LOCALE]))
