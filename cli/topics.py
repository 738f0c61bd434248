"""`fraud topics`: the topics as the system needs them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Annotated, Final

import typer
from rich.table import Table

from cli.console import err, out
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from stream import kafka as clients
from stream.topics import create_topics, plan_topics

app = typer.Typer(help="Make the topics.", no_args_is_help=True)

GIVE_UP_AFTER_S: Final = 30.0


@app.callback()
def topics() -> None:
    """Make the topics."""


@app.command()
def create(
    partitions: Annotated[
        int, typer.Option(min=1, help="Of transactions, verdicts and dead letters: the most workers that can share.")
    ] = 6,
    replicas: Annotated[int, typer.Option(help="Copies of each partition; -1 is the broker's default.")] = -1,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Create the topics that do not exist yet, with explicit partitions, retention and clean-up policy."""
    settings = read_settings(config, assignments, bootstrap_servers)
    clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    plans = plan_topics(settings.topics, partitions=partitions, replicas=replicas)
    states = create_topics(clients.admin(settings.kafka), plans)
    if as_json:
        rows = [
            {"topic": state.plan.name, "made": state.made, "partitions": state.partitions, **state.plan.config}
            for state in states
        ]
        typer.echo(json.dumps({"topics": rows}))
        return
    table = Table("topic", "", "partitions", "retention", "longest record")
    for state in states:
        kept = _kept(state.plan.config)
        longest = state.plan.config.get("max.message.bytes")
        table.add_row(
            state.plan.name,
            "created" if state.made else "already there",
            str(state.partitions),
            kept if state.made else "as it was",
            (f"{int(longest) // 1_048_576} MiB" if longest else "broker's default") if state.made else "as it was",
        )
    out.print(table)
    for state in states:
        if state.partitions != state.plan.partitions:
            err.print(
                f"note: {state.plan.name} has {state.partitions} partitions, not {state.plan.partitions}: left so",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _kept(config: Mapping[str, str]) -> str:
    """How long a topic keeps its records, for people."""
    if config["cleanup.policy"] == "compact":
        return "for good, the last of a key"
    days = int(config["retention.ms"]) // 86_400_000
    return f"{days} days" if days > 0 else f"{int(config['retention.bytes']) // 2**30} GiB a partition"
