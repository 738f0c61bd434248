"""`fraud dlq`: what could not be scored: how much of it and why, one of it, and all of it once more."""

from __future__ import annotations

import json
import math
import re
import sys
import threading
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import typer
from rich.progress import Progress, TextColumn

from cli import dead_letter_tables as tables
from cli.console import err, out, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.produce import INTERRUPTED
from cli.settings import Settings
from cli.stopping import stop_on_signals
from cli.topics import GIVE_UP_AFTER_S, OutputUnclear
from stream import kafka as clients
from stream.contracts import DeadLetterReason, Instant
from stream.dead_letter_overview import Overview, listed
from stream.dead_letter_reading import Choice, DeadLetter, letter_of
from stream.dead_letter_replay import Tally, rehearse, replay, replayed_places
from stream.errors import Mendable
from stream.kafka import Stop
from stream.topic_reading import read_one, read_to_end

app = typer.Typer(help="See why records were not scored, and send them again.", no_args_is_help=True)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

ReasonOption = Annotated[
    list[DeadLetterReason] | None,
    typer.Option("--reason", metavar="REASON", help="Of this reason only, such as not_json; may be repeated."),
]
PartitionOption = Annotated[
    list[int] | None,
    typer.Option(
        "--partition", metavar="NUMBER", min=0, help="From this partition of the source topic only; may be repeated."
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Of this time or later, RFC 3339 with offset. A dead letter has its record's time: when it was sent.",
        show_default=False,
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Before this time.", show_default=False)
]


class TimeUnclear(Mendable):
    """A time that is not RFC 3339, or could be any country's."""


class PlaceUnclear(Mendable):
    """A place that is not PARTITION:OFFSET."""


class NoDeadLetter(Mendable):
    """Nothing, or no dead letter, stands at a place."""


class ChoiceMissing(Mendable):
    """A replay that does not say of what, or says it in two ways."""


@app.callback()
def dlq() -> None:
    """See why records were not scored, and send them again."""


@app.command("list")
def list_letters(
    reasons: ReasonOption = None,
    partitions: PartitionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Name so many of the newest.")] = 20,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Count the dead letters by reason and partition, and name the newest. What is in them is not shown."""
    choice = _choice(reasons, partitions, since, until)
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings, threading.Event())
    overview = _overview(settings, choice, limit)
    topic, newest = settings.topics.dead_letters, overview.newest
    if as_json:
        said = {
            "topic": topic,
            "dead_letters": overview.count,
            "groups": tables.groups_as_json(overview.groups),
            "newest": [tables.listed_as_json(letter) for letter in newest],
        }
        typer.echo(json.dumps(said))
        return
    if not overview.count:
        err.print(f"no such dead letters in {topic}" if not choice.is_all else f"no dead letters in {topic}")
        return
    print_table(tables.groups_table(f"{overview.count} dead letters in {topic}", overview.groups))
    if newest:
        print_table(tables.letters_table(f"The newest {len(newest)}", newest))


@app.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As `fraud dlq list` names it.")],
    value: Annotated[
        bool,
        typer.Option(
            "--value", help="Print the value alone, byte for byte; escaped on a terminal. It may be personal."
        ),
    ] = False,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Say all about one dead letter but what is in its key and value."""
    if value and as_json:
        raise OutputUnclear("--value and --json are both given", remedy="give one of them")
    partition, offset = _place(place)
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings, threading.Event())
    letter = _letter(settings, partition, offset)
    if value:
        _print_bytes(letter.record.value)
        return
    said = listed(letter, replayed=letter.place in replayed_places(settings.kafka, settings.topics))
    if as_json:
        headers = tables.headers_as_json(letter.headers)
        typer.echo(json.dumps({**tables.listed_as_json(said), "headers": headers}))
        return
    out.print(tables.letter_table(said, letter.headers))


@app.command("replay")
def replay_letters(
    reasons: ReasonOption = None,
    partitions: PartitionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Send so many at most.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count them, and send nothing.")] = False,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Send dead letters to the transactions topic as they came, each once, however often this is run or killed.

    Key, value and headers are as they were; their Kafka timestamp is that of the sending, or the topic's retention
    would delete old ones before they are scored.
    """
    choice = _choice(reasons, partitions, since, until)
    if everything != choice.is_all:
        raise ChoiceMissing(
            "--all and a filter are both given" if everything else "it is not said which dead letters are meant",
            remedy="give --reason, --partition, --since or --until, or else --all",
        )
    stop = threading.Event() if dry_run else stop_on_signals()
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings, stop, settings.topics.transactions)
    if dry_run:
        tally = rehearse(settings.kafka, settings.topics, choice, limit=limit)
    else:
        tally = _replay(settings, choice, limit, stop)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, **asdict(tally)}))
    else:
        for line in _told(tally, settings.topics.transactions, dry_run=dry_run):
            out.print(line, highlight=False, soft_wrap=True)
    if stop.is_set():
        err.print("interrupted: run the command again for the rest", highlight=False)
        raise typer.Exit(INTERRUPTED)


