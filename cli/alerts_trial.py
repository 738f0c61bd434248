"""`fraud alerts test`: one receiver is sent a test alert, marked as one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.alert_settings import read_alert_settings
from cli.console import open_table, print_table
from cli.options import ConfigOption, JsonOption, SetOption
from stream.errors import Mendable


class NoReceiver(Mendable):
    """The rules have no receiver of that name, or none whose people can be told."""


def try_out(
    receiver: Annotated[str, typer.Argument(help="As the routing file calls it; default where there is no file.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Send a receiver's people a test alert, marked as one; status 1 where somebody does not get it."""
    settings = read_alert_settings(config, assignments)

    from alerting.preparing import prepare
    from alerting.routing.masking import masked_address
    from alerting.routing.nearest import hint
    from alerting.trial import try_receiver

    with prepare(settings.alerts) as prepared:
        chosen = next((one for one in prepared.rules.receivers if one.name == receiver), None)
        if chosen is None:
            known = hint(receiver, (one.name for one in prepared.rules.receivers))
            raise NoReceiver(f"there is no receiver {receiver!r}", remedy=known)
        if not chosen.targets:
            raise NoReceiver(
                f"receiver {receiver!r} tells account holders alone, and a test is of no account",
                remedy="give one with people of the bank; `fraud alerts render --template holder` shows the words",
            )
        tried = try_receiver(chosen, prepared.channels, prepared.renderer, now=datetime.now(UTC))
    rows = [
        {
            "channel": one.target.channel,
            "recipient": masked_address(one.target.channel, one.target.recipient.address),
            "outcome": "accepted" if one.failure is None else one.failure.reason.value,
            "detail": one.provider_id if one.failure is None else one.failure.message,
        }
        for one in tried
    ]
    if as_json:
        typer.echo(json.dumps({"receiver": receiver, "told": rows}))
    else:
        table = open_table(f"test alert to {receiver}")
        for column in ("channel", "recipient", "outcome", "detail"):
            table.add_column(column)
        for row in rows:
            table.add_row(*map(str, row.values()))
        print_table(table)
    if any(one.failure is not None for one in tried):
        raise typer.Exit(1)
