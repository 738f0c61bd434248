"""A model on disk: written whole, and not read if anything in it is another than was written."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import sklearn

from model.artifact import MODEL_FILE, ModelLibraryMismatch, ModelNotSaved, load_scorer, require_place_for_model
from model.errors import Mendable
from model.manifest import (
    MANIFEST_FILE,
    File,
    Manifest,
    ModelDamaged,
    ModelDigestMismatch,
    ModelFormatUnknown,
    ModelMissing,
    read_manifest,
)
from model.training import TrainedModel
from tests.harness.labelled import PROFILE
from tests.model.conftest import save


class TouchesAFile:
    """What an attacker would pickle: unpickling it runs code."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.touched),)


def edit_manifest(model: Path, **fields: object) -> None:
    content = json.loads((model / MANIFEST_FILE).read_bytes())
    (model / MANIFEST_FILE).write_text(json.dumps(content | fields))


def manifest_or_refusal(model: Path) -> Manifest | Mendable:
    try:
        return read_manifest(model)
    except Mendable as refusal:
        return refusal


def test_the_manifest_says_what_the_model_is(trained: TrainedModel, saved: Path) -> None:
    manifest = read_manifest(saved)
    content = (saved / MODEL_FILE).read_bytes()

    assert sorted(entry.name for entry in saved.iterdir()) == [MANIFEST_FILE, MODEL_FILE]
    assert manifest.name == "small"
    assert manifest.profile == PROFILE
    assert [(one.name, one.dtype) for one in manifest.inputs] == [(name, "float64") for name in PROFILE.inputs]
    assert manifest.threshold == trained.threshold
    assert manifest.metrics == trained.metrics
    assert manifest.training == trained.record
    assert manifest.libraries["scikit-learn"] == sklearn.__version__
    assert manifest.files == {MODEL_FILE: File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))}
    assert manifest.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert len(manifest.version) == 12


def test_the_version_depends_on_what_decides_verdicts_and_on_nothing_else(
    trained: TrainedModel, tmp_path: Path
) -> None:
    first = save(trained, tmp_path / "first")
    later = save(trained, tmp_path / "later", created_at=datetime(2027, 1, 1, tzinfo=UTC))
    stricter = msgspec.structs.replace(first, threshold=0.99).sealed()

    assert later.version == first.version != stricter.version
    assert len({first.digest, later.digest, stricter.digest}) == 3


def test_a_model_that_is_there_is_replaced_and_nothing_is_left_beside_it(saved: Path, trained: TrainedModel) -> None:
    again = save(trained, saved, created_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert read_manifest(saved) == again
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]


def test_a_new_directory_is_made_with_its_parents_and_an_empty_one_is_used(
    trained: TrainedModel, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()

    for out in (tmp_path / "empty", tmp_path / "models" / "of" / "today"):
        assert save(trained, out).version == load_scorer(out).version


def test_a_link_to_a_directory_stays_a_link(saved: Path, trained: TrainedModel) -> None:
    link = saved.with_name("current")
    link.symlink_to(saved)

    save(trained, link, created_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert link.is_symlink()
    assert read_manifest(saved).created_at.year == 2027


@pytest.mark.parametrize("kind", ["file", "other files", "model and more", "damaged model"])
def test_nothing_but_a_model_is_overwritten(kind: str, saved: Path, trained: TrainedModel) -> None:
    out = saved
    if kind == "file":
        out = saved / MODEL_FILE
    elif kind == "damaged model":
        (saved / MANIFEST_FILE).write_text("{}")
    else:
        (saved / "notes.txt").write_text("mine")
        if kind == "other files":
            (saved / MANIFEST_FILE).unlink()
    before = {entry.name: entry.read_bytes() for entry in saved.iterdir()}

    with pytest.raises(ModelNotSaved, match="something else than a model"):
        require_place_for_model(out)
    with pytest.raises(ModelNotSaved, match="something else than a model"):
        save(trained, out)

    assert {entry.name: entry.read_bytes() for entry in saved.iterdir()} == before


def test_what_the_system_refuses_is_said(trained: TrainedModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ModelNotSaved, match="cannot write"):
        save(trained, tmp_path / "file" / "model")


def test_a_directory_without_a_model_is_said_to_be_one(saved: Path) -> None:
    with pytest.raises(ModelMissing, match="nowhere' is no directory"):
        load_scorer(saved / "nowhere")
    (saved / MODEL_FILE).unlink()
    with pytest.raises(ModelMissing, match=MODEL_FILE):
        load_scorer(saved)
    (saved / MANIFEST_FILE).unlink()
    with pytest.raises(ModelMissing, match=MANIFEST_FILE):
        load_scorer(saved)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ModelDamaged),
        (b'{"format": "fraudstream-model", "format_ver', ModelDamaged),
        (b"\xff\xfe", ModelDamaged),
        (b'{"format": "fraudstream-model", "format_version": 1, "name": "\xe4"}', ModelDamaged),
        (b"[]", ModelFormatUnknown),
        (b"{}", ModelFormatUnknown),
        (b'{"name": "a web application", "icons": []}', ModelFormatUnknown),
        (b'{"format": "fraudstream-model", "format_version": 2}', ModelFormatUnknown),
        (b'{"format": "other-model", "format_version": 1}', ModelFormatUnknown),
        (b'{"format": "fraudstream-model", "format_version": 1}', ModelDigestMismatch),
    ],
)
def test_a_manifest_that_is_none_is_refused(content: bytes, error: type[Mendable], saved: Path) -> None:
    (saved / MANIFEST_FILE).write_bytes(content)

    with pytest.raises(error, match=MANIFEST_FILE):
        load_scorer(saved)