def _choice(
    reasons: list[DeadLetterReason] | None, partitions: list[int] | None, since: str | None, until: str | None
) -> Choice:
    return Choice(
        reasons=frozenset(reasons or ()),
        partitions=frozenset(partitions or ()),
        since_ms=_milliseconds("--since", since),
        until_ms=_milliseconds("--until", until),
    )


def _milliseconds(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = msgspec.convert(text, Instant)
    except msgspec.ValidationError:
        raise TimeUnclear(
            f"{option} {text!r} is not RFC 3339 with an offset", remedy="write, say, 2026-01-31T12:00:00Z"
        ) from None
    # Timestamps are whole milliseconds: both "this or later" and "before this" begin with the next one.
    return math.ceil((instant - _EPOCH) / timedelta(milliseconds=1))


def _place(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", text)
    if match is None:
        raise PlaceUnclear(f"{text!r} is no place", remedy="write PARTITION:OFFSET, as `fraud dlq list` does: 3:17")
    return int(match[1]), int(match[2])


def _reach(settings: Settings, stop: Stop, *further: str) -> None:
    """Returns once the broker has answered, and has the topics."""
    cluster = clients.reach_broker(settings.kafka, stop=stop, give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is None:
        raise typer.Exit(INTERRUPTED)
    clients.require_topics(cluster, [settings.topics.dead_letters, *further])


def _overview(settings: Settings, choice: Choice, newest: int) -> Overview:
    overview = Overview(newest)
    already = replayed_places(settings.kafka, settings.topics)
    with closing(read_to_end(settings.kafka, settings.topics.dead_letters, since_ms=choice.since_ms)) as records:
        for record in records:
            letter = letter_of(record)
            if letter is not None and choice.takes(letter):
                overview.add(letter, replayed=letter.place in already)
    return overview


def _letter(settings: Settings, partition: int, offset: int) -> DeadLetter:
    topic = settings.topics.dead_letters
    record = read_one(settings.kafka, topic, partition, offset)
    letter = letter_of(record) if record is not None else None
    if letter is None:
        what = "nothing" if record is None else "no dead letter"
        raise NoDeadLetter(f"{what} stands at {partition}:{offset} of {topic}", remedy="see `fraud dlq list`")
    return letter


def _print_bytes(value: bytes | None) -> None:
    if value is None:
        err.print("the record has no value: it is a tombstone")
    elif sys.stdout.isatty():
        out.print(tables.printable(value.decode(errors="backslashreplace")), highlight=False, soft_wrap=True)
    else:
        sys.stdout.buffer.write(value)


def _replay(settings: Settings, choice: Choice, limit: int | None, stop: Stop) -> Tally:
    with Progress(TextColumn("{task.completed:.0f} sent again"), console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return replay(
            settings.kafka,
            settings.topics,
            choice,
            limit=limit,
            stop=stop,
            now=lambda: datetime.now(UTC),
            progress=lambda count: bar.update(task, completed=count),
        )


def _told(tally: Tally, topic: str, *, dry_run: bool) -> list[str]:
    lines = [f"{tally.sent} dead letters {'would be sent' if dry_run else 'sent'} again to {topic}"]
    if tally.already_replayed:
        lines.append(f"{tally.already_replayed} already replayed")
    if tally.of_other_topics:
        lines.append(f"{tally.of_other_topics} left: they came from another topic than {topic} (topics.transactions)")
    if tally.no_dead_letters:
        lines.append(f"{tally.no_dead_letters} left: they have not the headers of a dead letter")
    return lines
