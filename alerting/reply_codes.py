"""Reply codes: what an alert carries where a link with all that it stands for is too long, as in a text (pure).

A code names one notice, by a message authentication code of its id, and the partition of the ledger that it stands in:
`K7QF2-MXA9B-3`. Whoever has no notice cannot make one up, and what it stands for is in the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Crockford's base 32: no letter that is taken for a figure; https://www.crockford.com/base32.html
_FIGURES: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
# 50 bits: of a hundred thousand notices one is hit once in ten billion guesses, each of which has the ledger read.
_MARK: Final = 10
_MOST_PARTITION: Final = 4


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """What a code says.

    Attributes:
        mark: Of the notice.
        partition: Of the ledger.
    """

    mark: str
    partition: int

    def __str__(self) -> str:
        """As it stands in a link."""
        return f"{self.mark}{_written(self.partition)}"

    @property
    def spaced(self) -> str:
        """As it is read out."""
        text = str(self)
        return "-".join((text[:5], text[5:_MARK], text[_MARK:]))


def code_of(notice: str, partition: int, key: bytes) -> ReplyCode:
    """The code of a notice.

    Args:
        notice: Its id.
        partition: Of its entry.
        key: Of the settings, the first.
    """
    return ReplyCode(_mark(notice, key), partition)


def understood(text: str) -> ReplyCode | None:
    """What somebody typed, or a link holds; None where it is no code."""
    figures = text.strip().replace("-", "").replace(" ", "").upper().translate(_MISREAD)
    mark, partition = figures[:_MARK], figures[_MARK:]
    if not 1 <= len(partition) <= _MOST_PARTITION or len(mark) < _MARK or not set(figures) <= set(_FIGURES):
        return None
    number = 0
    for figure in partition:
        number = 32 * number + _FIGURES.index(figure)
    return ReplyCode(mark, number)


def is_of(code: ReplyCode, notice: str, keys: Sequence[bytes]) -> bool:
    """Whether a code was made of a notice's id, with any of the keys."""
    return any(hmac.compare_digest(code.mark, _mark(notice, key)) for key in keys)


def _mark(notice: str, key: bytes) -> str:
    digest = hmac.new(key, b"fraud-reply-code." + notice.encode(), hashlib.sha256).digest()
    number = int.from_bytes(digest[:8], "big")
    return "".join(_FIGURES[number >> 5 * place & 31] for place in range(_MARK))


def _written(number: int) -> str:
    figures = ""
    while not figures or number:
        number, figure = divmod(number, 32)
        figures = _FIGURES[figure] + figures
    return figures
