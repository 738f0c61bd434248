"""A model directory to a scorer: nothing altered, nothing unpickled, nothing that scores otherwise than it did."""

from __future__ import annotations

import hashlib
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from model.data.dataset import Dataset
from model.errors import Mendable
from model.scoring.serving import ServingDamaged
from model.versions.golden import GoldenRows, GoldenRowsDamaged, GoldenRowsDiffer
from model.versions.loading import ModelContractBroken, load_scorer, verified_manifest
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    PIPELINE_FILE,
    SERVING_FILE,
    File,
    Input,
    Manifest,
    ModelDamaged,
    ModelDigestMismatch,
    ModelMissing,
    read_manifest,
)
from model.versions.signing import ModelUnsigned, SignatureWrong, Signer, Verifier, new_keys
from tests.harness.small_model import SmallModel, small_model
from tests.model.versions.test_artifact import FILES, TouchesAFile

# What the image that scores the stream does without.
ABSENT = ("sklearn", "scipy", "joblib", "pandas", "pyarrow", "imblearn", "cryptography", "boto3", "jinja2")

LOADS_AND_SCORES = f"""
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Absent(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import numpy as np
from model.versions.loading import load_scorer
print(load_scorer(Path(sys.argv[1])).score(np.zeros((2, 3)), np.zeros(2, np.int64)).shape)
"""


def rewrite(model: Path, written: dict[str, bytes] | None = None, /, **fields: Any) -> Manifest:
    """Writes other files and fields as somebody would who may write the whole directory: all digests fit."""
    manifest = read_manifest(model)
    listed = dict(manifest.files)
    for name, content in (written or {}).items():
        (model / name).write_bytes(content)
        listed[name] = File(hashlib.sha256(content).hexdigest(), len(content))
    other: Manifest = msgspec.structs.replace(manifest, **{"files": listed, **fields}).sealed()
    (model / MANIFEST_FILE).write_bytes(other.encoded())
    return other


def test_it_scores_as_what_was_saved(trained: SmallModel, saved: Path, dataset: Dataset) -> None:
    scorer, manifest = load_scorer(saved), read_manifest(saved)

    scores = scorer.score(dataset.inputs, dataset.times)

    assert scores.tobytes() == trained.serving.probabilities(dataset.inputs, dataset.times).tobytes()
    assert (scorer.name, scorer.version, scorer.threshold) == (manifest.name, manifest.version, manifest.threshold)


