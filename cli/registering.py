"""Models by directory or by name: what a command's user wrote to a directory, and whom the settings trust."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.errors import Mendable
from stream.settings import ModelSettings

if TYPE_CHECKING:
    from model.registry.registry import Registry
    from model.versions.signing import Signer, Verifier
    from stream.model_watch import Followed

RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry", metavar="PLACE", help="Directory, or s3://bucket/prefix.", show_default="setting model.registry"
    ),
]


class RegistryNotNamed(Mendable):
    """No registry to look into."""


def with_registry(assignments: list[str] | None, registry: str | None) -> list[str]:
    """The assignments of `--set`, with what `--registry` says."""
    return [*(assignments or ()), *([] if registry is None else [f"model.registry={registry}"])]


def open_registry(settings: ModelSettings) -> Registry:
    """The registry that the settings name.

    Raises:
        RegistryNotNamed: They name none.
        Mendable: It cannot be opened, or the key is none.
    """
    from model.registry.registry import open_registry as open_at

    if settings.registry is None:
        raise RegistryNotNamed(
            "no registry of models is set",
            remedy="give --registry DIR or s3://BUCKET/PREFIX, or set FRAUD_MODEL__REGISTRY",
        )
    return open_at(
        settings.registry,
        cache=settings.cache or _user_cache(),
        endpoint_url=settings.s3_endpoint_url,
        verifier=verifier_of(settings),
    )


def model_directory(model: str, settings: ModelSettings) -> Path:
    """The directory of a model: the one of this name where there is one, else the registry's version.

    Args:
        model: A directory, or NAME, NAME@champion, NAME@challenger, NAME@VERSION.
        settings: Name the registry, or none.

    Raises:
        Mendable: The registry does not have it, or cannot be read.
    """
    directory = Path(model)
    if directory.is_dir() or settings.registry is None:
        return directory
    registry = open_registry(settings)
    return registry.open(registry.resolve(model))


def followed_model(model: str, settings: ModelSettings) -> Followed | None:
    """What to follow in the registry while running; None for a directory, and for a version that is pinned.

    Raises:
        Mendable: The registry cannot be opened, or the key is none.
    """
    from stream.model_watch import Followed, followed_name

    name = followed_name(model)
    if Path(model).is_dir() or settings.registry is None or name is None:
        return None
    return Followed(open_registry(settings), name, verifier_of(settings))


def verifier_of(settings: ModelSettings) -> Verifier | None:
    """Whose signature a model needs; None where the settings ask for none.

    Raises:
        KeyUnusable: The file holds no such key.
    """
    if settings.verify_key_file is None:
        return None
    from model.versions.signing import Verifier

    return Verifier.from_file(settings.verify_key_file)


def signer_of(settings: ModelSettings) -> Signer | None:
    """Who signs new models; None where nobody does.

    Raises:
        KeyUnusable: The file holds no such key.
    """
    if settings.signing_key_file is None:
        return None
    from model.versions.signing import Signer

    return Signer.from_file(settings.signing_key_file)


def _user_cache() -> Path:
    """Where the XDG Base Directory Specification puts what can be had again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fraudstream"
