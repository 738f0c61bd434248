"""`fraud train`: labelled transactions to a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli import console
from cli.measures import measures_table
from cli.options import JsonOption

if TYPE_CHECKING:
    from model.dataset import Dataset, Found
    from model.manifest import Manifest, TrainingRecord
    from model.profile import Profile
    from model.training import TrainedModel, TrainingPlan


def train(
    data: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet, with labels.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Shipped profile, or a TOML file.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Directory for the model; one there is replaced.", show_default=False)],
    as_json: JsonOption = False,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same model.")] = 7,
    trees: Annotated[int, typer.Option(min=1, help="In the random forest.")] = 100,
) -> None:
    """Learn from labelled transactions, judge by the latest of them, and write the model."""
    from model.artifact import require_place_for_model, save_model
    from model.profile import load_profile
    from model.training import TrainingPlan

    columns = load_profile(profile)
    require_place_for_model(out)
    dataset, trained = _trained(data, columns, TrainingPlan(seed=seed, trees=trees))
    manifest = save_model(
        out,
        trained.pipeline,
        profile=columns,
        threshold=trained.threshold,
        metrics=trained.metrics,
        training=trained.record,
        created_at=datetime.now(UTC),
    )
    if as_json:
        typer.echo(json.dumps(_as_json(manifest, out, dataset.found)))
    else:
        _print_report(manifest, out, dataset.found)


def _trained(data: Path, profile: Profile, plan: TrainingPlan) -> tuple[Dataset, TrainedModel]:
    """Reads and learns, with a progress bar on stderr."""
    from model import training
    from model.dataset import read_dataset

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console.err, disable=not console.err.is_terminal) as bar:
        task = bar.add_task(f"reading {data.name}", total=1.0)
        dataset = read_dataset(data, profile, need_labels=True, incomplete="leave out")
        trained = training.train(
            dataset,
            profile,
            plan=plan,
            progress=lambda step, share: bar.update(task, description=step, completed=share),
        )
    return dataset, trained


def _as_json(manifest: Manifest, out: Path, found: Found) -> dict[str, Any]:
    (_, own), *others = manifest.metrics.items()
    record = manifest.training
    return {
        "model": {"name": manifest.name, "version": manifest.version, "path": str(out)},
        "threshold": manifest.threshold,
        "metrics": own.measures(),
        "comparison": {kind: metrics.measures() for kind, metrics in others},
        "counts": {
            "rows": record.rows_read,
            "left_out": record.rows_left_out,
            **{name: {"rows": part.rows, "frauds": part.frauds} for name, part in record.parts.items()},
            "synthetic_frauds": record.synthetic_frauds,
            "missing": dict(found.missing),
            "unparsable": dict(found.unparsable),
        },
        "notes": list(record.notes),
    }


def _print_report(manifest: Manifest, out: Path, found: Found) -> None:
    for line in [*_data_report(manifest.training, found), *(f"note: {note}" for note in manifest.training.notes)]:
        console.out.print(line, markup=False, highlight=False, soft_wrap=True)
    console.out.print(measures_table("On the test part, which is later than all the rest", manifest.metrics))
    written = f"model {manifest.name} {manifest.version}, threshold {manifest.threshold:.4g}, written to {out}"
    console.out.print(written, markup=False, highlight=False, soft_wrap=True)


def _data_report(record: TrainingRecord, found: Found) -> list[str]:
    """What was read and how it was used, a line each."""
    lines = [f"rows: {record.rows_read}" + _listed(record.rows_left_out, before=", left out: ")]
    if found.missing:
        lines.append("cells without a number, imputed: " + _listed(found.missing))
    if found.unparsable:
        lines.append("cells that hold something else than a number: " + _listed(found.unparsable))
    for name, part in record.parts.items():
        first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (part.first, part.last))
        lines.append(f"{name}: {part.rows} rows, {part.frauds} frauds, {first} to {last}")
    if record.synthetic_frauds:
        lines.append(f"frauds made up for training (SMOTE): {record.synthetic_frauds}")
    return lines


def _listed(counts: Mapping[str, int], *, before: str = "") -> str:
    return before + ", ".join(f"{count} {name}" for name, count in counts.items()) if counts else ""
