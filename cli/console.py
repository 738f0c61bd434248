"""Where things are printed: data to stdout, everything else to stderr."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from rich.console import Console

from stream.settings import LogSettings

# What is printed comes from data: no bracket in a name is a command to Rich.
out: Final = Console(markup=False)
err: Final = Console(stderr=True, markup=False)


def say_error(message: str) -> None:
    """One line on stderr, never wrapped or interpreted."""
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False, highlight=False, soft_wrap=True)


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # librdkafka's own lines repeat what its callbacks report: they are for debugging.
    client = logging.getLogger("librdkafka")
    client.propagate = False
    client.setLevel(logging.DEBUG)
    client.handlers = [logging.StreamHandler() if settings.level == "debug" else logging.NullHandler()]
