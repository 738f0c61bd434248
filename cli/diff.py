"""`fraud diff`: what would change for people, between two topics of verdicts on the same transactions."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn
from rich.table import Table

from cli.console import err, open_table, out, print_table
from cli.dead_letter_tables import printable
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.settings import Settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.contracts import Verdict
from stream.errors import Mendable
from stream.offset_ranges import Range
from stream.verdict_diff import Difference, Example, Side, diff_topics, verdict_at


class Unlike(StrEnum):
    """What fails a comparison."""

    FLIPS = "flips"
    CHANGES = "changes"


class TopicTwice(Mendable):
    """A topic that is to be compared with itself."""


def diff(
    left: Annotated[str, typer.Argument(metavar="LEFT", help="Topic of verdicts, such as verdicts.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Another one, such as verdicts.shadow.")],
    limit: Annotated[int, typer.Option(min=0, help="Name so many of the largest changes.")] = 10,
    fail_on: Annotated[
        Unlike | None,
        typer.Option(
            "--fail-on",
            help="End with status 1 where a ruling flips or a verdict lacks on one side (flips), or where a "
            "probability differs in a single bit as well (changes).",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Compare the verdicts of two topics, transaction by transaction: rulings, flips, probabilities.

    Verdicts on the same transaction are found by their source. Of several in one topic the last one counts.
    """
    if left == right:
        raise TopicTwice(f"topic {left!r} is named twice", remedy="name the topic to compare it with")
    settings = read_settings(config, assignments, bootstrap_servers)
    cluster = clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    assert cluster is not None
    clients.require_topics(cluster, [left, right])
    found = _diff(settings, left, right, limit)
    named = [(one, verdict_at(settings.kafka, left, one.place)) for one in found.examples]
    if as_json:
        typer.echo(json.dumps(_as_json(found, left, right, named)))
    else:
        _print(found, left, right, named)
    if (fail_on is Unlike.FLIPS and not found.agrees) or (fail_on is Unlike.CHANGES and not found.is_identical):
        raise typer.Exit(1)


def _diff(settings: Settings, left: str, right: str, limit: int) -> Difference:
    with Progress(TextColumn("{task.completed:.0f} verdicts read"), console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return diff_topics(
            settings.kafka,
            left,
            right,
            examples=limit,
            progress=lambda count: bar.update(task, completed=count),
        )


def _as_json(found: Difference, left: str, right: str, named: list[tuple[Example, Verdict | None]]) -> dict[str, Any]:
    return {
        "compared": found.compared,
        "same_ruling": found.same_ruling,
        "flips": {"fraud_to_legitimate": found.to_legitimate, "legitimate_to_fraud": found.to_fraud},
        "rulings": {"both_fraud": found.both_fraud, "both_legitimate": found.both_legitimate},
        "same_probability": found.identical,
        "change": {
            "mean": found.change.mean,
            "mean_size": found.change.mean_size,
            "largest_size": found.change.largest,
            "size_quantiles": {str(at): size for at, size in found.change.quantiles.items()},
        },
        "left": {"topic": left, **_side_as_json(found.left)},
        "right": {"topic": right, **_side_as_json(found.right)},
        "coverage": [
            {
                "topic": one.at.topic,
                "partition": one.at.partition,
                "left": _range_as_json(one.left),
                "right": _range_as_json(one.right),
                "compared": _range_as_json(one.both),
            }
            for one in found.coverage
        ],
        "largest_changes": [
            {
                "source": {
                    "topic": one.source.topic,
                    "partition": one.source.partition,
                    "offset": one.source.offset,
                },
                "transaction_id": None if verdict is None else verdict.transaction_id,
                "amount": None if verdict is None else verdict.amount,
                "currency": None if verdict is None else verdict.currency,
                "left": {"fraud_probability": one.left, "verdict": one.left_ruling},
                "right": {"fraud_probability": one.right, "verdict": one.right_ruling},
            }
            for one, verdict in named
        ],
    }


def _side_as_json(side: Side) -> dict[str, Any]:
    models = [{"name": model.name, "version": model.version, "verdicts": n} for model, n in side.models.most_common()]
    return {**asdict(side), "models": models}


def _range_as_json(range_: Range | None) -> dict[str, int] | None:
    return None if range_ is None else {"from": range_.start, "to": range_.end}


def _print(found: Difference, left: str, right: str, named: list[tuple[Example, Verdict | None]]) -> None:
    print_table(_rulings(found))
    print_table(_changes(found))
    print_table(_sides(found, left, right))
    if named:
        print_table(_largest(named))
    parts = sum(one.both is not None for one in found.coverage)
    outside = found.left.outside + found.right.outside
    out.print()
    out.print(
        f"compared where both topics have verdicts, in {parts} of {len(found.coverage)} partitions; "
        f"{outside} verdicts stand outside of that (--json names the offsets)",
        highlight=False,
        soft_wrap=True,
    )


def _rulings(found: Difference) -> Table:
    table = open_table(f"{found.compared} transactions with a verdict in both")
    for heading in ("left", "right"):
        table.add_column(heading)
    for heading in ("transactions", "share"):
        table.add_column(heading, justify="right")
    for before, after, count in (
        ("fraud", "fraud", found.both_fraud),
        ("legitimate", "legitimate", found.both_legitimate),
        ("fraud", "legitimate", found.to_legitimate),
        ("legitimate", "fraud", found.to_fraud),
    ):
        table.add_row(before, after, str(count), f"{count / found.compared:.4%}")
    return table


def _changes(found: Difference) -> Table:
    change = found.change
    table = open_table("Change of the probability, right minus left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("none, bit for bit", str(found.identical))
    table.add_row("mean", f"{change.mean:+.6f}")
    table.add_row("mean size", f"{change.mean_size:.6f}")
    for at, size in change.quantiles.items():
        table.add_row(f"size at {at:.1%}", f"{size:.6f}")
    table.add_row("largest size", f"{change.largest:.6f}")
    return table


def _sides(found: Difference, left: str, right: str) -> Table:
    table = open_table("Topics")
    table.add_column("")
    for topic in (left, right):
        table.add_column(topic, justify="right")
    sides = (found.left, found.right)
    for heading, name in (
        ("verdicts", "verdicts"),
        ("only there", "only"),
        ("outside of what both cover", "outside"),
        ("superseded by a later one", "superseded"),
        ("no verdicts", "unreadable"),
    ):
        table.add_row(heading, *(str(getattr(side, name)) for side in sides))
    for model in sorted({*found.left.models, *found.right.models}, key=lambda one: (one.name, one.version)):
        table.add_row(printable(f"{model.name} {model.version}"), *(str(side.models[model]) for side in sides))
    return table


def _largest(named: list[tuple[Example, Verdict | None]]) -> Table:
    table = open_table(f"The largest {len(named)} changes")
    for heading in ("source", "transaction"):
        table.add_column(heading, no_wrap=True)
    for heading in ("amount", "left", "right"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for one, verdict in named:
        amount = "-" if verdict is None or verdict.amount is None else f"{verdict.amount:.2f} {verdict.currency or ''}"
        table.add_row(
            f"{one.source.partition}:{one.source.offset}",
            "-" if verdict is None else printable(verdict.transaction_id),
            printable(amount.strip()),
            f"{one.left:.6f}",
            f"{one.right:.6f}",
            "" if one.left_ruling is one.right_ruling else f"{one.left_ruling} to {one.right_ruling}",
        )
    return table
