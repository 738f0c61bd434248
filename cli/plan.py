"""`fraud plan`: how many workers, partitions and brokers a rate takes."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.console import err, open_table, out, print_table
from cli.options import ConfigOption, JsonOption, SetOption, read_settings
from cli.registering import RegistryOption, model_directory, verifier_of, with_registry
from stream.capacity import Assumptions, Costs, Plan, fitted
from stream.capacity import Demand as Demanded
from stream.capacity import plan as planned
from stream.errors import Mendable

if TYPE_CHECKING:
    from model.scoring.scorer import Scorer
    from stream.capacity_figures import StreamCosts

_USUAL: Final = Assumptions()
_SEED: Final = 7


class FileUnreadable(Mendable):
    """A file of figures that cannot be read."""


def plan(
    rate: Annotated[float, typer.Option(min=0.001, help="Transactions a second at the peak.", show_default=False)],
    p99_ms: Annotated[
        float,
        typer.Option(min=0.001, help="From send to committed verdict, of 99 in 100 transactions.", show_default=False),
    ],
    figures: Annotated[
        Path | None,
        typer.Option(help="What `make bench` printed.", show_default="measures decode, score and encode now"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="What is measured: directory or name.", show_default="a forest made up"
        ),
    ] = None,
    trees: Annotated[int, typer.Option(min=1, max=10_000, help="Of the forest that is made up.")] = 100,
    depth: Annotated[int, typer.Option(min=1, max=16, help="Of its trees.")] = 10,
    inputs: Annotated[int, typer.Option(min=1, max=2_000, help="Columns that it looks at.")] = 30,
    commit_ms: Annotated[
        float, typer.Option(min=0.01, help="A Kafka transaction, from begin to commit: what your broker takes.")
    ] = 5.0,
    client_us: Annotated[float, typer.Option(min=0.1, help="Consuming and producing a record, in microseconds.")] = 8.0,
    transit_ms: Annotated[
        float, typer.Option(min=0, help="In the producer, in fetches and in the verdicts' reader.")
    ] = _USUAL.transit_s * 1000,
    tail: Annotated[float, typer.Option(min=1, help="The slowest hundredth of cycles, in usual cycles.")] = _USUAL.tail,
    headroom: Annotated[
        float, typer.Option(min=0, max=0.95, help="Share of a worker that stays free at the peak.")
    ] = _USUAL.headroom,
    replicas: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = _USUAL.replicas,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Plan workers, partitions, batches and broker traffic from what this machine takes for a transaction."""
    settings = read_settings(config, with_registry(assignments, registry))
    given = replace(_USUAL, headroom=headroom, tail=tail, transit_s=transit_ms / 1000, replicas=replicas)
    kafka = Costs(commit_ms / 1000, client_us / 1e6)
    if figures is not None:
        seen = _seen(figures)
        costs, points = seen.costs(kafka.transaction_s), seen.points
        given = replace(given, record_bytes=seen.record_bytes or given.record_bytes)
        source = f"one worker with its broker, as {figures} has it"
    else:
        import numpy as np

        from model.versions.loading import load_scorer
        from stream.scoring_costs import judging_costs, made_up_scorer

        random = np.random.default_rng(_SEED)
        scorer: Scorer
        if model is None:
            scorer = made_up_scorer(trees, depth, inputs, random=random)
            source = f"decode, score and encode, with {trees} made-up trees of depth {depth} over {inputs} columns"
        else:
            scorer = load_scorer(model_directory(model, settings.model), verifier=verifier_of(settings.model))
            source = f"decode, score and encode, with model {scorer.name} over {len(scorer.inputs)} columns"
        err.print("measuring what a batch costs on one core, without Kafka ...", highlight=False)
        judging = judging_costs(scorer, random=random, timer=time.process_time)
        costs, points = fitted(judging.points) + kafka, judging.points
        given = replace(given, record_bytes=judging.record_bytes, verdict_bytes=judging.verdict_bytes)
    made = planned(Demanded(rate, p99_ms / 1000), costs, given)
    rests_on = _assumptions(given, None if figures else kafka, costs)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "demand": {"rate": rate, "p99_s": p99_ms / 1000},
                    "plan": asdict(made),
                    "measured": {"what": source, "points": [{"batch": size, "seconds": s} for size, s in points]},
                    "costs": asdict(costs),
                    "assumptions": asdict(given),
                    "in_words": rests_on,
                }
            )
        )
        return
    _print_plan(rate, made)
    out.print(f"\nmeasured: {source}", highlight=False, soft_wrap=True)
    table = open_table("what a batch takes")
    table.add_column("records", justify="right")
    table.add_column("ms", justify="right")
    table.add_column("µs a record", justify="right")
    for size, seconds in points:
        table.add_row(f"{size:,}", f"{seconds * 1000:.2f}", f"{seconds / size * 1e6:.1f}")
    print_table(table)
    out.print("\nassumed")
    for line in rests_on:
        out.print(f"- {line}", highlight=False, soft_wrap=True)


