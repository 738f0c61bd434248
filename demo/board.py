"""What people see while the demo runs: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from demo.progress import Progress

_BAR_WIDTH: Final = 40
_TABLE_EVERY_S: Final = 0.25
_LINE_EVERY_S: Final = 5.0


class Board:
    """Shows phases, then the stream.

    Args:
        console: Where to.
        timer: Monotonic seconds.
    """

    def __init__(self, console: Console, timer: Callable[[], float]) -> None:
        self._console = console
        self._timer = timer
        self._live: Live | None = None
        self._shown_at = float("-inf")

    def say(self, text: str) -> None:
        """A line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, doing: str, done: str) -> Iterator[None]:
        """Says what goes on, and afterwards what was done and how long it took."""
        started = self._timer()
        if self._console.is_terminal:
            with self._console.status(doing):
                yield
        else:
            self.say(f"{doing} ...")
            yield
        self.say(f"{done} ({self._timer() - started:.1f} s)")

    @contextmanager
    def stream(self) -> Iterator[None]:
        """While the block runs, `show` shows."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False) as self._live:
            yield
        self._live = None

    def is_due(self) -> bool:
        """Whether it is time to show something again."""
        return self._timer() - self._shown_at >= (_TABLE_EVERY_S if self._live else _LINE_EVERY_S)

    def show(self, progress: Progress) -> None:
        """Shows how far the stream has come."""
        self._shown_at = self._timer()
        if self._live is not None:
            self._live.update(_table(progress), refresh=True)
        else:
            self.say(_line(progress))


def _line(progress: Progress) -> str:
    told = ", ".join(f"{channel} {count:,}" for channel, count in progress.told.items())
    return (
        f"{progress.sent:,} of {progress.expected:,} transactions, {progress.verdicts:,} verdicts, "
        f"{progress.frauds:,} of them fraud; delivered: {told}"
    )


def _table(progress: Progress) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(width=_BAR_WIDTH)

    def row(name: str, count: int, of: int) -> None:
        table.add_row(name, f"{count:,} of {of:,}", ProgressBar(total=max(of, 1), completed=count, width=_BAR_WIDTH))

    row("transactions", progress.sent, progress.expected)
    row("verdicts", progress.verdicts, progress.expected)
    table.add_row("  fraud", f"{progress.frauds:,}", "")
    for channel, count in progress.told.items():
        row(f"  told by {channel}", count, progress.frauds)
    return table
