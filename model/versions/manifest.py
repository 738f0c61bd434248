"""What is known of a model beside the model itself: `manifest.json`, the contract of a model directory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from model.errors import Mendable
from model.measuring.assessment import Window
from model.measuring.metrics import Metrics
from model.profile import Profile
from model.recipes import Recipe
from model.scoring.calibration import Method

MANIFEST_FILE: Final = "manifest.json"
SERVING_FILE: Final = "serving.npz"
GOLDEN_FILE: Final = "golden.npz"
PIPELINE_FILE: Final = "model.joblib"
FORMAT: Final = "fraudstream-model"
FORMAT_VERSION: Final = 2

COPY_AGAIN: Final = "copy the whole directory again from where it was made, or train again"

# The files that decide verdicts and reproduce them; the others only tell of them.
_DECISIVE_FILES: Final = (SERVING_FILE, GOLDEN_FILE, PIPELINE_FILE)
_DECISIVE: Final = ("name", "inputs", "calendar", "threshold", "thresholds", "recipe", "seed")
_UNDIGESTED: Final = frozenset({"digest", "signature"})

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Threshold = Annotated[float, msgspec.Meta(ge=0, le=1)]
Version = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{12}$")]
# A name that leads nowhere else than into the directory.
FileName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class ModelMissing(Mendable):
    """No model where one should be, or a file of it is not there."""


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

    sha256: Sha256
    bytes: Annotated[int, msgspec.Meta(ge=0)]


class LearntFrom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All the rows that anything of a model was learnt from or chosen by: fit, calibration, thresholds.

    Attributes:
        rows: How many.
        frauds: Among them.
        first: The earliest moment.
        last: The latest; only what is later judges the model fairly.
    """

    rows: int
    frauds: int
    first: datetime
    last: datetime


class TrainingRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was done to get the model.

    Attributes:
        rows_read: In the data file.
        rows_left_out: By reason, where there are any.
        windows: In the order of time: training, calibration windows, test.
        refitted: Whether the model was fitted again to all rows after it had been judged.
        learnt_from: Everything that the model in the files has seen.
        synthetic_frauds: Made up by resampling.
        notes: What did not go as usual.
        options: What `fraud train` was asked for, by option without its dashes, besides data, profile, seed and out.
    """

    rows_read: int
    rows_left_out: dict[str, int]
    windows: tuple[Window, ...]
    refitted: bool
    learnt_from: LearntFrom
    synthetic_frauds: int
    notes: tuple[str, ...]
    options: dict[str, str] = {}


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who vouches for a model: see `model.versions.signing`.

    Attributes:
        algorithm: RFC 8032.
        key_id: Which key: the first 16 hexadecimal digits of the SHA-256 of the 32 bytes of the public key.
        value: 64 bytes in base64.
    """

    algorithm: Literal["ed25519"] = "ed25519"
    key_id: str
    value: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model version on disk. `sealed` fills `version` and `digest`.

    Attributes:
        format: Says that this is a model of ours.
        format_version: Of this file's layout.
        name: The profile's.
        version: Of what decides verdicts and reproduces them (name, inputs, calendar, thresholds, recipe, seed, arrays,
            golden rows, pipeline): the same data, seed and libraries give the same one.
        created_at: With a zone; not part of `version`.
        profile: As the model was trained with.
        inputs: Names and dtypes in order.
        calendar: What the model makes of the time of a transaction, in order.
        threshold: A row is fraud where its probability is at least that.
        thresholds: By policy ("f1", "precision:0.9"), for whoever wants another one.
        recipe: How the model is made.
        seed: Of every random choice.
        calibration_method: How scores became probabilities.
        metrics: On the test window; the first is the one in the files.
        training: What was done.
        data_fingerprint: SHA-256 of the times, labels and inputs that were read.
        code_revision: Commit or version of the product that trained.
        libraries: Versions, by distribution.
        files: All the others of the directory, by name.
        digest: SHA-256 of all the other fields but the signature.
        signature: None where nobody signed.
    """

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    name: str
    version: Version = ""
    created_at: datetime
    profile: Profile
    inputs: tuple[Input, ...]
    calendar: tuple[str, ...]
    threshold: Threshold
    thresholds: dict[str, Threshold]
    recipe: Recipe
    seed: int
    calibration_method: Method
    metrics: dict[str, Metrics]
    training: TrainingRecord
    data_fingerprint: str
    code_revision: str
    libraries: dict[str, str]
    files: dict[FileName, File]
    digest: Sha256 = ""
    signature: Signature | None = None

    def sealed(self) -> Manifest:
        """With its version and digest, and without a signature, which was another's."""
        unsigned = msgspec.structs.replace(self, signature=None)
        versioned = msgspec.structs.replace(unsigned, version=_version_of(_fields(unsigned)))
        return msgspec.structs.replace(versioned, digest=_digest_of(_fields(versioned)))

    def encoded(self) -> bytes:
        """As JSON for people and programs."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


class _Header(msgspec.Struct, frozen=True):
    """What any version of a manifest says."""

    format: str
    format_version: int


def parse_manifest(content: bytes, *, source: str) -> Manifest:
    """The manifest in a JSON text, checked against its own digest.

    What is checked is the text, not what this version of the product makes of it: fields that a later version adds
    with a default leave the digests of older manifests as they are.

    Args:
        content: UTF-8.
        source: Names it in errors.

    Raises:
        ModelDamaged: It is cut off or no JSON.
        ModelFormatUnknown: It is no manifest of ours, or of another version of the format.
        ModelDigestMismatch: It was altered.
    """
    try:
        text = content.decode()  # all of it: the decoder does not look into strings that it skips
        header = msgspec.json.decode(text, type=_Header)
    except msgspec.ValidationError as refusal:
        raise ModelFormatUnknown(
            f"'{source}' is no manifest of a model ({refusal})", remedy="give the directory that `fraud train` wrote"
        ) from refusal
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        raise ModelDamaged(f"'{source}' is cut off or no JSON", remedy=COPY_AGAIN) from refusal
    if (header.format, header.format_version) != (FORMAT, FORMAT_VERSION):
        raise ModelFormatUnknown(
            f"'{source}' has format {header.format!r} version {header.format_version}, "
            f"known is {FORMAT!r} version {FORMAT_VERSION}",
            remedy="train again with this version of the product, or use the version that wrote it",
        )
    _require_own_digest(text, source)
    try:
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.ValidationError as refusal:
        raise ModelFormatUnknown(
            f"'{source}' says what this version of the product does not understand ({refusal})",
            remedy="use the version that wrote it, or train again with this one",
        ) from refusal


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the model in a directory, checked against its own digest.

    Raises:
        ModelMissing: There is no such directory, or no manifest in it.
        ModelDamaged: The manifest cannot be read, or is cut off.
        ModelFormatUnknown: It is none of ours, or of another version of the format.
        ModelDigestMismatch: It was altered.
    """
    path = directory / MANIFEST_FILE
    return parse_manifest(_read(path), source=str(path))


