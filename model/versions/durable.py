"""Files that are there whole or not at all, also after the power failed."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def replace_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files beside `directory` and renames: what is interrupted leaves the old ones as they are.

    Raises:
        OSError: The system refuses.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    new, old = (_beside(directory, kind) for kind in ("new", "old"))
    try:
        new.mkdir()
        for name, content in files.items():
            _write(new / name, content)
        _sync_directory(new)
        if directory.exists():
            directory.rename(old)
        new.rename(directory)
        _sync_directory(directory.parent)
    finally:
        if old.exists() and not directory.exists():
            old.rename(directory)
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Writes beside `path` and renames: a reader finds the old content or the new.

    Raises:
        OSError: The system refuses.
    """
    with _written_beside(path, content) as written:
        written.replace(path)
        _sync_directory(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Writes beside `path` and links: of several that try at once, one succeeds, and what it wrote is whole.

    Returns:
        False where there is a file already.

    Raises:
        OSError: The system refuses.
    """
    with _written_beside(path, content) as written:
        try:
            path.hardlink_to(written)
        except FileExistsError:
            return False
        _sync_directory(path.parent)
        return True


@contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _beside(path, "new")
    try:
        _write(written, content)
        yield written
    finally:
        written.unlink(missing_ok=True)


def _beside(path: Path, kind: str) -> Path:
    """A name that no other process or thread has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.{kind}")


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
