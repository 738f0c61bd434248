"""Reply codes: what an alert carries where a link with all that it stands for is too long, as in a text (pure).

A code names one notice, by a message authentication code of its id and another of that, and the partition of the ledger
that it stands in: `K7QF2-MXA9B-7T3`. Whoever has no notice cannot make one up, and has not even the ledger read for it
but for one guess in thirty thousand.
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
# 45 bits name a notice, 15 more say that they were not made up.
_MARK: Final = 9
_CHECK: Final = 3
_HEAD: Final = _MARK + _CHECK
_MOST_PARTITION: Final = 4


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """What a code says.

    Attributes:
        mark: Of the notice, and its check.
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
        return "-".join((text[:5], text[5:10], text[10:]))


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
    mark, partition = figures[:_HEAD], figures[_HEAD:]
    if not 1 <= len(partition) <= _MOST_PARTITION or len(mark) < _HEAD or not set(figures) <= set(_FIGURES):
        return None
    number = 0
    for figure in partition:
        number = 32 * number + _FIGURES.index(figure)
    return ReplyCode(mark, number)


def is_ours(code: ReplyCode, keys: Sequence[bytes]) -> bool:
    """Whether a code was made with any of the keys, as far as that can be said without its notice."""
    mark, check = code.mark[:_MARK], code.mark[_MARK:]
    return any(hmac.compare_digest(check, _check(mark, key)) for key in keys)


def is_of(code: ReplyCode, notice: str, keys: Sequence[bytes]) -> bool:
    """Whether a code was made of a notice's id, with any of the keys."""
    return any(hmac.compare_digest(code.mark, _mark(notice, key)) for key in keys)


def _mark(notice: str, key: bytes) -> str:
    mark = _figures(key, f"fraud-reply-code.{notice}", _MARK)
    return mark + _check(mark, key)


def _check(mark: str, key: bytes) -> str:
    return _figures(key, f"fraud-reply-code-check.{mark}", _CHECK)


def _figures(key: bytes, of: str, count: int) -> str:
    number = int.from_bytes(hmac.new(key, of.encode(), hashlib.sha256).digest()[:8], "big")
    return "".join(_FIGURES[number >> 5 * place & 31] for place in range(count))


def _written(number: int) -> str:
    figures = ""
    while not figures or number:
        number, figure = divmod(number, 32)
        figures = _FIGURES[figure] + figures
    return figures
