"""What one rendering of a template may use up: turns of loops, calls and characters. Past it the template fails.

The counts are of the rendering that runs in this thread; outside of one, as when a template is compiled, only what is
asked for at once is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

LONGEST_OUTPUT: Final = 60_000
MOST_TURNS: Final = 10_000
_MOST_CALLS: Final = 1_000
# Of all texts on the way to the output, which are joined, replaced and passed on.
_MOST_CHARACTERS: Final = 20 * LONGEST_OUTPUT


class OutputTooLong(Exception):
    """A template that writes without end."""


class LoopTooLong(Exception):
    """A template that counts without end."""


class CallsTooMany(Exception):
    """A template whose macros or inclusions call each other without end."""


@dataclass
class _Spent:
    turns: int = 0
    calls: int = 0
    characters: int = 0


_spent: ContextVar[_Spent | None] = ContextVar("spent", default=None)


@contextmanager
def one_rendering() -> Iterator[None]:
    """What is spent within is counted from nothing."""
    token = _spent.set(_Spent())
    try:
        yield
    finally:
        _spent.reset(token)


def spend_turn(written: int) -> None:
    """One turn of a loop, which writes so many characters by itself.

    Raises:
        LoopTooLong: It was one too many.
        OutputTooLong: It wrote too much.
    """
    spent = _spent.get() or _Spent()
    spent.turns += 1
    if spent.turns > MOST_TURNS:
        raise LoopTooLong(f"loops have {MOST_TURNS} turns in all")
    spend_characters(written)


def spend_call() -> None:
    """One call of a macro, or one inclusion of a template.

    Raises:
        CallsTooMany: It was one too many.
    """
    spent = _spent.get() or _Spent()
    spent.calls += 1
    if spent.calls > _MOST_CALLS:
        raise CallsTooMany(f"macros and templates are called {_MOST_CALLS} times in all")


def spend_characters(count: int) -> None:
    """A text that was made on the way to the output.

    Raises:
        OutputTooLong: It is longer than an output may be, or all of them together are too long.
    """
    require_short(count)
    spent = _spent.get()
    if spent is None:
        return
    spent.characters += count
    if spent.characters > _MOST_CHARACTERS:
        raise OutputTooLong(f"more than {_MOST_CHARACTERS} characters on the way")


def require_short(length: int) -> None:
    """A text that is still to be made.

    Raises:
        OutputTooLong: It would be longer than an output may be.
    """
    if length > LONGEST_OUTPUT:
        raise OutputTooLong(f"more than {LONGEST_OUTPUT} characters")
