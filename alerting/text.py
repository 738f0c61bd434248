"""Strings that a producer chose, made fit to be said: no control characters, no length without end, no account number.

Nothing here raises: whatever came through the stream can be shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

# What a text message holds, and what two hold that are shown as one: each gives up seven for a header (3GPP TS 23.040).
ONE_SEGMENT: Final = 160
_JOINED_SEGMENT: Final = 153
TWO_SEGMENTS: Final = 2 * _JOINED_SEGMENT
# What a channel may append to recognise its message by: " #a1b2c3d4".
REFERENCE_SEPTETS: Final = 10

_ELLIPSIS: Final = "..."
_MASK: Final = "****"
# Fewer characters than this, and four of them would be most of the number.
_SHORTEST_SHOWN: Final = 8
_MASKED: Final = re.compile(r"\*{4}[^\W_]{0,4}")

# 3GPP TS 23.038, 6.2.1: the default alphabet and, at two septets each, its extension. Line breaks are left out.
_GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION: Final = frozenset("^{}\\[~]|€")
# What people and their editors write, and the alphabet of text messages has another form of.
_TYPEWRITTEN: Final = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "…": "...", "\xa0": " "}  # noqa: RUF001
)


def masked_account(account: str) -> str:
    """The last four letters or digits behind asterisks; nothing of an account that is short.

    What is masked already stays as it is.
    """
    if _MASKED.fullmatch(account):
        return account
    significant = [character for character in account if character.isalnum()]
    shown = "".join(significant[-4:]) if len(significant) >= _SHORTEST_SHOWN else ""
    return _MASK + shown


def masked_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields of a group by name, the account's number masked."""
    return {name: masked_account(value) if name == "account_id" else value for name, value in fields.items()}


def one_line(text: str, longest: int) -> str:
    """The text in one line of at most `longest` characters.

    Line breaks, control and format characters (those that turn the direction of writing included) become
    question marks: a mail's header or a terminal would act on them.
    """
    # Categories C*: control, format, surrogate, private, unassigned; Zl and Zp: line and paragraph separators.
    if text.isprintable():
        return clipped(text, longest)
    shown = (
        "?" if (category := unicodedata.category(character))[0] == "C" or category in ("Zl", "Zp") else character
        for character in text[: longest + 1]
    )
    return clipped("".join(shown), longest)


def clipped(text: str, longest: int) -> str:
    """The text, or its beginning and three dots where it is longer."""
    return text if len(text) <= longest else text[: longest - len(_ELLIPSIS)] + _ELLIPSIS


def gsm7(text: str) -> str:
    """The text in the alphabet of text messages; accents go where the letter stays, the rest is a question mark."""
    typed = text.translate(_TYPEWRITTEN)
    return "".join(character if _is_gsm7(character) else _unaccented(character) for character in typed)


def septets(text: str) -> int:
    """How much of a text message's 160 septets a GSM-7 text takes."""
    return sum(2 if character in _GSM_EXTENSION else 1 for character in text)


def clipped_septets(text: str, most: int) -> str:
    """As `clipped`, in septets of a GSM-7 text as segments hold them: both of a character's stand in the same one."""
    room = most - len(_ELLIPSIS)
    taken, kept = 0, 0
    for position, character in enumerate(text):
        width = septets(character)
        # The septet before the segment's end stays empty where two do not fit.
        taken += width + (width > 1 and taken % _JOINED_SEGMENT == _JOINED_SEGMENT - 1)
        if taken <= room:
            kept = position + 1
        if taken > most:
            return text[:kept] + _ELLIPSIS
    return text


def _is_gsm7(character: str) -> bool:
    return character in _GSM_BASIC or character in _GSM_EXTENSION


def _unaccented(character: str) -> str:
    letter = unicodedata.normalize("NFKD", character)[:1]
    return letter if letter in _GSM_BASIC else "?"
