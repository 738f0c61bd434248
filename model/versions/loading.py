"""A model directory to a scorer: checked, decoded and tried before the first transaction.

The arrays are numbers, which run nothing; `model.joblib` is compared with its digest and never unpickled. So a model
scores whatever version of scikit-learn it was trained with, and where there is none.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import Mendable
from model.scoring.scorer import Scorer
from model.scoring.serving import ServingDamaged, ServingModel
from model.versions.golden import GoldenRows, replay
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    SERVING_FILE,
    Manifest,
    read_listed,
    read_manifest,
)

if TYPE_CHECKING:
    from model.versions.signing import Verifier


class ModelContractBroken(Mendable):
    """Arrays that take or make something else than their manifest says."""


def verified_manifest(directory: Path, *, verifier: Verifier | None = None) -> Manifest:
    """The manifest of a model directory in which every listed file is the one that was written.

    Files that the manifest does not list are left alone: nothing reads them.

    Args:
        directory: As `save_model` wrote it.
        verifier: Whose signature is required; None takes any model.

    Raises:
        ModelMissing: The directory or a listed file of it does not exist.
        ModelDamaged: A file is cut off or cannot be read.
        ModelDigestMismatch: A file was altered.
        ModelFormatUnknown: It is no model, or of another version of the format.
        ModelUnsigned: A signature is required, and there is none.
        SignatureWrong: It is another key's, or another model's.
    """
    manifest = read_manifest(directory)
    if verifier is not None:
        verifier.require(manifest, source=str(directory / MANIFEST_FILE))
    for name in manifest.files:
        read_listed(directory, manifest, name)
    return manifest


def load_scorer(directory: Path, *, verifier: Verifier | None = None) -> Scorer:
    """The scorer in a directory that `save_model` wrote.

    Args:
        directory: With all its files.
        verifier: Whose signature is required; None takes any model.

    Raises:
        Mendable: The directory is not as it was written (see `verified_manifest`).
        ServingDamaged: The arrays make no model.
        ModelContractBroken: They take other inputs than the manifest says.
        GoldenRowsDamaged: The golden rows are none.
        GoldenRowsDiffer: The model scores otherwise than where it was saved.
    """
    manifest = verified_manifest(directory, verifier=verifier)
    # Read once: what is decoded is what was compared with its digest.
    serving = _decoded(read_listed(directory, manifest, SERVING_FILE), directory)
    golden_file = str(directory / GOLDEN_FILE)
    golden = GoldenRows.decode(read_listed(directory, manifest, GOLDEN_FILE), source=golden_file)
    _require_contract(serving, golden, manifest, directory)
    scorer = Scorer(serving, threshold=manifest.threshold, name=manifest.name, version=manifest.version)
    replay(golden, scorer, source=golden_file)
    return scorer


def _decoded(content: bytes, directory: Path) -> ServingModel:
    try:
        return ServingModel.decode(content)
    except ServingDamaged as damage:
        problem = f"'{directory / SERVING_FILE}': {damage.problem}"
        raise ServingDamaged(problem, remedy=damage.remedy) from damage


def _require_contract(serving: ServingModel, golden: GoldenRows, manifest: Manifest, directory: Path) -> None:
    """The stream reads a transaction by the arrays, people by the manifest: both must say the same."""
    arrays = directory / SERVING_FILE
    named = tuple(one.name for one in manifest.inputs)
    if others := {one.dtype for one in manifest.inputs} - {"float64"}:
        problem = f"'{directory / MANIFEST_FILE}' has inputs of {', '.join(sorted(others))}, known is float64"
    elif serving.inputs != named:
        problem = f"'{arrays}' takes inputs {_listed(serving.inputs)}, its manifest says {_listed(named)}"
    elif set(manifest.profile.inputs) != set(named):
        problem = f"'{directory / MANIFEST_FILE}' has a profile of other inputs than its own"
    elif serving.calibration.method != manifest.calibration_method:
        problem = f"'{arrays}' is calibrated otherwise than its manifest says ({manifest.calibration_method})"
    elif serving.calendar != manifest.calendar:
        problem = f"'{arrays}' makes {_listed(serving.calendar)} of the time, its manifest {_listed(manifest.calendar)}"
    elif golden.rows.shape[1] != len(named):
        problem = f"'{directory / GOLDEN_FILE}' has rows of {golden.rows.shape[1]} inputs, the manifest {len(named)}"
    else:
        return
    raise ModelContractBroken(problem, remedy="train again")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names)) or "nothing"
