"""A registry in a directory: on a disk, or one that several machines share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.registry.store import RegistryUnusable
from model.versions.durable import create_file, replace_file


class PathStore:
    """Keys are files under a root, which is made at the first writing.

    Args:
        root: On a file system with hard links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def where(self) -> str:
        """The root."""
        return str(self._root)

    def read(self, key: str) -> bytes | None:
        """The file's content."""
        with self._mended("read"):
            try:
                return (self._root / key).read_bytes()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None

    def exists(self, key: str) -> bool:
        """Whether there is a file."""
        with self._mended("read"):
            return (self._root / key).is_file()

    def children(self, prefix: str) -> list[str]:
        """The entries of a directory, but for those being written."""
        with self._mended("read"):
            try:
                names = [entry.name for entry in (self._root / prefix).iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(name for name in names if not name.startswith("."))

    def replace(self, key: str, content: bytes) -> None:
        """Through a file beside it."""
        with self._mended("written"):
            replace_file(self._root / key, content)

    def create(self, key: str, content: bytes) -> bool:
        """Through a file beside it."""
        with self._mended("written"):
            return create_file(self._root / key, content)

    def local(self, prefix: str) -> Path | None:
        """Under the root."""
        return self._root / prefix

    @contextmanager
    def _mended(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as refusal:
            raise RegistryUnusable(
                f"registry '{self._root}' cannot be {done} ({refusal.strerror})",
                remedy="set model.registry to a directory that this user may use (on a file system with hard links)",
            ) from refusal
