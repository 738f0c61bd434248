"""Measures of models for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.console import open_table

if TYPE_CHECKING:
    from rich.table import Table

    from model.measuring.metrics import Metrics


def measures_table(title: str, metrics: Mapping[str, Metrics]) -> Table:
    """One row for each measure, one column for each model; a dash where the rows define none."""
    table = open_table(title)
    table.add_column("measure", no_wrap=True)
    for model in metrics:
        table.add_column(model.replace("_", " "), justify="right")
    by_model = [one.measures() for one in metrics.values()]
    for measure in by_model[0]:
        values = (measures[measure] for measures in by_model)
        table.add_row(measure.replace("_", " "), *("-" if value is None else f"{value:.4f}" for value in values))
    return table
