"""What a registry needs of the place that it is kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from model.errors import Mendable


class RegistryUnusable(Mendable):
    """A place that cannot be read or written."""


class Store(Protocol):
    """Contents by key; keys are names between slashes, and none is the beginning of another."""

    @property
    def where(self) -> str:
        """The place, as its user wrote it."""

    def read(self, key: str) -> bytes | None:
        """The content, whole; None where there is none.

        Raises:
            RegistryUnusable: The place cannot be read.
        """

    def exists(self, key: str) -> bool:
        """Whether there is a content.

        Raises:
            RegistryUnusable: The place cannot be read.
        """

    def children(self, prefix: str) -> list[str]:
        """The names that follow `prefix` (empty, or with a slash at its end) in the keys, up to the next slash: sorted.

        Raises:
            RegistryUnusable: The place cannot be read.
        """

    def replace(self, key: str, content: bytes) -> None:
        """Writes in one step: a reader finds the old content or the new.

        Raises:
            RegistryUnusable: The place cannot be written.
        """

    def create(self, key: str, content: bytes) -> bool:
        """Writes in one step where there is nothing; of several at once one succeeds, and the others get False.

        Raises:
            RegistryUnusable: The place cannot be written.
        """

    def local(self, prefix: str) -> Path | None:
        """The directory that holds the keys of a prefix, where this is a file system; else None."""
