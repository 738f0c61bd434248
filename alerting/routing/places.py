"""Where something stands in the routing file, and what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A character of the file.

    Attributes:
        line: From 1.
        column: From 1.
    """

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


START: Final = Place(1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something to be mended. Quotes no address and no account number.

    Attributes:
        place: Where.
        message: What is wrong, and the remedy.
    """

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