def test_a_manifest_that_is_cut_off_anywhere_is_refused(saved: Path) -> None:
    whole = (saved / MANIFEST_FILE).read_bytes()

    for length in range(0, len(whole.rstrip()), 97):
        (saved / MANIFEST_FILE).write_bytes(whole[:length])
        with pytest.raises(ModelDamaged, match=MANIFEST_FILE):
            load_scorer(saved)


@pytest.mark.parametrize("header", [b"", b'"format": "fraudstream-model", "format_version": 1, '])
@pytest.mark.parametrize("field", [b"x", b"metrics", b"format"])
def test_a_manifest_nested_beyond_all_limits_is_refused(header: bytes, field: bytes, saved: Path) -> None:
    (saved / MANIFEST_FILE).write_bytes(b'{%s"%s": %s' % (header, field, b"[" * 200_000))

    with pytest.raises(Mendable, match=MANIFEST_FILE):
        load_scorer(saved)


def test_a_flipped_bit_of_a_manifest_is_refused_or_changes_nothing(saved: Path) -> None:
    path = saved / MANIFEST_FILE
    whole, manifest = path.read_bytes(), read_manifest(saved)
    refused = 0

    for at, byte in enumerate(whole):
        for bit in (7, at % 7):  # the highest, which makes it no UTF-8, and one of the others
            path.write_bytes(whole[:at] + bytes([byte ^ 1 << bit]) + whole[at + 1 :])
            # A time may have a small z, and the last digit of a double may not count: that changes nothing.
            outcome = manifest_or_refusal(saved)
            assert outcome == manifest or MANIFEST_FILE in str(outcome)
            refused += isinstance(outcome, Mendable)

    assert refused > 1.9 * len(whole)


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": 0.999},
        {"threshold": "high"},
        {"name": "other"},
        {"version": "000000000000"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"metrics": {}},
        {"files": {}},
        {"libraries": {}},
        {"signature": "none"},
        {"digest": "0" * 64},
    ],
)
def test_an_edited_manifest_is_noticed(fields: dict[str, object], saved: Path) -> None:
    edit_manifest(saved, **fields)

    with pytest.raises(ModelDigestMismatch, match=MANIFEST_FILE):
        load_scorer(saved)


def test_a_manifest_that_is_only_laid_out_anew_is_the_same(saved: Path) -> None:
    version = read_manifest(saved).version
    edit_manifest(saved)

    assert load_scorer(saved).version == version


def test_one_flipped_bit_is_noticed(saved: Path) -> None:
    whole = (saved / MODEL_FILE).read_bytes()

    for at in (0, len(whole) // 2, len(whole) - 1):
        (saved / MODEL_FILE).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ModelDigestMismatch, match=MODEL_FILE):
            load_scorer(saved)


def test_a_model_file_that_is_cut_off_or_longer_is_refused(saved: Path) -> None:
    whole = (saved / MODEL_FILE).read_bytes()

    (saved / MODEL_FILE).write_bytes(whole[:-1])
    with pytest.raises(ModelDamaged, match=f"{len(whole) - 1} of {len(whole)} bytes"):
        load_scorer(saved)
    (saved / MODEL_FILE).write_bytes(whole + b"x")
    with pytest.raises(ModelDigestMismatch, match=MODEL_FILE):
        load_scorer(saved)


def test_an_altered_pickle_is_not_run(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap sprung"
    size = (saved / MODEL_FILE).stat().st_size
    attack = pickle.dumps(TouchesAFile(trap))
    (saved / MODEL_FILE).write_bytes(attack.ljust(size, b"\0"))

    with pytest.raises(ModelDigestMismatch):
        load_scorer(saved)
    assert not trap.exists()

    pickle.loads(attack)  # noqa: S301 (the trap works)
    assert trap.exists()


def test_another_version_of_scikit_learn_is_refused_before_anything_is_unpickled(saved: Path) -> None:
    manifest = read_manifest(saved)
    older: Manifest = msgspec.structs.replace(manifest, libraries={"scikit-learn": "1.2.3"}).sealed()
    (saved / MANIFEST_FILE).write_bytes(older.encoded())
    (saved / MODEL_FILE).write_bytes(b"not even read")

    with pytest.raises(ModelLibraryMismatch, match=rf"1\.2\.3.*{sklearn.__version__}"):
        load_scorer(saved)


def test_scoring_needs_neither_pandas_nor_what_training_needs(saved: Path, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
for absent in ("pandas", "pyarrow", "imblearn"):
    sys.modules[absent] = None
import numpy as np
from model.artifact import load_scorer
print(load_scorer(Path({str(saved)!r})).score(np.zeros((2, 3))).shape)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout.strip(), done.returncode) == ("(2,)", 0), done.stderr


def test_a_copied_model_is_the_same_model(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path / "copy")

    assert load_scorer(tmp_path / "copy").version == load_scorer(saved).version