def read_listed(directory: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one of the manifest's files, read once and proved to be those that were written.

    Raises:
        ModelMissing: The file is not there, or not listed.
        ModelDamaged: It is cut off or cannot be read.
        ModelDigestMismatch: It was altered.
    """
    path = directory / name
    if name not in manifest.files:
        raise ModelMissing(f"model file '{path}' is not in the manifest", remedy=COPY_AGAIN)
    content = _read(path)
    require_as_written(content, manifest.files[name], source=str(path))
    return content


def require_as_written(content: bytes, written: File, *, source: str) -> None:
    """Refuses other bytes than those that were written.

    Raises:
        ModelDamaged: They are cut off.
        ModelDigestMismatch: They were altered.
    """
    if len(content) < written.bytes:
        raise ModelDamaged(
            f"model file '{source}' is cut off ({len(content)} of {written.bytes} bytes)", remedy=COPY_AGAIN
        )
    if len(content) != written.bytes or hashlib.sha256(content).hexdigest() != written.sha256:
        raise ModelDigestMismatch(f"model file '{source}' was altered after training", remedy=COPY_AGAIN)


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


def _require_own_digest(text: str, source: str) -> None:
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        intact = fields.get("digest") == _digest_of(fields) and fields.get("version") == _version_of(fields)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, TypeError) as refusal:
        raise ModelDigestMismatch(f"'{source}' was altered after training", remedy=COPY_AGAIN) from refusal
    if not intact:
        raise ModelDigestMismatch(f"'{source}' was altered after training", remedy=COPY_AGAIN)


def _fields(manifest: Manifest) -> dict[str, Any]:
    """As whoever reads the file finds them."""
    return msgspec.json.decode(msgspec.json.encode(manifest), type=dict[str, Any])


def _digest_of(fields: Mapping[str, Any]) -> str:
    return _sha256_of({name: value for name, value in fields.items() if name not in _UNDIGESTED})


def _version_of(fields: Mapping[str, Any]) -> str:
    files = fields["files"] if isinstance(fields.get("files"), dict) else {}
    decisive = {name: fields.get(name) for name in _DECISIVE}
    return _sha256_of({**decisive, "files": {name: files.get(name) for name in _DECISIVE_FILES}})[:12]


def _sha256_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(fields, order="deterministic")).hexdigest()
