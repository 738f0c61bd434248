"""`fraud evaluate`: a model on other data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cli import console
from cli.measures import measures_table
from cli.options import ConfigOption, JsonOption, SetOption, load_layers
from cli.registering import RegistryOption, model_directory, verifier_of, with_registry
from stream.errors import Mendable

if TYPE_CHECKING:
    from model.data.dataset import Dataset
    from model.scoring.scorer import Scorer
    from model.versions.evaluation import Evaluation


class ScoresNotParquet(Mendable):
    """Scores are Parquet: it keeps every bit of a probability."""


def evaluate(
    model: Annotated[
        str, typer.Argument(help="Directory that `fraud train` wrote, or a name in the registry.", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet, with labels.", show_default=False)],
    profile: Annotated[
        str | None, typer.Option(help="Shipped profile, or a TOML file.", show_default="the model's own")
    ] = None,
    as_json: JsonOption = False,
    scores: Annotated[
        Path | None, typer.Option(help="Parquet file for the verdict of each row.", show_default=False)
    ] = None,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Score labelled transactions with a model, and measure its verdicts against the labels."""
    _require_parquet(scores)
    settings = load_layers(config, with_registry(assignments, registry)).settings.model
    directory = model_directory(model, settings)

    from model.data.dataset import read_dataset
    from model.profile import load_profile
    from model.table_file import write_table
    from model.versions.evaluation import profile_for, scores_table
    from model.versions.gate import later_than
    from model.versions.loading import load_scorer
    from model.versions.manifest import read_manifest

    scorer = load_scorer(directory, verifier=verifier_of(settings))
    manifest = read_manifest(directory)
    columns = manifest.profile if profile is None else profile_for(scorer.inputs, load_profile(profile))
    dataset = read_dataset(data, columns, need_labels=True)
    last = manifest.training.learnt_from.last
    known = len(dataset) - int(later_than(dataset.times, [last]).sum())
    if known:
        warning = (
            f"{known} of {len(dataset)} rows are not later than what the model learnt from "
            f"(until {last:%Y-%m-%d %H:%M}): the measures flatter it"
        )
        console.err.print(f"warning: {warning}", markup=False, highlight=False, soft_wrap=True)
    evaluation = _evaluated(scorer, dataset)
    if scores is not None:
        write_table(scores_table(dataset, evaluation), scores)
    if as_json:
        typer.echo(json.dumps(_as_json(scorer, directory, evaluation, known, scores)))
    else:
        _print_report(scorer, evaluation, scores)


def _require_parquet(scores: Path | None) -> None:
    """Refuses what could not be written, before the work and not after it."""
    if scores is None:
        return
    if not scores.name.lower().endswith(".parquet"):
        raise ScoresNotParquet(f"scores file '{scores}' is no .parquet", remedy="name a file that ends in .parquet")
    if not scores.parent.is_dir():
        raise ScoresNotParquet(
            f"scores file '{scores}' is in no directory that exists", remedy="make the directory, or name another"
        )


def _evaluated(scorer: Scorer, dataset: Dataset) -> Evaluation:
    """Scores with a progress bar on stderr."""
    from model.versions import evaluation

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console.err, disable=not console.err.is_terminal) as bar:
        task = bar.add_task("scoring", total=1.0)
        return evaluation.evaluate(scorer, dataset, progress=lambda share: bar.update(task, completed=share))


def _as_json(
    scorer: Scorer, directory: Path, evaluation: Evaluation, learnt_from_rows: int, scores: Path | None
) -> dict[str, Any]:
    counts = evaluation.metrics.counts
    return {
        "model": {"name": scorer.name, "version": scorer.version, "path": str(directory)},
        "threshold": scorer.threshold,
        "metrics": evaluation.metrics.measures(),
        "counts": {
            "rows": len(evaluation.probabilities),
            "frauds": counts.true_positives + counts.false_negatives,
            "alarms": counts.true_positives + counts.false_positives,
            "true_positives": counts.true_positives,
            "false_positives": counts.false_positives,
            "false_negatives": counts.false_negatives,
            "true_negatives": counts.true_negatives,
        },
        "learnt_from_rows": learnt_from_rows,
        "scores": None if scores is None else str(scores),
    }


def _print_report(scorer: Scorer, evaluation: Evaluation, scores: Path | None) -> None:
    counts = evaluation.metrics.counts
    frauds = counts.true_positives + counts.false_negatives
    console.out.print(
        f"model {scorer.name} {scorer.version}, threshold {scorer.threshold:.4g}: "
        f"{len(evaluation.probabilities)} rows, {frauds} frauds, {counts.true_positives} of them found, "
        f"{counts.false_positives} false alarms",
        highlight=False,
        soft_wrap=True,
    )
    console.out.print(measures_table("All rows", {"model": evaluation.metrics}))
    if scores is not None:
        console.out.print(f"verdicts written to {scores}", markup=False, highlight=False, soft_wrap=True)