def _seen(figures: Path) -> StreamCosts:
    from stream.capacity_figures import stream_costs

    try:
        return stream_costs(figures.read_bytes().splitlines())
    except OSError as refusal:
        raise FileUnreadable(
            f"file of figures {str(figures)!r} cannot be read ({refusal.strerror})",
            remedy="give --figures the path of what `make bench` printed, or leave it out",
        ) from None


def _print_plan(rate: float, made: Plan) -> None:
    table = open_table(f"{rate:,.0f} transactions a second")
    table.add_column("figure")
    table.add_column("plan", justify="right")
    mega = 1e6
    for name, value in (
        ("workers, a core each", f"{made.workers:,}"),
        ("partitions of each topic", f"{made.partitions:,}"),
        ("scorer.batch_size", f"{made.batch_size:,}"),
        ("scorer.batch_wait_ms", f"{made.batch_wait_ms}"),
        ("p99, all at work", f"{made.p99_s * 1000:.1f} ms"),
        ("p99, one worker away", f"{made.p99_one_away_s * 1000:.1f} ms"),
        ("a worker's load", f"{made.utilisation:.0%}"),
        ("records of a transaction", f"{made.records_a_transaction:,.0f}"),
        ("Kafka transactions", f"{made.transactions_s:,.0f} /s"),
        ("transaction markers", f"{made.markers_s:,.0f} /s"),
        ("to the brokers", f"{made.in_bytes_s / mega:,.1f} MB/s"),
        ("from the brokers", f"{made.out_bytes_s / mega:,.1f} MB/s"),
        ("between brokers", f"{made.copied_bytes_s / mega:,.1f} MB/s"),
        ("written by brokers", f"{made.written_bytes_s / mega:,.1f} MB/s"),
        ("brokers", f"{made.brokers:,}"),
        ("memory of the workers", f"{made.memory_bytes / 1e9:,.2f} GB"),
    ):
        table.add_row(name, value)
    print_table(table)


def _assumptions(given: Assumptions, kafka: Costs | None, costs: Costs) -> list[str]:
    """What the plan rests on besides what was measured, in words."""
    of_kafka = (
        [
            f"a batch costs at least {costs.transaction_s * 1000:.2f} ms, whatever it holds (--commit-ms)",
        ]
        if kafka is None
        else [
            f"a Kafka transaction takes {kafka.transaction_s * 1000:g} ms (--commit-ms), and consuming and producing "
            f"{kafka.record_s * 1e6:g} µs a record (--client-us): a broker of one's own on the same two cores",
        ]
    )
    return [
        *of_kafka,
        "a worker does one thing after the other; that it judges a full batch while the last one is written is "
        "in its favour",
        "a cycle takes T = (wait + transaction) / (1 - rate x record), and p99 = transit + 2 (wait + tail (T - wait)): "
        f"{given.transit_s * 1000:g} ms in clients and broker (--transit-ms), and the slowest hundredth of cycles "
        f"{given.tail:g} times as long (--tail)",
        f"one worker is away, and the busiest of the others keeps {given.headroom:.0%} free (--headroom); accounts "
        "spread evenly over partitions",
        f"a transaction has {given.record_bytes:,.0f} bytes and a verdict {given.verdict_bytes:,.0f}, uncompressed; "
        f"{given.replicas} copies of each (--replicas); {given.readers} group reads the verdicts",
        f"a partition takes {given.partition_bytes_s / 1e6:g} MB/s, a broker writes {given.broker_bytes_s / 1e6:g} "
        f"MB/s, and a worker has {given.worker_bytes / 1e6:g} MB of memory",
        "brokers scale with the traffic above, which is not measured here; what more partitions cost is left out",
    ]
