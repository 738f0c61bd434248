"""What is known of a model beside the model itself: `manifest.json`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from model.errors import Mendable
from model.metrics import Metrics
from model.profile import Profile

MANIFEST_FILE: Final = "manifest.json"
FORMAT: Final = "fraudstream-model"
FORMAT_VERSION: Final = 1

_TRAIN_AGAIN: Final = "copy the whole directory again from where it was made, or train again"


class ModelMissing(Mendable):
    """No model where one should be."""


class ModelDamaged(Mendable):
    """A model directory of which a part is cut off or unreadable."""


class ModelDigestMismatch(Mendable):
    """A file of a model is not the one that was written with it."""


class ModelFormatUnknown(Mendable):
    """A model that another version of this product wrote, or something else altogether."""


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of the model's input."""

    name: str
    dtype: str


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file beside the manifest."""

    sha256: str
    bytes: int


class PartRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows that one part of the data had."""

    rows: int
    frauds: int
    first: datetime
    last: datetime


class TrainingRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done to get the model.

    Attributes:
        seed: Of every random choice.
        trees: In the forest.
        rows_read: In the data file.
        rows_left_out: By reason, where there are any.
        parts: By name, in the order of time.
        fraud_ratio: Frauds to legitimate rows that resampling aimed at.
        synthetic_frauds: Made up by resampling, in the training part.
        notes: What did not go as usual.
    """

    seed: int
    trees: int
    rows_read: int
    rows_left_out: dict[str, int]
    parts: dict[str, PartRecord]
    fraud_ratio: float
    synthetic_frauds: int
    notes: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model version on disk. `sealed` fills `version` and `digest`.

    Attributes:
        format: Says that this is a model of ours.
        format_version: Of this file's layout.
        name: The profile's.
        version: Of what decides verdicts (inputs, threshold, files): the same data and seed give the same one.
        created_at: With a zone; not part of `version`.
        profile: As the model was trained with.
        inputs: Names and dtypes in order.
        threshold: A row is fraud where its probability is at least that.
        metrics: On the test part, by kind of model; the first is the one in the files.
        training: What was done.
        libraries: Versions, by distribution.
        files: By name.
        digest: SHA-256 of all the other fields.
    """

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    name: str
    version: str = ""
    created_at: datetime
    profile: Profile
    inputs: tuple[Input, ...]
    threshold: float
    metrics: dict[str, Metrics]
    training: TrainingRecord
    libraries: dict[str, str]
    files: dict[str, File]
    digest: str = ""

    def sealed(self) -> Manifest:
        """With its version and digest."""
        decisive = {
            "name": self.name,
            "inputs": self.inputs,
            "threshold": self.threshold,
            "files": self.files,
        }
        versioned = msgspec.structs.replace(self, version=_sha256_of(decisive)[:12])
        return msgspec.structs.replace(versioned, digest=versioned.own_digest())

    def own_digest(self) -> str:
        """What `digest` must be."""
        fields = msgspec.structs.asdict(self)
        del fields["digest"]
        return _sha256_of(fields)

    def encoded(self) -> bytes:
        """As JSON for people and programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class _Header(msgspec.Struct, frozen=True):
    """What any version of a manifest says."""

    format: str
    format_version: int


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the model in a directory, checked against its own digest.

    Raises:
        ModelMissing: There is no such directory, or no manifest in it.
        ModelDamaged: The manifest cannot be read, or is cut off.
        ModelFormatUnknown: It is none of ours, or of another version of the format.
        ModelDigestMismatch: It was altered.
    """
    path = directory / MANIFEST_FILE
    manifest = _decoded(_read(path), path)
    if manifest.digest != manifest.own_digest():
        raise ModelDigestMismatch(f"'{path}' was altered after training", remedy=_TRAIN_AGAIN)
    return manifest


def read_listed(directory: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one of the manifest's files, read once and proved to be those that were written.

    Raises:
        ModelMissing: The file is not there, or not listed.
        ModelDamaged: It is cut off or cannot be read.
        ModelDigestMismatch: It was altered.
    """
    path, written = directory / name, manifest.files.get(name)
    if written is None:
        raise ModelMissing(f"model file '{path}' is not in the manifest", remedy=_TRAIN_AGAIN)
    content = _read(path)
    if len(content) < written.bytes:
        raise ModelDamaged(
            f"model file '{path}' is cut off ({len(content)} of {written.bytes} bytes)", remedy=_TRAIN_AGAIN
        )
    if len(content) != written.bytes or hashlib.sha256(content).hexdigest() != written.sha256:
        raise ModelDigestMismatch(f"model file '{path}' was altered after training", remedy=_TRAIN_AGAIN)
    return content


def _decoded(content: bytes, path: Path) -> Manifest:
    try:
        text = content.decode()  # all of it: the decoder does not look into strings that it skips
        header = msgspec.json.decode(text, type=_Header)
    except msgspec.ValidationError as refusal:
        raise ModelFormatUnknown(
            f"'{path}' is no manifest of a model ({refusal})", remedy="give the directory that `fraud train` wrote"
        ) from refusal
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise ModelDamaged(f"'{path}' is cut off or no JSON", remedy=_TRAIN_AGAIN) from refusal
    if (header.format, header.format_version) != (FORMAT, FORMAT_VERSION):
        raise ModelFormatUnknown(
            f"'{path}' has format {header.format!r} version {header.format_version}, "
            f"known is {FORMAT!r} version {FORMAT_VERSION}",
            remedy="train again with this version, or use the version that wrote it",
        )
    try:
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise ModelDigestMismatch(f"'{path}' was altered after training ({refusal})", remedy=_TRAIN_AGAIN) from refusal


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as missing:
        there = f"'{path.parent}' has no {path.name}" if path.parent.is_dir() else f"'{path.parent}' is no directory"
        raise ModelMissing(f"no model: {there}", remedy="give a whole directory as `fraud train` wrote it") from missing
    except OSError as refusal:
        raise ModelDamaged(
            f"model file '{path}' cannot be read ({refusal.strerror})", remedy="make it readable for this user"
        ) from refusal


def _sha256_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()
