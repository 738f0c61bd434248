"""Where things are printed: data to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Final

import structlog
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from stream.settings import LogSettings

# What is printed comes from data: no bracket in a name is a command to Rich.
out: Final = Console(markup=False)
err: Final = Console(stderr=True, markup=False)


def open_table(title: str) -> Table:
    """A table without a frame, which leaves the width to what is in it."""
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))


def print_table(table: Table) -> None:
    """Prints a table after an empty line: wider than the terminal rather than with words or figures cut."""
    for column in table.columns:
        # Rich narrows the widest column first, beneath its longest word while others could be wrapped.
        words = (word for cell in column.cells if isinstance(cell, str) for word in cell.split())
        column.min_width = max(column.min_width or 0, *map(cell_len, words), 1)
    least = out.measure(table, options=out.options.update(max_width=sys.maxsize)).minimum
    if least > out.width:
        table.width = least
    out.print()
    out.print(table, crop=False)


def say_error(message: str) -> None:
    """One line on stderr, never wrapped or interpreted."""
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False, highlight=False, soft_wrap=True)


def note(message: str) -> None:
    """One line on stderr about what keeps nothing from going on."""
    err.print(f"note: {message}", markup=False, highlight=False, soft_wrap=True)


def configure_logging(settings: LogSettings) -> None:
    """Logs to stderr: for people on a terminal, as JSON lines elsewhere, unless the settings say otherwise."""
    to_people = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor
    if to_people:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    else:
        renderer = structlog.processors.JSONRenderer()
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A line and its end in one write: several processes share a stderr, which may have no buffer.
        logger_factory=structlog.WriteLoggerFactory(_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=True,
    )
    # librdkafka's own lines repeat what its callbacks report: they are for debugging.
    client = logging.getLogger("librdkafka")
    client.propagate = False
    client.setLevel(logging.DEBUG)
    client.handlers = [logging.StreamHandler() if settings.level == "debug" else logging.NullHandler()]


class _Stderr:
    """The process's stderr, whichever it is by then.

    A line that it does not take (a full disk, a reader that is gone) is lost, and the work goes on.
    """

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
