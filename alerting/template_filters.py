"""The filters of templates, each with its bounds: no small text becomes a large one by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import wraps
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS

from alerting.budget import MOST_TURNS, LoopTooLong, require_short, spend_characters, spend_turn

TURNS: Final = "_turns"
_OF_TEXTS: Final = (
    "capitalize", "e", "escape", "lower", "replace", "title", "trim", "truncate", "upper", "urlencode", "wordwrap",
)  # fmt: skip
_OF_ANYTHING: Final = ("count", "default", "first", "last", "length", "list", "reverse")
_COMPOSED: Final = (dict, list, tuple, set, frozenset, range)
_STRFTIME: Final = re.compile(r"(?:[^%]|%[A-Za-z%]){1,100}")


def filters() -> dict[str, Callable[..., Any]]:
    """By name."""
    return {
        **{name: _bounded(FILTERS[name], of_texts=True) for name in _OF_TEXTS},
        **{name: _bounded(FILTERS[name], of_texts=False) for name in _OF_ANYTHING},
        "join": _bounded_join(FILTERS["join"]),
        "zoned": zoned,
        TURNS: _turns,
    }


def require_text(value: object) -> None:
    """Lists are not written: one that holds itself many times over has no end.

    Raises:
        SecurityError: It is one.
    """
    # Almost all are texts, and an alert has some hundred of them.
    if not isinstance(value, str) and isinstance(value, _COMPOSED):
        raise SecurityError("a list is no text: join it, or loop over it")


def zoned(moment: datetime, zone: str, pattern: str = "%Y-%m-%d %H:%M %Z") -> str:
    """A time where people live.

    A filter of templates: `{{ alert.event_time | zoned("Europe/Berlin") }}`.

    Args:
        moment: With a zone.
        zone: Of the IANA database.
        pattern: As `datetime.strftime` has it, without widths.

    Raises:
        SecurityError: The pattern is long, or asks for a width.
    """
    if not _STRFTIME.fullmatch(pattern):
        raise SecurityError("a pattern has letters behind % and 100 characters at most")
    return moment.astimezone(ZoneInfo(zone)).strftime(pattern)


def _turns(items: Iterable[Any], written: int) -> Iterator[Any]:
    """Stands around what every loop goes through; `written` is what its body writes by itself."""
    for item in items:
        spend_turn(written)
        yield item


def _bounded(function: Callable[..., Any], *, of_texts: bool) -> Callable[..., Any]:
    # What Jinja passes first, such as the environment, is not the value.
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def bounded(*given: Any, **named: Any) -> Any:
        value, others = given[place], [*given[place + 1 :], *named.values()]
        if of_texts:
            require_text(value)
        longest = max((len(one) for one in others if isinstance(one, str)), default=0)
        require_short(longest)
        if longest > 1 and hasattr(value, "__len__"):
            require_short(len(value) * longest // 10)
        return _spent(function(*given, **named))

    return bounded


def _bounded_join(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def joined(context: Any, items: Iterable[Any], d: str = "", attribute: str | int | None = None) -> Any:
        some = list(islice(items, MOST_TURNS + 1))
        if len(some) > MOST_TURNS:
            raise LoopTooLong(f"more than {MOST_TURNS} to join")
        for one in some:
            require_text(one)
        own = sum(len(one) for one in some if isinstance(one, str))
        require_short(own + len(str(d)) * len(some))
        return _spent(function(context, some, d, attribute))

    return joined


def _spent(made: Any) -> Any:
    if isinstance(made, str):
        spend_characters(len(made))
    return made
