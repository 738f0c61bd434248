"""`fraud train`: labelled transactions to a model that a risk team can sign off."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli import console
from cli.assessed import print_assessment
from cli.options import ConfigOption, JsonOption, SetOption, load_layers
from cli.revision import code_revision
from model.errors import Mendable

if TYPE_CHECKING:
    from model.learning.training import TrainedModel, TrainingPlan
    from model.measuring.assessment import Assessment
    from model.profile import Profile
    from model.versions.manifest import Manifest

_SEED = 7
_TREES = 200
_MOST_ROWS = 1_000_000


class NowhereToWrite(Mendable):
    """Neither a directory nor a registry for the model."""


def train(
    data: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet, with labels.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Shipped profile, or a TOML file.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Directory for the model; one there is replaced.", show_default=False)
    ] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Add the model to the registry (setting model.registry).")
    ] = False,
    as_json: JsonOption = False,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The same seed gives the same model.")] = _SEED,
    trees: Annotated[int, typer.Option(min=1, help="In the forest.")] = _TREES,
    resampling: Annotated[
        str, typer.Option(help="auto compares them all; or none, weights, smote:R with R frauds a legitimate row.")
    ] = "auto",
    budget: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100_000,
            help="Minutes for comparing and searching; 0 searches nothing.",
            show_default="one round, the same on every machine",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Windows that are judged; the last is the test.", show_default="5, or as many as have frauds"
        ),
    ] = None,
    train_days: Annotated[
        float | None,
        typer.Option(min=0, help="How far back each window learns from.", show_default="to the beginning"),
    ] = None,
    delay_days: Annotated[
        float | None, typer.Option(min=0, help="Until a label is known.", show_default="the profile's")
    ] = None,
    test_days: Annotated[
        int | None, typer.Option(min=1, help="Length of each judged window.", show_default="shares of the rows")
    ] = None,
    known_fraud: Annotated[
        Literal["remove", "keep"], typer.Option(help="Judge without accounts whose fraud is known already, or with.")
    ] = "remove",
    threshold: Annotated[
        str, typer.Option(help="f1, precision:0.9, alerts:50 (a day) or cost:5 (of a false alarm).")
    ] = "f1",
    refit: Annotated[bool, typer.Option(help="Once judged, fit again to all rows.")] = True,
    max_rows: Annotated[
        int, typer.Option(min=1000, help="Of a larger file all frauds are kept, and a sample of the others.")
    ] = _MOST_ROWS,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Only warn of inputs that tell the label.")
    ] = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Learn from labelled transactions, judge by the latest of them, and write the model with its report."""
    settings = load_layers(config, assignments).settings.model
    if out is None and not register:
        raise NowhereToWrite("no place for the model", remedy="give --out DIR, or --register with a registry set")

    from cli.registering import open_registry, signer_of
    from model.learning.candidates import parse_resampling
    from model.learning.choosing import SearchPlan
    from model.learning.training import TrainingPlan
    from model.learning.windows import WindowPlan
    from model.measuring.thresholds import parse_policy
    from model.profile import load_profile
    from model.versions.artifact import require_place_for_model
    from model.versions.saving import save_trained

    columns = load_profile(profile)
    registry = open_registry(settings) if register else None
    signer = signer_of(settings)
    if out is not None:
        require_place_for_model(out)
    asked = {
        "trees": trees,
        "resampling": resampling,
        "budget": budget,
        "folds": folds,
        "train-days": train_days,
        "delay-days": delay_days,
        "test-days": test_days,
        "known-fraud": known_fraud,
        "threshold": threshold,
        "refit": refit,
        "max-rows": max_rows,
        "allow-leaks": allow_leaks,
    }
    plan = TrainingPlan(
        windows=WindowPlan(
            folds=folds,
            train_days=train_days,
            delay_days=columns.label_delay_days if delay_days is None else delay_days,
            test_days=test_days,
            known_fraud=known_fraud,
        ),
        search=SearchPlan(
            resampling=parse_resampling(resampling),
            trees=trees,
            budget_s=None if budget is None else 60 * budget,
            seed=seed,
        ),
        policy=parse_policy(threshold).text,
        refit=refit,
        allow_leaks=allow_leaks,
    )
    trained = _trained(data, columns, plan, max_rows)
    with ExitStack() as cleanup:
        directory = out or Path(cleanup.enter_context(tempfile.TemporaryDirectory())) / columns.name
        manifest = save_trained(
            directory,
            trained,
            columns,
            options=_options(asked),
            created_at=datetime.now(UTC),
            code_revision=code_revision(),
            signer=signer,
        )
        registered = None if registry is None else registry.add(directory)
    if as_json:
        typer.echo(json.dumps(_as_json(manifest, trained.assessment, out)))
        return
    print_assessment(trained.assessment)
    places = [*([f"written to {out}"] if out else []), *(["added to the registry"] if registered else [])]
    console.out.print(
        f"model {manifest.name} {manifest.version}, threshold {manifest.threshold:.4g}, {' and '.join(places)}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _options(asked: Mapping[str, object]) -> dict[str, str]:
    """What differs from saying nothing, as it would be said again."""
    defaults = {
        "trees": _TREES,
        "resampling": "auto",
        "known-fraud": "remove",
        "threshold": "f1",
        "max-rows": _MOST_ROWS,
    }
    said = {name: value for name, value in asked.items() if value is not None and value != defaults.get(name)}
    flags = {"refit": {"no-refit": ""} if not said.pop("refit", True) else {}}
    flags["allow-leaks"] = {"allow-leaks": ""} if said.pop("allow-leaks", False) else {}
    return {name: str(value) for name, value in said.items()} | flags["refit"] | flags["allow-leaks"]


def _trained(data: Path, profile: Profile, plan: TrainingPlan, max_rows: int) -> TrainedModel:
    """Reads and learns, with a progress bar on stderr that estimates the time left."""
    from model.data.dataset import read_dataset
    from model.learning import training

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console.err, disable=not console.err.is_terminal) as bar:
        task = bar.add_task(f"reading {data.name}", total=1.0)
        dataset = read_dataset(
            data, profile, need_labels=True, incomplete="leave out", most_rows=max_rows, seed=plan.search.seed
        )
        return training.train(
            dataset,
            profile,
            plan=plan,
            progress=lambda step, share: bar.update(task, description=step, completed=share),
        )


