"""`fraud config`: what is in force and where it comes from."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from cli.console import out
from cli.options import ConfigOption, JsonOption, SetOption, load_layers
from cli.settings import flatten, masked

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Look at the settings."""


@app.command()
def show(config: ConfigOption = None, assignments: SetOption = None, as_json: JsonOption = False) -> None:
    """Print every setting, its value, and where the value comes from. Secrets are masked."""
    loaded = load_layers(config, assignments)
    values = {name: masked(name, value) for name, value in flatten(loaded.settings.model_dump()).items()}
    origins = {name: loaded.origins.get(name, "default") for name in values}
    if as_json:
        rows = {name: {"value": value, "from": origins[name]} for name, value in values.items()}
        typer.echo(json.dumps(rows, default=str))
        return
    table = Table("setting", "value", "from")
    for name, value in values.items():
        table.add_row(name, json.dumps(value, default=str), origins[name])
    out.print(table)
