"""`fraud alerts held`: what limits, groups, silences and answers held back."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.console import err, open_table, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.ledger.entries import Delivery

_LISTED: Final = 20
_UNCOUNTED: Final = frozenset({"silence", "acknowledged", "blocked"})


class PeriodUnclear(Mendable):
    """A period that is none."""


def held(
    since: Annotated[str, typer.Option("--since", metavar="PERIOD", help="How far back: 30m, 24h, 7d.")] = "24h",
    most: Annotated[int, typer.Option("--most", min=0, help="How many of the latest are listed.")] = _LISTED,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Count and list what was held back, and why: by a group, a limit, a storm, a silence, an answer or a block.

    What a group, a limit or a storm held back is counted in a digest; what people wanted held back is in none.
    """
    from alerting.ledger.entries import State
    from alerting.ledger.reading import all_deliveries
    from alerting.routing.units import seconds

    back = seconds(since)
    if not back:
        raise PeriodUnclear(f"{since!r} is no period", remedy="write 30m, 24h or 7d")
    settings = read_settings(config, assignments, bootstrap_servers)
    clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    begin = datetime.now(UTC) - timedelta(seconds=back)
    found = all_deliveries(
        settings.kafka,
        settings.topics.alert_ledger,
        wanted=lambda one: one.state is State.PARKED and one.changed_at >= begin,
    )
    found.sort(key=lambda one: one.changed_at, reverse=True)
    counts = Counter((one.held or "", one.receiver, one.channel) for one in found)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "since": begin.isoformat(),
                    "counts": [
                        {"reason": str(reason), "receiver": receiver, "channel": channel, "notices": count}
                        for (reason, receiver, channel), count in sorted(counts.items())
                    ],
                    "latest": [_as_json(one) for one in found[:most]],
                }
            )
        )
        return
    if not found:
        err.print(f"nothing was held back in the last {since}", markup=False, highlight=False)
        return
    _print(counts, found[:most], since)


def _print(counts: Counter[tuple[str, str, str]], latest: list[Delivery], since: str) -> None:
    table = open_table(f"held back in the last {since}")
    for column in ("reason", "receiver", "channel"):
        table.add_column(column)
    table.add_column("notices", justify="right")
    for (reason, receiver, channel), count in sorted(counts.items()):
        table.add_row(str(reason), receiver, channel, f"{count:,}")
    print_table(table)
    if not latest:
        return
    listed = open_table(f"the latest {len(latest)}")
    for column in ("at", "reason", "receiver", "channel", "recipient", "what"):
        listed.add_column(column)
    for one in latest:
        at = one.changed_at.strftime("%Y-%m-%d %H:%M:%SZ")
        listed.add_row(at, str(one.held or ""), one.receiver, one.channel, one.recipient, _what(one))
    print_table(listed)


def _what(one: Delivery) -> str:
    return one.transaction_id or (f"a digest of {one.tally.count}" if one.tally is not None else "")


def _as_json(one: Delivery) -> dict[str, object]:
    return {
        "at": one.changed_at.isoformat(),
        "reason": str(one.held or ""),
        "receiver": one.receiver,
        "channel": one.channel,
        "recipient": one.recipient,
        "transaction_id": one.transaction_id,
        "counts": None if one.tally is None else one.tally.count,
        "told_in_a_digest": (one.held or "") not in _UNCOUNTED,
    }