def test_a_copied_model_is_the_same_model(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "copy")

    assert load_scorer(tmp_path / "copy").version == load_scorer(saved).version


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_of_any_file_is_noticed(name: str, saved: Path) -> None:
    whole = (saved / name).read_bytes()

    for at in (0, len(whole) // 2, len(whole) - 1):
        (saved / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ModelDigestMismatch, match=name):
            load_scorer(saved)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_off_longer_or_lost_is_refused(name: str, saved: Path) -> None:
    whole = (saved / name).read_bytes()

    (saved / name).write_bytes(whole[:-1])
    with pytest.raises(ModelDamaged, match=rf"{name}' is cut off \({len(whole) - 1} of {len(whole)} bytes\)"):
        load_scorer(saved)
    (saved / name).write_bytes(whole + b"x")
    with pytest.raises(ModelDigestMismatch, match=name):
        load_scorer(saved)
    (saved / name).unlink()
    with pytest.raises(ModelMissing, match=name):
        load_scorer(saved)


def test_a_directory_without_a_model_is_said_to_be_one(saved: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere' is no directory"):
        load_scorer(saved / "nowhere")
    (saved / MANIFEST_FILE).unlink()
    with pytest.raises(ModelMissing, match=MANIFEST_FILE):
        load_scorer(saved)


def test_a_file_that_nobody_listed_is_left_alone(saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")

    assert verified_manifest(saved) == read_manifest(saved)


@pytest.mark.parametrize("name", [SERVING_FILE, GOLDEN_FILE])
def test_a_manifest_without_what_scores_is_refused(name: str, saved: Path) -> None:
    files = {listed: file for listed, file in read_manifest(saved).files.items() if listed != name}
    rewrite(saved, files=files)

    with pytest.raises(ModelMissing, match=name):
        load_scorer(saved)


def test_it_needs_nothing_of_what_training_needs(saved: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS_AND_SCORES, str(saved)], capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.returncode) == ("(2,)", 0), done.stderr


def test_a_pickle_is_never_run_even_where_all_digests_fit(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap sprung"
    rewrite(saved, {PIPELINE_FILE: pickle.dumps(TouchesAFile(trap))})

    done = subprocess.run(
        [sys.executable, "-c", LOADS_AND_SCORES, str(saved)], capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.returncode) == ("(2,)", 0), done.stderr
    assert not trap.exists()


def test_a_pickle_in_the_place_of_the_arrays_is_never_run(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap sprung"
    attack = pickle.dumps(TouchesAFile(trap))

    rewrite(saved, {SERVING_FILE: attack})
    with pytest.raises(ServingDamaged, match=SERVING_FILE):
        load_scorer(saved)
    assert not trap.exists()


def test_golden_rows_that_are_none_are_refused(saved: Path) -> None:
    rewrite(saved, {GOLDEN_FILE: b"PK"})

    with pytest.raises(GoldenRowsDamaged, match=GOLDEN_FILE):
        load_scorer(saved)


def test_it_scores_whatever_version_of_scikit_learn_trained_it(saved: Path) -> None:
    rewrite(saved, libraries={"scikit-learn": "0.1"})

    assert load_scorer(saved).name == "small"


def test_arrays_of_another_model_are_found_out_by_their_scores(saved: Path, dataset: Dataset) -> None:
    other = small_model(dataset, seed=8)
    rewrite(saved, {SERVING_FILE: other.serving.encode()})

    with pytest.raises(GoldenRowsDiffer, match=GOLDEN_FILE):
        load_scorer(saved)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"inputs": (Input("risk", "float64"), Input("amount", "float64"), Input("noise", "float64"))}, SERVING_FILE),
        ({"inputs": (Input("amount", "float64"),)}, SERVING_FILE),
        ({"inputs": tuple(Input(name, "float32") for name in ("amount", "risk", "noise"))}, "float32"),
        ({"calendar": ()}, SERVING_FILE),
    ],
)
def test_arrays_that_take_something_else_than_the_manifest_says_are_refused(
    fields: dict[str, object], said: str, saved: Path
) -> None:
    rewrite(saved, **fields)

    with pytest.raises(ModelContractBroken, match=said):
        load_scorer(saved)


def test_golden_rows_of_another_width_are_refused(trained: SmallModel, saved: Path) -> None:
    golden = trained.golden
    narrower = GoldenRows(golden.rows[:, :2].copy(), golden.times, golden.probabilities)
    rewrite(saved, {GOLDEN_FILE: narrower.encode()})

    with pytest.raises(ModelContractBroken, match=GOLDEN_FILE):
        load_scorer(saved)


def test_a_required_signature_is_looked_for_before_the_files_are_read(trained: SmallModel, tmp_path: Path) -> None:
    private, public = new_keys(tmp_path / "keys")
    signer, verifier = Signer.from_file(private), Verifier.from_file(public)
    trained.save(tmp_path / "signed", signer=signer)
    trained.save(tmp_path / "unsigned")
    (tmp_path / "unsigned" / SERVING_FILE).write_bytes(b"not even read")

    assert load_scorer(tmp_path / "signed", verifier=verifier).name == "small"
    with pytest.raises(ModelUnsigned, match=MANIFEST_FILE):
        load_scorer(tmp_path / "unsigned", verifier=verifier)


def test_whoever_changes_a_signed_model_has_to_sign_it(trained: SmallModel, tmp_path: Path) -> None:
    private, public = new_keys(tmp_path / "keys")
    signed = trained.save(tmp_path / "model", signer=Signer.from_file(private))
    forged: Manifest = msgspec.structs.replace(
        msgspec.structs.replace(signed, threshold=0.9).sealed(), signature=signed.signature
    )
    (tmp_path / "model" / MANIFEST_FILE).write_bytes(forged.encoded())

    assert load_scorer(tmp_path / "model").threshold == 0.9
    with pytest.raises(SignatureWrong, match=MANIFEST_FILE):
        load_scorer(tmp_path / "model", verifier=Verifier.from_file(public))


def test_every_refusal_is_one_line(saved: Path) -> None:
    (saved / SERVING_FILE).write_bytes(b"")

    with pytest.raises(Mendable) as refusal:
        load_scorer(saved)
    assert len(str(refusal.value).splitlines()) == 1
