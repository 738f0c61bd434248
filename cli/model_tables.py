"""What is known of models, for people and for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.table import Table

from cli.settings import flatten

if TYPE_CHECKING:
    from model.registry.moves import Move
    from model.versions.gate import Comparison
    from model.versions.manifest import Manifest

# Hashes and names of what differs anyhow, or is another's.
_NOT_COMPARED: Final = ("version", "digest", "created_at", "signature", "files.")


def as_json(value: object) -> Any:
    """A contract as plain JSON values."""
    return msgspec.to_builtins(value)


def retrain_command(manifest: Manifest) -> str:
    """The command that makes the model again out of the same data."""
    from model.profile import load_profile, shipped_profiles

    shipped = manifest.profile.name in shipped_profiles() and load_profile(manifest.profile.name) == manifest.profile
    profile = manifest.profile.name if shipped else f"{manifest.profile.name}.toml"
    options = [
        part for name, value in manifest.training.options.items() for part in (f"--{name}", *([value] if value else []))
    ]
    return shlex.join(
        ["fraud", "train", "DATA", "--profile", profile, "--seed", str(manifest.seed), *options, "--out", "DIR"]
    )


def described(manifest: Manifest, roles: Sequence[str]) -> Table:
    """One row for each thing to know of a model."""
    learnt = manifest.training.learnt_from
    calendar = f", and of the time: {', '.join(manifest.calendar)}" if manifest.calendar else ""
    facts = {
        "model": f"{manifest.name} {manifest.version}",
        **({"role": ", ".join(roles)} if roles else {}),
        "trained": f"{manifest.created_at:%Y-%m-%d %H:%M %Z}, code {manifest.code_revision}",
        "recipe": f"{manifest.recipe.label}; seed {manifest.seed}; calibration: {manifest.calibration_method}",
        "learnt from": f"{learnt.rows} rows, {learnt.frauds} frauds, {learnt.first:%Y-%m-%d %H:%M} to "
        f"{learnt.last:%Y-%m-%d %H:%M}{', fitted again to all rows' if manifest.training.refitted else ''}",
        "data": f"SHA-256 {manifest.data_fingerprint}",
        "inputs": ", ".join(one.name for one in manifest.inputs) + calendar,
        "threshold": f"{manifest.threshold:.6g}",
        **{f"threshold of {policy}": f"{threshold:.6g}" for policy, threshold in manifest.thresholds.items()},
        "libraries": ", ".join(f"{name} {version}" for name, version in manifest.libraries.items()),
        "signed by": "nobody" if manifest.signature is None else f"key {manifest.signature.key_id}",
        "files": ", ".join(f"{name} ({file.bytes} bytes)" for name, file in manifest.files.items()),
        "train again": retrain_command(manifest),
    }
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def versions_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each version of a listing, as JSON has it."""
    table = Table()
    for column in ("model", "version", "role", "trained"):
        table.add_column(column, no_wrap=True)
    table.add_column("recipe", overflow="fold")
    for column in ("average\nprecision", "signed"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        roles = ", ".join(row["roles"])
        if "problem" in row:
            table.add_row(row["name"], row["version"], roles, "", row["problem"])
            continue
        precision = row["average_precision"]
        table.add_row(
            row["name"],
            row["version"],
            roles,
            row["created_at"][:10],
            row["recipe"],
            "-" if precision is None else f"{precision:.4f}",
            "no" if row["signed_by"] is None else "yes",
        )
    return table


def history_table(moves: Sequence[Move]) -> Table:
    """One row for each promotion, rollback and challenge."""
    table = Table(title="History", title_justify="left")
    for column in ("no", "when", "what", "version", "before"):
        table.add_column(column, no_wrap=True)
    table.add_column("why", overflow="fold")
    for move in moves:
        forced = "by force: " if move.by_force else ""
        table.add_row(
            str(move.sequence),
            f"{move.at:%Y-%m-%d}",
            move.action,
            move.version,
            move.previous or "-",
            forced + (move.reason or _compared(move.comparison)),
        )
    return table


def comparison_table(comparison: Comparison, *, champion: str, candidate: str) -> Table:
    """Both models' figures and the difference with its interval."""
    title = (
        f"On {comparison.rows} rows with {comparison.frauds} frauds"
        f" ({comparison.left_out} rows left out that a model may know)"
    )
    table = Table("measure", title=title, title_justify="left", show_lines=True)
    for column in (f"champion\n{champion}", f"candidate\n{candidate}", "difference\n95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    for name in ("average_precision", "calibration_error"):
        change = getattr(comparison, name)
        table.add_row(
            name.replace("_", " "),
            f"{getattr(comparison.champion, name):.5f}",
            f"{getattr(comparison.candidate, name):.5f}",
            f"{change.value:+.5f}\n{change.low:+.5f} to {change.high:+.5f}",
        )
    return table


def differences(first: Manifest, second: Manifest) -> dict[str, tuple[Any, Any]]:
    """What the manifests say otherwise, by dotted name."""
    sides = [flatten(as_json(manifest)) for manifest in (first, second)]
    names = [name for name in {**sides[0], **sides[1]} if not name.startswith(_NOT_COMPARED)]
    pairs = {name: (sides[0].get(name), sides[1].get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def differences_table(differing: Mapping[str, tuple[Any, Any]], titles: tuple[str, str]) -> Table:
    """One row for each thing that differs."""
    table = Table()
    for column in ("", *titles):
        table.add_column(column, overflow="fold")
    for name, pair in differing.items():
        table.add_row(name, *("-" if value is None else json.dumps(value) for value in pair))
    return table


def _compared(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    return f"average precision {comparison.average_precision.value:+.4f} on {comparison.rows} rows"
