"""A model version as a directory: written in one step, and its pipeline unpickled only if it was not altered.

Unpickling runs whatever the pickle says; so nothing is unpickled before its digest is found to be the manifest's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import joblib
import msgspec
import sklearn
from sklearn.pipeline import Pipeline

from model.errors import Mendable
from model.measuring.metrics import Metrics
from model.profile import Profile
from model.recipes import Recipe
from model.scoring.calibration import Method
from model.scoring.serving import ServingModel
from model.versions.durable import replace_directory
from model.versions.golden import GoldenRows
from model.versions.loading import verified_manifest
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    PIPELINE_FILE,
    SERVING_FILE,
    File,
    Input,
    Manifest,
    TrainingRecord,
    read_listed,
    read_manifest,
)

if TYPE_CHECKING:
    from model.versions.signing import Signer, Verifier

_SKLEARN: Final = "scikit-learn"
_LIBRARIES: Final = (_SKLEARN, "numpy", "scipy", "joblib", "imbalanced-learn", "pandas", "pyarrow")
_COMPRESSION: Final = ("zlib", 3)  # a third of the size, for a second in a hundred megabytes


class ModelLibraryMismatch(Mendable):
    """A pipeline of another version of scikit-learn, which promises nothing about reading it."""


class ModelNotSaved(Mendable):
    """A directory that a model cannot be written to."""


def load_pipeline(directory: Path, *, verifier: Verifier | None = None) -> Pipeline:
    """The fitted scikit-learn pipeline in a directory that `save_model` wrote, to look into; scoring does without.

    Args:
        directory: With all its files.
        verifier: Whose signature is required; None takes any model.

    Raises:
        Mendable: The directory is not as it was written (see `verified_manifest`); nothing was unpickled.
        ModelLibraryMismatch: It was trained with another version of scikit-learn; nothing was unpickled.
    """
    manifest = verified_manifest(directory, verifier=verifier)
    trained_with = manifest.libraries.get(_SKLEARN)
    if trained_with != sklearn.__version__:
        raise ModelLibraryMismatch(
            f"the pipeline in '{directory}' was fitted with scikit-learn {trained_with}, here is {sklearn.__version__}",
            remedy=f"install scikit-learn=={trained_with}, or train again; scoring needs neither",
        )
    return joblib.load(BytesIO(read_listed(directory, manifest, PIPELINE_FILE)))


def save_model(
    out: Path,
    *,
    pipeline: Pipeline,
    serving: ServingModel,
    golden: GoldenRows,
    profile: Profile,
    threshold: float,
    thresholds: Mapping[str, float],
    recipe: Recipe,
    seed: int,
    calibration_method: Method,
    metrics: Mapping[str, Metrics],
    training: TrainingRecord,
    data_fingerprint: str,
    documents: Callable[[str], Mapping[str, bytes]],
    created_at: datetime,
    code_revision: str,
    signer: Signer | None = None,
) -> Manifest:
    """Writes a model directory: whole, or not at all.

    Args:
        out: A new or empty directory, or one with a model, which is replaced.
        pipeline: Fitted, for audits.
        serving: The same model as arrays, with its calibration: what scores.
        golden: Scored by `serving`.
        profile: As the model was trained with.
        threshold: A row is fraud where its probability is at least that.
        thresholds: By policy.
        recipe: How the model is made.
        seed: Of every random choice.
        calibration_method: That of `serving`.
        metrics: On the test window, that of the model first.
        training: What was done.
        data_fingerprint: SHA-256 of what was read.
        documents: From the version to further files by name: metrics.json, report.html, model-card.md.
        created_at: With a zone.
        code_revision: Commit or version of the product that trained.
        signer: Signs the manifest; None leaves it unsigned.

    Returns:
        The manifest as written.

    Raises:
        ModelNotSaved: `out` holds something else, or the system refuses.
    """
    decisive = {SERVING_FILE: serving.encode(), GOLDEN_FILE: golden.encode(), PIPELINE_FILE: _pickled(pipeline)}
    undocumented = Manifest(
        name=profile.name,
        created_at=created_at,
        profile=profile,
        inputs=tuple(Input(name, "float64") for name in serving.inputs),
        calendar=serving.calendar,
        threshold=threshold,
        thresholds=dict(thresholds),
        recipe=recipe,
        seed=seed,
        calibration_method=calibration_method,
        metrics=dict(metrics),
        training=training,
        data_fingerprint=data_fingerprint,
        code_revision=code_revision,
        libraries=_library_versions(),
        files=_listed(decisive),
    ).sealed()
    # The documents name the version, which they have no part in.
    files = {**decisive, **documents(undocumented.version)}
    sealed = msgspec.structs.replace(undocumented, files=_listed(files)).sealed()
    manifest = sealed if signer is None else signer.signed(sealed)
    require_place_for_model(out)
    try:
        replace_directory(out.resolve(), {**files, MANIFEST_FILE: manifest.encoded()})
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


def _listed(files: Mapping[str, bytes]) -> dict[str, File]:
    return {name: File(hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()}


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


def _library_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
