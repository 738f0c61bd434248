"""`fraud explain`: why transactions have the probabilities that they have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.table import Table

from cli import console
from cli.options import ConfigOption, JsonOption, SetOption, load_layers
from cli.registering import RegistryOption, model_directory, verifier_of, with_registry
from stream.errors import Mendable

if TYPE_CHECKING:
    from model.data.dataset import Dataset
    from model.scoring.scorer import Scorer


class TransactionMissing(Mendable):
    """An id that no row of the data has."""


def explain(
    model: Annotated[
        str, typer.Argument(help="Directory that `fraud train` wrote, or a name in the registry.", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet; labels are not needed.", show_default=False)],
    ids: Annotated[
        list[str],
        typer.Option("--id", help="Of a transaction; without an id column, the row's number.", show_default=False),
    ],
    profile: Annotated[
        str | None, typer.Option(help="Shipped profile, or a TOML file.", show_default="the model's own")
    ] = None,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show what each feature adds to a transaction's probability of fraud; it sums up exactly."""
    settings = load_layers(config, with_registry(assignments, registry)).settings.model
    directory = model_directory(model, settings)

    from model.data.dataset import read_dataset
    from model.profile import load_profile
    from model.versions.evaluation import profile_for
    from model.versions.loading import load_scorer
    from model.versions.manifest import read_manifest

    scorer = load_scorer(directory, verifier=verifier_of(settings))
    columns = read_manifest(directory).profile
    if profile is not None:
        columns = profile_for(scorer.inputs, load_profile(profile))
    dataset = read_dataset(data, columns, need_labels=False)
    explained = _explained(scorer, dataset, ids, data)
    if as_json:
        typer.echo(json.dumps(explained))
        return
    for one in explained:
        _print(one, scorer)


def _explained(scorer: Scorer, dataset: Dataset, ids: Sequence[str], data: Path) -> list[dict[str, Any]]:
    """One object for each id, in their order."""
    where = {identifier: row for row, identifier in enumerate(dataset.ids)}
    if absent := [identifier for identifier in ids if identifier not in where]:
        raise TransactionMissing(
            f"data file '{data}' has no transaction {', '.join(map(repr, absent))}", remedy="give ids of its rows"
        )
    rows = np.array([where[identifier] for identifier in ids], dtype=np.int64)
    inputs, times = dataset.inputs[rows], dataset.times[rows]
    probabilities, explanation = scorer.score(inputs, times), scorer.explain(inputs, times)
    return [
        {
            "id": identifier,
            "fraud_probability": float(probabilities[row]),
            "base": explanation.base,
            "contributions": [
                {
                    "feature": scorer.features[at],
                    "value": None if np.isnan(explanation.values[row, at]) else float(explanation.values[row, at]),
                    "contribution": float(explanation.contributions[row, at]),
                }
                for at in np.argsort(-np.abs(explanation.contributions[row]), kind="stable").tolist()
            ],
        }
        for row, identifier in enumerate(ids)
    ]


def _print(one: dict[str, Any], scorer: Scorer) -> None:
    probability, ruling = (
        one["fraud_probability"],
        "fraud" if one["fraud_probability"] >= scorer.threshold else "legitimate",
    )
    title = f"{one['id']}: probability {probability:.4g}, {ruling} (threshold {scorer.threshold:.4g})"
    table = Table("feature", title=title, title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("contribution", justify="right")
    table.add_row("(base)", "", f"{one['base']:+.4f}")
    for part in one["contributions"]:
        value = "missing" if part["value"] is None else f"{part['value']:.6g}"
        table.add_row(part["feature"], value, f"{part['contribution']:+.4f}")
    console.out.print(table)
