"""Copies on this machine of versions that are kept elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

from model.errors import Mendable
from model.registry.store import RegistryUnusable, Store
from model.versions.durable import replace_directory
from model.versions.loading import verified_manifest
from model.versions.manifest import MANIFEST_FILE, Manifest, ModelMissing, require_as_written


def copied(store: Store, prefix: str, manifest: Manifest, content: bytes, *, cache: Path) -> Path:
    """A directory with a version, from an earlier time where that is whole.

    Args:
        store: Holds it.
        prefix: Of its files' keys, with a slash at its end.
        manifest: The version's.
        content: The manifest as it stands in the store.
        cache: Directory for copies, of this and other registries; made when needed.

    Raises:
        ModelMissing: A listed file is not in the store.
        ModelDamaged: A file is cut off.
        ModelDigestMismatch: A file was altered.
        RegistryUnusable: The store cannot be read, or the cache not be written.
    """
    place = hashlib.sha256(store.where.encode()).hexdigest()[:16]
    directory = cache / place / manifest.name / manifest.version
    if _holds(directory, content):
        return directory
    try:
        replace_directory(directory, {**stored_files(store, prefix, manifest), MANIFEST_FILE: content})
    except OSError as refusal:
        # Another process may have been faster.
        if not _holds(directory, content):
            raise RegistryUnusable(
                f"cannot write a copy of a model to '{directory}' ({refusal.strerror})",
                remedy="set model.cache to a directory of this user's own with room",
            ) from refusal
    return directory


def stored_files(store: Store, prefix: str, manifest: Manifest) -> dict[str, bytes]:
    """The files of a version in the store, each proved to be the one that was written: contents by name.

    Raises:
        ModelMissing: A listed file is not in the store.
        ModelDamaged: A file is cut off.
        ModelDigestMismatch: A file was altered.
        RegistryUnusable: The store cannot be read.
    """
    contents: dict[str, bytes] = {}
    for name, written in manifest.files.items():
        source = f"{store.where}/{prefix}{name}"
        content = store.read(prefix + name)
        if content is None:
            raise ModelMissing(f"no model: '{source}' is not there", remedy="restore it, or train again")
        require_as_written(content, written, source=source)
        contents[name] = content
    return contents


def _holds(directory: Path, manifest: bytes) -> bool:
    """Whether a directory holds a whole model with this manifest."""
    try:
        verified_manifest(directory)
        return (directory / MANIFEST_FILE).read_bytes() == manifest
    except (Mendable, OSError):
        return False
