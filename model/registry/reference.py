"""How people name a version: NAME or NAME@champion, NAME@challenger, or NAME@VERSION, of which a beginning will do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from model.errors import Mendable

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ModelUnknown(Mendable):
    """A reference to a model that the registry does not have."""


class ReferenceAmbiguous(Mendable):
    """The beginning of more than one version."""


@dataclass(frozen=True)
class Reference:
    """One version.

    Attributes:
        name: The model's.
        version: Whole.
        digest: Its manifest's, where a role's entry in the history says; else None.
    """

    name: str
    version: str
    digest: str | None = None

    @property
    def prefix(self) -> str:
        """Of its files' keys."""
        return f"{self.name}/versions/{self.version}/"


def is_name(text: str) -> bool:
    """Whether a text can name a model in a registry: a directory's or a key's name everywhere."""
    return _NAME.fullmatch(text) is not None


def version_of(beginning: str, versions: Sequence[str], *, name: str) -> Reference:
    """The one version with this beginning.

    Args:
        beginning: Or the whole version.
        versions: All of the model's.
        name: The model's.

    Raises:
        ModelUnknown: There is none.
        ReferenceAmbiguous: There is more than one.
    """
    matching = [version for version in versions if version.startswith(beginning)]
    if not matching:
        raise ModelUnknown(
            f"model {name!r} has no version {beginning!r}", remedy=f"`fraud models list {name}` lists its versions"
        )
    if len(matching) > 1:
        raise ReferenceAmbiguous(
            f"model {name!r} has {len(matching)} versions that begin with {beginning!r}: {', '.join(matching)}",
            remedy="write more of the version",
        )
    return Reference(name, matching[0])
