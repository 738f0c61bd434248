"""`fraud simulate`: labelled synthetic card transactions."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cli.console import err
from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from model.simulation_plan import ImpossiblePlan, SimulationPlan

if TYPE_CHECKING:
    import pandas as pd

    from cli.settings import Settings

_DEFAULT: Final = SimulationPlan()
_FIRST_DAY: Final = datetime.combine(_DEFAULT.start, time.min)


def simulate(
    out: Annotated[
        Path | None, typer.Option(help="File to write: .parquet, .csv or .csv.gz.", show_default=False)
    ] = None,
    to_topic: Annotated[
        bool, typer.Option("--to-topic", help="Send to the transactions topic, without labels.")
    ] = False,
    rate: Annotated[float, typer.Option(help="Records a second to the topic; 0 is as fast as it takes them.")] = 100.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same transactions.")] = 7,
    customers: Annotated[int, typer.Option(help="Each makes two transactions a day on average.")] = _DEFAULT.customers,
    terminals: Annotated[int, typer.Option(help="Where customers pay.")] = _DEFAULT.terminals,
    days: Annotated[int, typer.Option(help="How many days.")] = _DEFAULT.days,
    start: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="First day, from midnight UTC.",
            show_default=_DEFAULT.start.isoformat(),
        ),
    ] = _FIRST_DAY,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Make labelled synthetic card transactions with three kinds of fraud; train on them with --profile simulated."""
    from model.table_file import format_mistake, write_table

    plan = SimulationPlan(customers=customers, terminals=terminals, days=days, start=start.date())
    mistakes = plan.mistakes()
    if out is not None and (mistake := format_mistake(out)):
        mistakes.append(mistake)
    if out is None and not to_topic:
        mistakes.append("neither --out nor --to-topic (nowhere to go)")
    if mistakes:
        raise ImpossiblePlan(mistakes)
    settings = read_settings(config, assignments, bootstrap_servers) if to_topic else None
    transactions = simulated(plan, seed=seed)
    err.print(summary(transactions), markup=False, highlight=False, soft_wrap=True)
    if out is not None:
        write_table(transactions, out)
        err.print(f"written to {out}", markup=False, highlight=False, soft_wrap=True)
    if settings is not None:
        _send(transactions, settings, rate)


def _send(transactions: pd.DataFrame, settings: Settings, rate: float) -> None:
    from cli.produce import send_dataset
    from model.data.dataset import dataset_from_frame
    from model.profile import load_profile

    profile = load_profile("simulated")
    rows = dataset_from_frame(transactions, profile, need_labels=False, source="the simulation")
    send_dataset(rows, profile, settings, rate=rate)


def simulated(plan: SimulationPlan, *, seed: int) -> pd.DataFrame:
    """The plan's transactions, with a progress bar on stderr."""
    from model import simulation

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("simulating", total=1.0)
        return simulation.simulate(plan, seed=seed, progress=lambda share: bar.update(task, completed=share))


def summary(transactions: pd.DataFrame) -> str:
    """What was simulated, in one line: how many transactions from when to when, how many frauds of which kind."""
    if transactions.empty:
        return "no transactions: too few customers or days"
    kinds = transactions["fraud_kind"].value_counts()
    frauds = ", ".join(f"{kinds[kind]} {kind}" for kind in kinds.index if kind)
    first, last = transactions["event_time"].iloc[[0, -1]].dt.date
    share = transactions["is_fraud"].mean()
    return f"{len(transactions)} transactions, {first} to {last}, {share:.2%} fraud ({frauds or 'none'})"
