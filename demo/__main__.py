"""`python -m demo`: learn, score and alert on this machine, from nothing to counts that tie.

Exit status: 0 the counts tie; 1 they do not, or a process failed; 2 for the user to mend; 128 and the signal's
number where one ended it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.console import configure_logging, say_error
from demo.board import Board
from demo.isolation import isolate
from demo.kafka.jars import DEFAULT_CACHE
from demo.processes import ChildFailed
from demo.signals import Interrupted, interruptible, undisturbed
from demo.story import BrokerKind, Plan, Story
from demo.summary import print_summary
from demo.tally import discrepancies
from demo.workspace import FOLDER, workspace
from model.errors import Mendable
from stream.errors import WorkerFailed
from stream.settings import LogSettings

_FAILED: Final = 1
_TO_MEND: Final = 2
_BY_SIGNAL: Final = 128


class CountsDoNotTie(Exception):
    """The summary has said which."""


def demo(
    *,
    data: Annotated[Path | None, typer.Option(help="Labelled transactions: .csv, .csv.gz or .parquet.")] = None,
    profile: Annotated[str | None, typer.Option(help="Their profile; otherwise the shipped one that fits.")] = None,
    broker: Annotated[
        BrokerKind, typer.Option(help="The embedded broker for a first look, or a real Kafka (needs Java 17 and mvn).")
    ] = BrokerKind.EMBEDDED,
    transactions: Annotated[int, typer.Option(min=1, help="How many of the latest are streamed.")] = 8000,
    learn_from: Annotated[int, typer.Option(min=1, help="How many before them are learnt from at most.")] = 150_000,
    rate: Annotated[float, typer.Option(min=1, help="Transactions a second.")] = 500.0,
    jars: Annotated[Path, typer.Option(help="Where a real Kafka's jars are kept.")] = DEFAULT_CACHE,
) -> None:
    """Learn from labelled transactions, score later ones live, tell four channels of the frauds, and count."""
    configure_logging(LogSettings(level="error", format="console"))
    # The receivers' libraries log into this process, but what they have to say is in the counts.
    logging.getLogger().addHandler(logging.NullHandler())
    isolate(os.environ)
    console = Console()
    board = Board(console, timer=time.monotonic)
    started = time.monotonic()
    plan = Plan(data, profile, broker, live_rows=transactions, most_past_rows=learn_from, rate=rate, jars=jars)
    with undisturbed(), workspace() as work:
        with ExitStack() as cleanup, interruptible():
            outcome = Story(plan, environ=os.environ, work=work, board=board, cleanup=cleanup).play()
        print_summary(outcome, console)
        board.say(f"All of it took {time.monotonic() - started:.0f} s.")
        if discrepancies(outcome):
            raise CountsDoNotTie


def run() -> int:
    """Runs the demo and returns the exit status."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(demo)
    try:
        app(prog_name="python -m demo")
    except Interrupted as end:
        say_error(f"ended by {end}; nothing is left behind")
        return _BY_SIGNAL + end.number
    except CountsDoNotTie:
        say_error(f"the counts do not tie; logs are in {FOLDER}")
        return _FAILED
    except ChildFailed as failure:
        say_error(f"{failure}\nlogs are in {FOLDER}")
        return _TO_MEND if failure.status == _TO_MEND else _FAILED
    except WorkerFailed as failure:
        say_error(str(failure))
        return _FAILED
    except Mendable as mendable:
        say_error(str(mendable))
        return _TO_MEND
    return 0


if __name__ == "__main__":
    sys.exit(run())
