"""`fraud topics`: the topics as the system needs them, and who may do what with them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.table import Table

from cli.console import err, open_table, out, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from stream import kafka as clients
from stream.acls import Grant, alert_grants, desk_grants, operator_grants, scorer_grants, shell_line
from stream.errors import Mendable
from stream.topics import create_topics, plan_topics

app = typer.Typer(help="Make the topics, and say what grants they need.", no_args_is_help=True)

GIVE_UP_AFTER_S: Final = 30.0


class OutputUnclear(Mendable):
    """Two forms of output are asked for at once."""


@app.callback()
def topics() -> None:
    """Make the topics, and say what grants they need."""


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


@app.command()
def acls(
    principal: Annotated[
        str, typer.Option(help="Who scores, as the broker calls them: User:scorer.", show_default=False)
    ],
    alert_principal: Annotated[
        str | None, typer.Option(help="Who tells people (`fraud alert`).", show_default=False)
    ] = None,
    operator: Annotated[
        str | None, typer.Option(help="Who makes the topics (`fraud topics create`).", show_default=False)
    ] = None,
    desk_principal: Annotated[
        str | None,
        typer.Option(help="Who works by hand (`fraud dlq`, `fraud rescore`, `fraud diff`).", show_default=False),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="The scorer writes a challenger's verdicts as well.")
    ] = False,
    as_shell: Annotated[bool, typer.Option("--shell", help="Print lines for Kafka's kafka-acls.sh.")] = False,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Print what each process must be granted on a broker with ACLs, and nothing more. The broker is not asked."""
    if as_shell and as_json:
        raise OutputUnclear("--shell and --json are both given", remedy="give one of them")
    settings = read_settings(config, assignments, bootstrap_servers)
    grants = scorer_grants(principal, settings.topics, settings.scorer, shadow=shadow)
    if alert_principal is not None:
        grants += alert_grants(alert_principal, settings.topics, settings.alerts.group_id)
    if desk_principal is not None:
        grants += desk_grants(desk_principal, settings.topics, settings.scorer)
    if operator is not None:
        made = [plan.name for plan in plan_topics(settings.topics, partitions=1, replicas=1)]
        grants += operator_grants(operator, made)
    if as_shell:
        for grant in grants:
            typer.echo(shell_line(grant, settings.kafka.bootstrap_servers))
    elif as_json:
        typer.echo(json.dumps({"grants": [asdict(grant) for grant in grants]}))
    else:
        _print_grants(grants)


def _print_grants(grants: list[Grant]) -> None:
    table = open_table("grants")
    for heading in ("principal", "may", "resource", "name"):
        table.add_column(heading)
    for grant in grants:
        name = f"{grant.name}*" if grant.pattern == "prefixed" else grant.name
        table.add_row(grant.principal, grant.operation, grant.resource, name)
    print_table(table)


def _kept(config: Mapping[str, str]) -> str:
    """How long a topic keeps its records, for people."""
    if config["cleanup.policy"] == "compact":
        return "for good, the last of a key"
    if (size := config.get("retention.bytes")) is not None:
        return f"{int(size) // 2**30} GiB a partition"
    age_ms = int(config["retention.ms"])
    return "for good" if age_ms < 0 else f"{age_ms // 86_400_000} days"