def _as_json(manifest: Manifest, assessment: Assessment, out: Path | None) -> dict[str, Any]:
    (_, own), *others = manifest.metrics.items()
    data = assessment.data
    calibration = msgspec.to_builtins(assessment.calibration)
    return {
        "model": {"name": manifest.name, "version": manifest.version, "path": None if out is None else str(out)},
        "recipe": msgspec.to_builtins(assessment.recipe),
        "threshold": manifest.threshold,
        "thresholds": manifest.thresholds,
        "metrics": own.measures(),
        "intervals": msgspec.to_builtins(assessment.intervals),
        "comparison": {kind: metrics.measures() for kind, metrics in others},
        "calibration": {name: value for name, value in calibration.items() if not name.startswith("bins")},
        "decisions": msgspec.to_builtins(assessment.decisions),
        "candidates": [{"label": one.recipe.label, **msgspec.to_builtins(one)} for one in assessment.candidates],
        "folds": msgspec.to_builtins(assessment.folds),
        "spread": msgspec.to_builtins(assessment.spread),
        "counts": {
            "rows": data.rows,
            "left_out": data.left_out,
            **{one.name: {"rows": one.rows, "frauds": one.frauds} for one in assessment.windows},
            "synthetic_frauds": manifest.training.synthetic_frauds,
            "missing": data.missing,
            "unparsable": data.unparsable,
            "clipped": data.clipped,
        },
        "warnings": [msgspec.to_builtins(finding) for finding in data.findings],
        "notes": list(assessment.notes),
    }
