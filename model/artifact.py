"""A model version as a directory: written in one step, and read only if nothing in it was altered.

Unpickling runs whatever the pickle says; so nothing is unpickled before its digest is found to be the manifest's.
Digests tell of accidents and of changes to one file. Who may write the whole directory is for its owner to decide.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Final

import joblib
import sklearn
from sklearn.pipeline import Pipeline

from model.errors import Mendable
from model.manifest import (
    MANIFEST_FILE,
    File,
    Input,
    Manifest,
    TrainingRecord,
    read_listed,
    read_manifest,
)
from model.metrics import Metrics
from model.profile import Profile
from model.scorer import Scorer

MODEL_FILE: Final = "model.joblib"
_SKLEARN: Final = "scikit-learn"
_LIBRARIES: Final = (_SKLEARN, "numpy", "scipy", "joblib", "imbalanced-learn", "pandas", "pyarrow")
_COMPRESSION: Final = ("zlib", 3)  # a third of the size, for a second in a hundred megabytes


class ModelLibraryMismatch(Mendable):
    """A model of another version of scikit-learn, which promises nothing about reading it."""


class ModelNotSaved(Mendable):
    """A directory that a model cannot be written to."""


def load_scorer(directory: Path) -> Scorer:
    """The scorer in a directory that `save_model` wrote.

    Raises:
        ModelMissing: The directory or a file of it does not exist.
        ModelDamaged: A file is cut off or cannot be read.
        ModelDigestMismatch: A file was altered; it was not unpickled.
        ModelFormatUnknown: It is no model, or of another version of the format.
        ModelLibraryMismatch: It was trained with another version of scikit-learn.
    """
    manifest = read_manifest(directory)
    trained_with = manifest.libraries.get(_SKLEARN)
    if trained_with != sklearn.__version__:
        raise ModelLibraryMismatch(
            f"the model in '{directory}' was trained with scikit-learn {trained_with}, here is {sklearn.__version__}",
            remedy=f"train again, or install scikit-learn=={trained_with}",
        )
    pipeline = joblib.load(BytesIO(read_listed(directory, manifest, MODEL_FILE)))
    return Scorer(
        pipeline,
        inputs=[one.name for one in manifest.inputs],
        threshold=manifest.threshold,
        name=manifest.name,
        version=manifest.version,
    )


def save_model(
    out: Path,
    pipeline: Pipeline,
    *,
    profile: Profile,
    threshold: float,
    metrics: Mapping[str, Metrics],
    training: TrainingRecord,
    created_at: datetime,
) -> Manifest:
    """Writes a model directory: whole, or not at all.

    Args:
        out: A new or empty directory, or one with a model, which is replaced.
        pipeline: Fitted; its last step predicts with one thread.
        profile: As the model was trained with.
        threshold: A row is fraud where its probability is at least that.
        metrics: On the test part, by kind of model, that of `pipeline` first.
        training: What was done.
        created_at: With a zone.

    Returns:
        The manifest as written.

    Raises:
        ModelNotSaved: `out` holds something else, or the system refuses.
    """
    content = _pickled(pipeline)
    manifest = Manifest(
        name=profile.name,
        created_at=created_at,
        profile=profile,
        inputs=tuple(Input(name, "float64") for name in profile.inputs),
        threshold=threshold,
        metrics=dict(metrics),
        training=training,
        libraries=_library_versions(),
        files={MODEL_FILE: File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))},
    ).sealed()
    require_place_for_model(out)
    try:
        _replace_directory(out.resolve(), {MODEL_FILE: content, MANIFEST_FILE: manifest.encoded()})
    except OSError as refusal:
        raise ModelNotSaved(
            f"cannot write a model to '{out}' ({refusal.strerror})",
            remedy="name a directory inside one that can be written to and has room (not a mount point itself)",
        ) from refusal
    return manifest


def require_place_for_model(out: Path) -> None:
    """Refuses to overwrite anything but a model: known before the training, not after it.

    Raises:
        ModelNotSaved: `out` is a file, or a directory with something else than a model in it.
    """
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())) or _holds_a_model(out):
            return
    except OSError as refusal:
        raise ModelNotSaved(
            f"cannot look into '{out}' ({refusal.strerror})", remedy="name a directory of this user's own"
        ) from refusal
    raise ModelNotSaved(
        f"'{out}' exists and holds something else than a model",
        remedy="name a new or empty directory, or remove what is there",
    )


def _holds_a_model(directory: Path) -> bool:
    try:
        manifest = read_manifest(directory)
    except Mendable:
        return False
    return {entry.name for entry in directory.iterdir()} <= {MANIFEST_FILE, *manifest.files}


def _pickled(pipeline: Pipeline) -> bytes:
    buffer = BytesIO()
    joblib.dump(pipeline, buffer, compress=_COMPRESSION)
    return buffer.getvalue()


def _replace_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files beside `directory` and renames: what is interrupted leaves the old ones as they are."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    new, old = (directory.with_name(f".{directory.name}.{os.getpid()}.{kind}") for kind in ("new", "old"))
    try:
        shutil.rmtree(new, ignore_errors=True)  # of a process that was killed, and had the same number
        new.mkdir()
        for name, content in files.items():
            with (new / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync_directory(new)
        if directory.exists():
            shutil.rmtree(old, ignore_errors=True)
            directory.rename(old)
        new.rename(directory)
        _sync_directory(directory.parent)
    finally:
        if old.exists() and not directory.exists():
            old.rename(directory)
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _library_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
