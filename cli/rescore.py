"""`fraud rescore`: what another model, or the same, would have said of transactions that were scored before."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.console import err, open_table, out, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.produce import INTERRUPTED
from cli.registering import RegistryOption, model_directory, verifier_of, with_registry
from cli.settings import Settings
from cli.stopping import stop_on_signals
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.contracts import Instant
from stream.errors import Mendable
from stream.kafka import Stop
from stream.offset_ranges import Plan, Wanted

if TYPE_CHECKING:
    from model.scoring.scorer import Scorer
    from stream.rescoring import Rescored


class RangeUnclear(Mendable):
    """It is not said which transactions are meant, or in two ways, or not so that it can be read."""


def rescore(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Directory that `fraud train` wrote, or NAME or NAME@VERSION of the registry.",
            show_default=False,
        ),
    ],
    from_offset: Annotated[
        list[str] | None,
        typer.Option(
            "--from-offset",
            metavar="[PARTITION:]OFFSET",
            help="The first transaction of each partition; with a partition (repeatable), of this one only.",
        ),
    ] = None,
    from_time: Annotated[
        str | None,
        typer.Option("--from-time", metavar="TIME", help="Sent at this time or later, RFC 3339 with offset."),
    ] = None,
    to_offset: Annotated[
        list[str] | None,
        typer.Option("--to-offset", metavar="[PARTITION:]OFFSET", help="Up to, and without, this offset."),
    ] = None,
    to_time: Annotated[
        str | None,
        typer.Option("--to-time", metavar="TIME", help="Sent before this time.", show_default="the end as it is now"),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="TOPIC", help="Where the verdicts go.", show_default="setting topics.shadow_verdicts"
        ),
    ] = None,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Score a range of past transactions with any model, into another topic: compare with `fraud diff`.

    No group's offsets are touched, and scorers that run do not notice. Records that cannot be scored are counted, and
    are no dead letters. Each run has a name, which its verdicts have in their header rescoring-run.
    """
    wanted = _wanted(from_offset, from_time, to_offset, to_time)
    settings = read_settings(config, with_registry(assignments, registry), bootstrap_servers)

    # Heavy, and of no use where the arguments are wrong.
    from model.versions.loading import load_scorer
    from stream.rescoring import require_apart, require_output

    topic = into or settings.topics.shadow_verdicts
    require_apart(topic, settings.topics)
    scorer = load_scorer(model_directory(model, settings.model), verifier=verifier_of(settings.model))
    stop = stop_on_signals()
    cluster = clients.reach_broker(settings.kafka, stop=stop, give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is None:
        raise typer.Exit(INTERRUPTED)
    clients.require_topics(cluster, [settings.topics.transactions])
    require_output(topic, cluster.topics)
    run = uuid.uuid4().hex[:12]
    done = _rescore(scorer, wanted, settings, topic, run, stop)
    said = {"run": run, "model": scorer.name, "version": scorer.version, **_as_json(done, settings, topic)}
    if as_json:
        typer.echo(json.dumps(said))
    else:
        _print(said)
    if done.left:
        err.print(f"interrupted: go on with {said['go_on_with']}", highlight=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED)


def _wanted(
    from_offset: list[str] | None, from_time: str | None, to_offset: list[str] | None, to_time: str | None
) -> Wanted:
    if bool(from_offset) == (from_time is not None):
        raise RangeUnclear(
            "it is not said from where on" if not from_offset else "--from-offset and --from-time are both given",
            remedy="give one of them: --from-offset 0, say, for all that there ever was",
        )
    if to_offset and to_time is not None:
        raise RangeUnclear("--to-offset and --to-time are both given", remedy="give one of them, or neither")
    start = _instant("--from-time", from_time) if from_time is not None else _offsets("--from-offset", from_offset)
    end = _instant("--to-time", to_time) if to_time is not None else _offsets("--to-offset", to_offset)
    assert start is not None
    if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
        raise RangeUnclear(f"--to-time {to_time!r} is not after --from-time {from_time!r}", remedy="mend one of them")
    return Wanted(start, end)


def _instant(option: str, text: str) -> datetime:
    try:
        return msgspec.convert(text, Instant)
    except msgspec.ValidationError:
        raise RangeUnclear(
            f"{option} {text!r} is not RFC 3339 with an offset", remedy="write, say, 2026-01-31T12:00:00Z"
        ) from None


def _offsets(option: str, texts: list[str] | None) -> int | Mapping[int, int] | None:
    """One for every partition, or one for each that is named."""
    if not texts:
        return None
    if len(texts) == 1 and re.fullmatch(r"[0-9]{1,18}", texts[0]):
        return int(texts[0])
    named: dict[int, int] = {}
    for text in texts:
        match = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,18})", text)
        if match is None or int(match[1]) in named:
            wrong = "is no PARTITION:OFFSET" if match is None else "names a partition twice"
            raise RangeUnclear(
                f"{option} {text!r} {wrong}",
                remedy=f"write {option} 3:1700 once for each partition, or {option} 1700 for all of them",
            )
        named[int(match[1])] = int(match[2])
    return named


def _rescore(scorer: Scorer, wanted: Wanted, settings: Settings, topic: str, run: str, stop: Stop) -> Rescored:
    from stream.rescoring import rescore as score_again

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"to {topic}", total=None)

        def planned(plan: Plan) -> None:
            bar.update(task, total=sum(end - start for start, end in plan.ranges.values()))
            if plan.cut:
                numbers = ", ".join(map(str, plan.cut))
                err.print(
                    f"note: partitions {numbers} have no earlier records any more: what they had before is not scored",
                    highlight=False,
                    soft_wrap=True,
                )

        return score_again(
            scorer,
            wanted,
            out=topic,
            run=run,
            kafka=settings.kafka,
            topics=settings.topics,
            settings=settings.scorer,
            stop=stop,
            now=lambda: datetime.now(UTC),
            planned=planned,
            progress=lambda done: bar.update(task, completed=done.passed),
        )


def _as_json(done: Rescored, settings: Settings, topic: str) -> dict[str, Any]:
    from stream.rescoring import go_on_with

    return {
        "topic": settings.topics.transactions,
        "out": topic,
        "read": done.read,
        "verdicts": done.verdicts,
        "frauds": done.frauds,
        "dead_letters": {reason.value: count for reason, count in sorted(done.dead_letters.items())},
        "ranges": [
            {
                "partition": number,
                "from": start,
                "to": end,
                "reached": done.reached.get(number, start),
                "cut": number in done.cut,
            }
            for number, (start, end) in sorted(done.ranges.items())
        ],
        "interrupted": bool(done.left),
        "go_on_with": go_on_with(done.left) or None,
    }


def _print(said: Mapping[str, Any]) -> None:
    line = (
        f"{said['read']} transactions of {said['topic']} scored again by {said['model']} version {said['version']} "
        f"to {said['out']} (run {said['run']}): {said['verdicts']} verdicts, {said['frauds']} frauds"
    )
    out.print(line, highlight=False, soft_wrap=True)
    for reason, count in said["dead_letters"].items():
        out.print(f"{count} cannot be scored: {reason}", highlight=False, soft_wrap=True)
    table = open_table("Offsets")
    for heading in ("partition", "from", "to", "reached"):
        table.add_column(heading, justify="right")
    for one in said["ranges"]:
        table.add_row(*(str(one[name]) for name in ("partition", "from", "to", "reached")))
    print_table(table)
