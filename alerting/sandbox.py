"""Where templates run: they see what they are given, call nothing, and end.

A bank writes its templates, and a slip in one must neither stop the worker nor take its memory: attributes that begin
with an underscore, calls of Python, multiplied texts, long loops and long outputs are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import FileSystemLoader, StrictUndefined, Template, Undefined, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT: Final = 60_000
_MOST_TURNS: Final = 10_000
_FILTERS: Final = (
    "capitalize", "count", "default", "e", "escape", "first", "join", "last", "length", "list", "lower",
    "replace", "reverse", "title", "trim", "truncate", "upper", "urlencode", "wordwrap",
)  # fmt: skip


class OutputTooLong(Exception):
    """A template that writes without end."""


class LoopTooLong(Exception):
    """A template that counts without end."""


def open_sandbox(folders: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """The environment that compiles templates.

    Args:
        folders: Where they are; the first that has a file has it.
    """
    environment = _Sandbox(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {"zoned": zoned}
    return environment


def rendered(template: Template, values: dict[str, Any]) -> str:
    """What a template makes of values.

    Raises:
        OutputTooLong: It is longer than `LONGEST_OUTPUT`.
        LoopTooLong: It counts further than ten thousand in all.
        Exception: Whatever else a template may raise.
    """
    pieces: list[str] = []
    length = 0
    for piece in template.generate({**values, "range": _Turns()}):
        length += len(piece)
        if length > LONGEST_OUTPUT:
            raise OutputTooLong(f"more than {LONGEST_OUTPUT} characters")
        pieces.append(piece)
    return "".join(pieces)


def zoned(moment: datetime, zone: str, pattern: str = "%Y-%m-%d %H:%M %Z") -> str:
    """A time where people live.

    A filter of templates: `{{ alert.event_time | zoned("Europe/Berlin") }}`.

    Args:
        moment: With a zone.
        zone: Of the IANA database.
        pattern: As `datetime.strftime` has it.
    """
    return moment.astimezone(ZoneInfo(zone)).strftime(pattern)


class _Turns:
    """`range`, for one rendering."""

    def __init__(self) -> None:
        self._left = _MOST_TURNS

    def __call__(self, *bounds: int) -> range:
        turns = range(*bounds)
        self._left -= len(turns)
        if self._left < 0:
            raise LoopTooLong(f"range counts further than {_MOST_TURNS}")
        return turns


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_callable(self, obj: Any) -> bool:
        # No method of a text or a date: it can be asked for any number of characters. What is undefined says so itself.
        return isinstance(obj, Macro | BlockReference | _Turns | Undefined)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(value, int | float) for value in (left, right)):
            raise SecurityError(f"'{operator}' takes numbers only, and '**' none")
        return super().call_binop(context, operator, left, right)
