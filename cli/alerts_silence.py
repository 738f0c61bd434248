"""`fraud alerts silence`: what people want no notices of, for a while, with author and reason."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cli.console import err, open_table, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.silencing import Silence
    from cli.settings import Settings

app = typer.Typer(help="Hold alerts back for a while, see what is held back, and end it.", no_args_is_help=True)

AuthorOption = Annotated[str, typer.Option("--author", help="Who answers for it.", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; whoever looks later reads it.", show_default=False)]


class SilenceUnclear(Mendable):
    """A silence that does not say of what, or for how long."""


class NoSilence(Mendable):
    """No silence has that id."""


@app.command()
def add(
    author: AuthorOption,
    reason: ReasonOption,
    match: Annotated[
        list[str] | None,
        typer.Option(
            "--match",
            metavar="FIELD=CONDITION",
            help="As in the routing file: severity=low, 'currency=[EUR, USD]'; all must hold.",
        ),
    ] = None,
    blocked: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="An account that is blocked already.", show_default=False)
    ] = None,
    lasting: Annotated[str, typer.Option("--for", metavar="DURATION", help="30s, 5m, 2h or 7d.")] = "2h",
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Hold back the alerts that match, from now on; they are counted and listed, and nobody is told."""
    if bool(match) == (blocked is not None):
        raise SilenceUnclear("a silence says of what", remedy="give --match FIELD=CONDITION, or --blocked ACCOUNT")
    settings = read_settings(config, assignments, bootstrap_servers)

    from alerting.silencing import LONGEST_AUTHOR, LONGEST_REASON, Kind, Silence, understood

    conditions: dict[str, list[str | None]] = _conditions(match) if match else {"account_id": [_account(blocked or "")]}
    understood(conditions)
    now = datetime.now(UTC)
    silence = Silence(
        id=str(uuid.uuid4()),
        kind=Kind.SILENCE if blocked is None else Kind.BLOCKED,
        conditions=conditions,
        author=_said("--author", author, LONGEST_AUTHOR),
        reason=_said("--reason", reason, LONGEST_REASON),
        created_at=now,
        starts_at=now,
        ends_at=now + _duration(lasting),
    )
    _write(settings, silence)
    typer.echo(silence.id)


@app.command("list")
def list_silences(
    every: Annotated[bool, typer.Option("--all", help="Those that have ended as well.")] = False,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """List what is held back, by whom, why and until when; account numbers are masked."""
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings)

    from alerting.silences import all_silences

    now = datetime.now(UTC)
    found = [one for one in all_silences(settings.kafka, settings.topics.alert_silences) if every or now < one.ends_at]
    if as_json:
        typer.echo(json.dumps({"silences": [_as_json(one) for one in found]}))
        return
    if not found:
        err.print("nothing is held back")
        return
    table = open_table("silences")
    # What is copied stays whole, and what is read has room for its longest words.
    table.add_column("id", no_wrap=True)
    table.add_column("what", min_width=20)
    table.add_column("until", no_wrap=True)
    table.add_column("author")
    table.add_column("reason", min_width=20)
    for one in found:
        table.add_row(one.id, _what(one), one.ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"), one.author, one.reason)
    print_table(table)


@app.command()
def expire(
    silence: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    author: AuthorOption,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """End a silence now: further alerts are told of again."""
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings)

    from alerting.silences import all_silences
    from alerting.silencing import LONGEST_AUTHOR, LONGEST_REASON
    from alerting.text import clipped

    ended_by = _said("--author", author, LONGEST_AUTHOR)
    known = {one.id: one for one in all_silences(settings.kafka, settings.topics.alert_silences)}
    if silence not in known:
        raise NoSilence(f"there is no silence {silence!r}", remedy="take an id from `fraud alerts silence list --all`")
    now, one = datetime.now(UTC), known[silence]
    if one.ends_at <= now:
        err.print(f"{silence} had ended already", markup=False, highlight=False)
        return
    # Whoever looks later asks who held alerts back as well as who ended it.
    ending = f" (ended by {ended_by})"
    reason = clipped(one.reason, LONGEST_REASON - len(ending)) + ending
    _write(settings, msgspec.structs.replace(one, ends_at=now, reason=reason))
    err.print(f"{silence} has ended", markup=False, highlight=False)


def _conditions(matches: list[str]) -> dict[str, list[str | None]]:
    from alerting.routing.conditions import alternatives_in
    from alerting.routing.nearest import quoted

    conditions: dict[str, list[str | None]] = {}
    for one in matches:
        name, equals, said = one.partition("=")
        name = name.strip()
        if not equals or not name:
            # What stands there may be an account's number.
            raise SilenceUnclear("--match is not FIELD=CONDITION", remedy="write severity=low, or 'amount=>=500'")
        if name in conditions:
            raise SilenceUnclear(
                f"--match names {quoted(name)} twice, and all must hold",
                remedy=f"write '{name}=[ONE, ANOTHER]' where one of them is enough, or a range such as 100..500",
            )
        conditions[name] = alternatives_in(said.strip())
    return conditions


def _account(number: str) -> str:
    """A number, and no condition: one such as !=5 would hold back everything else."""
    number = number.strip()
    if not number or number.startswith("!="):
        raise SilenceUnclear("--blocked is no account's number", remedy="write the number alone")
    return number


def _said(option: str, text: str, longest: int) -> str:
    from alerting.text import one_line

    if not text.strip() or len(text) > longest:
        raise SilenceUnclear(
            f"{option} is {'longer than ' + str(longest) + ' characters' if text.strip() else 'empty'}",
            remedy="write it for whoever looks later",
        )
    return one_line(text.strip(), longest)


def _duration(text: str) -> timedelta:
    from alerting.routing.units import seconds

    lasting = seconds(text)
    if not lasting:
        raise SilenceUnclear(f"{text!r} is no duration", remedy="write 30s, 5m, 2h or 7d")
    return timedelta(seconds=lasting)


def _write(settings: Settings, silence: Silence) -> None:
    _reach(settings)

    from contextlib import closing

    from alerting.answers import Answers

    with closing(Answers(settings.kafka, settings.topics)) as answers:
        answers.said(silence)


def _reach(settings: Settings) -> None:
    cluster = clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is not None:
        clients.require_topics(cluster, (settings.topics.alert_silences,))


def _what(silence: Silence) -> str:
    from alerting.routing.matching import shown
    from alerting.silencing import understood

    if silence.recipient is not None:
        return f"{silence.kind}: recipient {silence.recipient} on {silence.channel}"
    if silence.group is not None:
        return f"{silence.kind}: group {silence.group}"
    conditions = understood(silence.conditions)
    return f"{silence.kind}: " + ", ".join(f"{name} is {shown(name, one)}" for name, one in conditions.items())


def _as_json(silence: Silence) -> dict[str, object]:
    return {
        "id": silence.id,
        "kind": silence.kind.value,
        "what": _what(silence),
        "author": silence.author,
        "reason": silence.reason,
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
    }
