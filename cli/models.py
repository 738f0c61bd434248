"""`fraud models`: the registry of versions, and which of them is the champion."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from cli import console, model_tables
from cli.measures import measures_table
from cli.options import ConfigOption, JsonOption, SetOption, load_layers
from cli.registering import RegistryOption, model_directory, open_registry, verifier_of, with_registry
from stream.errors import Mendable
from stream.settings import ModelSettings

if TYPE_CHECKING:
    from model.registry.reference import Reference
    from model.registry.registry import Registry
    from model.versions.gate import Comparison
    from model.versions.manifest import Manifest

app = typer.Typer(help="Keep models by name and version, and promote them.", no_args_is_help=True)

ReferenceArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="NAME, NAME@champion, NAME@challenger or NAME@VERSION.")
]
AnyModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Directory of a model, or its name.")]


class PromotionIncomplete(Mendable):
    """A promotion with neither data to compare on nor a reason to do without."""


@app.callback()
def models() -> None:
    """Keep models by name and version, and promote them."""


@app.command("list")
def list_models(
    name: Annotated[str | None, typer.Argument(help="Of a model.", show_default="all of them")] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """List the versions of the models in the registry."""
    opened = open_registry(_settings(registry, config, assignments))
    rows = [row for one in (opened.names() if name is None else [name]) for row in _listed(opened, one)]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    console.out.print(model_tables.versions_table(rows))


@app.command()
def show(
    model: AnyModelArgument,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Say all that is known of a model: what it learnt from, how good it was, how to make it again."""
    settings = _settings(registry, config, assignments)
    manifest = _manifest(model, settings)
    roles, moves = [], []
    if settings.registry is not None and not Path(model).is_dir():
        opened = open_registry(settings)
        roles, moves = _roles(opened, manifest.name, manifest.version), opened.moves(manifest.name)
    if as_json:
        said = {
            "manifest": model_tables.as_json(manifest),
            "roles": roles,
            "history": model_tables.as_json(moves),
            "train_again": model_tables.retrain_command(manifest),
        }
        typer.echo(json.dumps(said))
        return
    console.out.print(model_tables.described(manifest, roles))
    console.out.print(measures_table("On the test window", manifest.metrics))
    if moves:
        console.out.print(model_tables.history_table(moves))


