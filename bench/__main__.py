"""`make bench`: every contender on the same transactions and a real Kafka; one JSON line a figure, then tables.

Contenders are folders in bench/contenders, and one that cannot run here says why. The figures go to stdout, all else
to stderr.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import table
from bench.figures import print_line
from bench.materials import gather_materials
from bench.roster import CEILING, OURS, ROSTER, Contender, cache
from bench.run import Plan, Run
from bench.trial_run import Cluster
from cli.console import configure_logging, open_table
from demo.kafka.local import LocalKafka
from stream.settings import LogSettings

_DIFFERENT: Final = 200_000
_TITLES: Final = {contender.name: contender.title for contender in ROSTER}


def main() -> None:
    """Prints the figures."""
    options = _options()
    configure_logging(LogSettings(level="error"))
    # As Ctrl-C does: the broker and the contender end with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    lines: list[Mapping[str, Any]] = []
    with ExitStack() as ending:
        file = ending.enter_context(options.out.open("w")) if options.out else None
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="fraud-bench-")))
        broker = ending.enter_context(LocalKafka())
        profile = options.profile or ("ulb" if options.data else "simulated")
        _say("making the forest and the transactions")
        materials = gather_materials(folder, options.data, profile, rows=_DIFFERENT, cache=cache())

        def tell(line: Mapping[str, Any]) -> None:
            lines.append(line)
            print_line(line, file)

        plan = Plan(
            contenders=options.contenders,
            batches=options.batch,
            transactions=options.transactions,
            rates=options.rates,
            seconds=options.seconds,
        )
        run = Run(plan, Cluster(broker.bootstrap), materials, tell=tell, say=_say)
        run.throughput()
        run.latency()
    _print(lines)


def _print(lines: Sequence[Mapping[str, Any]]) -> None:
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    for found in (table.throughput_table(lines, _TITLES), table.latency_table(lines, _TITLES)):
        if not found.rows:
            continue
        drawn = open_table(found.title)
        for heading in found.headings:
            drawn.add_column(heading, justify="right" if heading else "left")
        for row in found.rows:
            drawn.add_row(*row)
        console.print()
        console.print(drawn)
        for note in found.notes:
            console.print(note)
    for line in table.histograms(lines, (CEILING.name, OURS.name), _TITLES):
        console.print(line)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    by_name = {contender.name: contender for contender in ROSTER}

    def contenders(names: str) -> list[Contender]:
        unknown = [name for name in names.split(",") if name not in by_name]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(by_name)}")
        return [by_name[name] for name in names.split(",")]

    def numbers(text: str) -> list[int]:
        return [int(part) for part in text.split(",") if part]

    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a file with labels; simulated without")
    parser.add_argument("--profile", help="what its columns are; ulb unless said")
    parser.add_argument("--contenders", type=contenders, default=list(ROSTER), help=f"of {','.join(by_name)}")
    parser.add_argument("--batch", type=numbers, default=[2000, 500], help="sizes; the first for latency too")
    parser.add_argument("--seconds", type=float, default=15, help="of each run")
    parser.add_argument("--transactions", type=int, default=800_000, help="that wait when a run begins")
    parser.add_argument(
        "--rates",
        type=numbers,
        default=[1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000],
        help="transactions a second for latency, ascending; '' leaves latency out",
    )
    parser.add_argument("--out", type=Path, help="file for the figures, beside stdout")
    return parser.parse_args()


if __name__ == "__main__":
    main()
