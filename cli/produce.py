"""`fraud produce`: a labelled file as a live stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.console import err
from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from cli.settings import Settings
from cli.stopping import stop_on_signals
from cli.topics import GIVE_UP_AFTER_S

if TYPE_CHECKING:
    from model.data.dataset import Dataset
    from model.profile import Profile

# What shells give a process that Ctrl-C ended: a script must not take half a replay for a whole one.
INTERRUPTED: Final = 130


def produce(
    data: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Shipped profile, or a TOML file.", show_default=False)],
    rate: Annotated[float, typer.Option(help="Records a second; 0 is as fast as the broker takes them.")] = 100.0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The earliest so many rows only.", show_default=False)
    ] = None,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Replay a labelled file to the transactions topic, without the label, in the order of its time."""
    settings = read_settings(config, assignments, bootstrap_servers)

    from model.data.dataset import read_dataset
    from model.profile import load_profile

    columns = load_profile(profile)
    send_dataset(read_dataset(data, columns, need_labels=False), columns, settings, rate=rate, limit=limit)


def send_dataset(
    dataset: Dataset, profile: Profile, settings: Settings, *, rate: float, limit: int | None = None
) -> None:
    """Sends the rows to the transactions topic with a progress bar, and says how many the broker has."""
    from stream import kafka as clients
    from stream.replay import send, transactions_of

    stop = stop_on_signals()
    topic = settings.topics.transactions
    cluster = clients.reach_broker(settings.kafka, stop=stop, give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is None:
        raise typer.Exit(INTERRUPTED)
    clients.require_topics(cluster, [topic])
    total = len(dataset) if limit is None else min(limit, len(dataset))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"to {topic}", total=total)
        sent = send(
            transactions_of(dataset, profile, topic=topic, limit=limit),
            clients.producer(settings.kafka),
            rate=rate,
            stop=stop,
            progress=lambda count: bar.update(task, completed=count),
        )
    if sent < total:
        err.print(f"interrupted: {sent} of {total} transactions sent to {topic}", highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED)
    err.print(f"{sent} transactions sent to {topic}", highlight=False, soft_wrap=True)