@app.command()
def diff(
    first: AnyModelArgument,
    second: AnyModelArgument,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Say in what two models differ."""
    settings = _settings(registry, config, assignments)
    one, other = (_manifest(model, settings) for model in (first, second))
    differing = model_tables.differences(one, other)
    if as_json:
        typer.echo(json.dumps({"models": [one.version, other.version], "differences": differing}))
        return
    titles = (f"{one.name} {one.version}", f"{other.name} {other.version}")
    console.out.print(model_tables.differences_table(differing, titles))


@app.command()
def add(
    directory: Annotated[Path, typer.Argument(help="That `fraud train` wrote.", show_default=False)],
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Put a model into the registry; one that is there already stays as it is."""
    added = open_registry(_settings(registry, config, assignments)).add(directory)
    model = added.manifest
    if as_json:
        typer.echo(json.dumps({"name": model.name, "version": model.version, "new": added.new}))
    else:
        _say(f"{model.name}@{model.version} {'added' if added.new else 'is there already and stays as it is'}")


@app.command()
def promote(
    model: ReferenceArgument,
    on: Annotated[
        Path | None,
        typer.Option(
            "--on", metavar="DATA", help="Labelled data, later than what both learnt from.", show_default=False
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Shipped profile, or a TOML file.", show_default="the candidate's own")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote whatever a comparison says; needs --reason.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why by force; it stands in the history.")] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Make a version the champion, if it is not worse than the present one beyond the noise."""
    if force != (reason is not None and bool(reason.strip())):
        raise PromotionIncomplete("--force and --reason go together", remedy="write --force --reason TEXT")
    settings = _settings(registry, config, assignments)
    opened = open_registry(settings)
    candidate = opened.resolve(model)
    after, present = opened.sequence(candidate.name), opened.current(candidate.name, "champion")
    comparison = None
    if present is not None and present.version != candidate.version:
        if on is None and not force:
            raise PromotionIncomplete(
                f"version {present.version} is the champion of {candidate.name!r}, and nothing says that "
                f"{candidate.version} is as good",
                remedy="give --on DATA, which both are compared on, or --force --reason TEXT",
            )
        if on is not None:
            champion = opened.resolve(f"{candidate.name}@champion")
            comparison = _compared(opened, champion, candidate, on, profile, settings)

    from model.versions.gate import objections

    objected = () if comparison is None else objections(comparison)
    move = None
    if force or not objected:
        move = opened.promote(
            candidate, after=after, at=datetime.now(UTC), by_force=force, reason=reason, comparison=comparison
        )
    if as_json:
        said = {
            "name": candidate.name,
            "version": candidate.version,
            "previous": None if present is None else present.version,
            "promoted": move is not None,
            "objections": list(objected),
            "comparison": model_tables.as_json(comparison),
        }
        typer.echo(json.dumps(said))
    else:
        if comparison is not None and present is not None:
            table = model_tables.comparison_table(comparison, champion=present.version, candidate=candidate.version)
            console.out.print(table)
        if move is not None:
            before = "" if present is None else f"; before it was {present.version}"
            _say(f"{candidate.name}@{candidate.version} is the champion{before}")
    if move is None:
        console.say_error(
            f"{candidate.name}@{candidate.version} is not promoted: {'; '.join(objected)}: "
            "train another one, or promote it with --force --reason TEXT"
        )
        raise typer.Exit(1)


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(help="Of the model.", show_default=False)],
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the history.")] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Make the champion before the present one champion again."""
    move = open_registry(_settings(registry, config, assignments)).rollback(name, at=datetime.now(UTC), reason=reason)
    if as_json:
        typer.echo(json.dumps(model_tables.as_json(move)))
    else:
        _say(f"{name}@{move.version} is the champion again; before it was {move.previous}")


@app.command()
def challenge(
    model: ReferenceArgument,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Make a version the challenger, which can be named as NAME@challenger."""
    opened = open_registry(_settings(registry, config, assignments))
    move = opened.challenge(opened.resolve(model), at=datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(model_tables.as_json(move)))
    else:
        _say(f"{move.name}@{move.version} is the challenger")


@app.command()
def keygen(
    out: Annotated[Path, typer.Option(help="Directory for both files.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Make a pair of keys: one signs models, the other tells whose they are."""
    from model.versions.signing import new_keys

    private, public = new_keys(out)
    if as_json:
        typer.echo(json.dumps({"signing_key_file": str(private), "verify_key_file": str(public)}))
        return
    _say(f"private key: {private} (model.signing_key_file, where models are trained; keep it secret)")
    _say(f"public key: {public} (model.verify_key_file, where models are used)")


def _settings(registry: str | None, config: Path | None, assignments: list[str] | None) -> ModelSettings:
    return load_layers(config, with_registry(assignments, registry)).settings.model


def _manifest(model: str, settings: ModelSettings) -> Manifest:
    from model.versions.loading import verified_manifest

    return verified_manifest(model_directory(model, settings), verifier=verifier_of(settings))


def _listed(registry: Registry, name: str) -> list[dict[str, Any]]:
    """One row for each version, the newest first; what is wrong with one does not hide the others."""
    from model.registry.reference import Reference

    rows: list[dict[str, Any]] = []
    for version in registry.versions(name):
        row: dict[str, Any] = {"name": name, "version": version, "roles": _roles(registry, name, version)}
        try:
            manifest = registry.manifest(Reference(name, version))
        except Mendable as problem:
            rows.append({**row, "created_at": "", "problem": str(problem)})
            continue
        own = next(iter(manifest.metrics.values()), None)
        rows.append(
            {
                **row,
                "created_at": manifest.created_at.isoformat(),
                "recipe": manifest.recipe.label,
                "average_precision": None if own is None else own.average_precision,
                "threshold": manifest.threshold,
                "signed_by": None if manifest.signature is None else manifest.signature.key_id,
            }
        )
    return sorted(rows, key=lambda row: row["created_at"], reverse=True)


def _roles(registry: Registry, name: str, version: str) -> list[str]:
    moves = {role: registry.current(name, role) for role in ("champion", "challenger")}
    return [role for role, move in moves.items() if move is not None and move.version == version]


def _compared(
    registry: Registry,
    champion: Reference,
    candidate: Reference,
    data: Path,
    profile: str | None,
    settings: ModelSettings,
) -> Comparison:
    """Reads, scores with both and compares, with a progress bar on stderr."""
    from model.data.dataset import read_dataset
    from model.profile import load_profile
    from model.versions.loading import load_scorer
    from model.versions.promotion import MOST_ROWS, Contender, compare_on, profile_for_both

    verifier = verifier_of(settings)
    one, other = (
        Contender(registry.manifest(version), load_scorer(registry.open(version), verifier=verifier))
        for version in (champion, candidate)
    )
    columns = profile_for_both(other.manifest.profile if profile is None else load_profile(profile), one, other)
    dataset = read_dataset(data, columns, need_labels=True, most_rows=MOST_ROWS)
    bars = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*bars, console=console.err, disable=not console.err.is_terminal) as bar:
        task = bar.add_task("comparing", total=1.0)
        return compare_on(
            dataset,
            columns.inputs,
            champion=one,
            candidate=other,
            progress=lambda share: bar.update(task, completed=share),
        )


def _say(line: str) -> None:
    console.out.print(line, markup=False, highlight=False, soft_wrap=True)
