"""A model on disk: written whole, and its pipeline not unpickled if anything in it is another than was written."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from datetime import UTC, datetime
from pathlib import Path

import joblib
import msgspec
import numpy as np
import pytest
import sklearn

from model.data.dataset import Dataset
from model.learning.export import fraud_probabilities
from model.learning.preparation import with_times
from model.scoring.serving import ServingModel
from model.versions.artifact import ModelLibraryMismatch, ModelNotSaved, load_pipeline, require_place_for_model
from model.versions.golden import GoldenRows
from model.versions.loading import load_scorer
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    PIPELINE_FILE,
    SERVING_FILE,
    File,
    Manifest,
    ModelDigestMismatch,
    read_manifest,
)
from tests.harness.labelled import PROFILE
from tests.harness.small_model import DOCUMENTS, SmallModel, small_model

FILES = [*DOCUMENTS, SERVING_FILE, GOLDEN_FILE, PIPELINE_FILE]


class TouchesAFile:
    """What an attacker would pickle: unpickling it runs code."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.touched),)


def contents(directory: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


def test_the_manifest_says_what_the_model_is(trained: SmallModel, saved: Path) -> None:
    manifest = read_manifest(saved)
    written = contents(saved)
    del written[MANIFEST_FILE]

    assert sorted(written) == sorted(FILES)
    assert manifest.files == {
        name: File(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)) for name, content in written.items()
    }
    assert manifest.name == "small"
    assert manifest.profile == PROFILE
    assert [(one.name, one.dtype) for one in manifest.inputs] == [(name, "float64") for name in PROFILE.inputs]
    assert manifest.calendar == PROFILE.calendar_features
    assert manifest.thresholds["f1"] == manifest.threshold
    assert manifest.metrics == trained.metrics
    assert manifest.training == trained.training
    assert manifest.recipe == trained.recipe
    assert manifest.calibration_method == "sigmoid"
    assert manifest.libraries["scikit-learn"] == sklearn.__version__
    assert manifest.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert manifest.signature is None


def test_the_files_are_what_was_given(trained: SmallModel, saved: Path) -> None:
    written = contents(saved)

    assert ServingModel.decode(written[SERVING_FILE]).inputs == trained.serving.inputs
    assert GoldenRows.decode(written[GOLDEN_FILE], source="g").rows.tobytes() == trained.golden.rows.tobytes()
    version = json.loads(written[MANIFEST_FILE])["version"]
    assert written["report.html"] == f"report.html of version {version}\n".encode()


def test_the_same_data_and_seed_give_the_same_version_and_files(dataset: Dataset, tmp_path: Path) -> None:
    first = small_model(dataset).save(tmp_path / "first")
    again = small_model(dataset).save(tmp_path / "again", created_at=datetime(2027, 1, 1, tzinfo=UTC))
    other = small_model(dataset, seed=8).save(tmp_path / "other")

    assert again.version == first.version != other.version
    assert again.files == first.files


def test_another_threshold_is_another_version(trained: SmallModel, tmp_path: Path) -> None:
    first, stricter = trained.save(tmp_path / "first"), trained.save(tmp_path / "stricter", threshold=0.99)

    assert first.version != stricter.version


def test_a_model_that_is_there_is_replaced_and_nothing_is_left_beside_it(saved: Path, trained: SmallModel) -> None:
    again = trained.save(saved, created_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert read_manifest(saved) == again
    assert sorted(contents(saved)) == sorted([*FILES, MANIFEST_FILE])
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]


def test_a_new_directory_is_made_with_its_parents_and_an_empty_one_is_used(trained: SmallModel, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    for out in (tmp_path / "empty", tmp_path / "models" / "of" / "today"):
        assert trained.save(out).version == load_scorer(out).version


def test_a_link_to_a_directory_stays_a_link(saved: Path, trained: SmallModel) -> None:
    link = saved.with_name("current")
    link.symlink_to(saved)

    trained.save(link, created_at=datetime(2027, 1, 1, tzinfo=UTC))

    assert link.is_symlink()
    assert read_manifest(saved).created_at.year == 2027


@pytest.mark.parametrize("kind", ["file", "other files", "model and more", "damaged model"])
def test_nothing_but_a_model_is_overwritten(kind: str, saved: Path, trained: SmallModel) -> None:
    out = saved
    if kind == "file":
        out = saved / PIPELINE_FILE
    elif kind == "damaged model":
        (saved / MANIFEST_FILE).write_text("{}")
    else:
        (saved / "notes.txt").write_text("mine")
        if kind == "other files":
            (saved / MANIFEST_FILE).unlink()
    before = contents(saved)

    with pytest.raises(ModelNotSaved, match="something else than a model"):
        require_place_for_model(out)
    with pytest.raises(ModelNotSaved, match="something else than a model"):
        trained.save(out)

    assert contents(saved) == before


def test_what_the_system_refuses_is_said(trained: SmallModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ModelNotSaved, match="cannot write"):
        trained.save(tmp_path / "file" / "model")


def test_the_pipeline_scores_as_the_arrays_before_calibration(
    trained: SmallModel, saved: Path, dataset: Dataset
) -> None:
    rows = with_times(dataset.inputs, dataset.times, PROFILE.calendar_features)

    scores = fraud_probabilities(load_pipeline(saved), rows)

    assert scores.tobytes() == trained.serving.raw_scores(dataset.inputs, dataset.times).tobytes()


def test_an_altered_pickle_is_not_run(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap sprung"
    size = (saved / PIPELINE_FILE).stat().st_size
    attack = pickle.dumps(TouchesAFile(trap))
    (saved / PIPELINE_FILE).write_bytes(attack.ljust(size, b"\0"))

    with pytest.raises(ModelDigestMismatch, match=PIPELINE_FILE):
        load_pipeline(saved)
    assert not trap.exists()

    pickle.loads(attack)  # noqa: S301 (the trap works)
    assert trap.exists()


def test_a_pipeline_of_another_scikit_learn_is_refused_before_it_is_unpickled(saved: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap sprung"
    joblib.dump(TouchesAFile(trap), saved / PIPELINE_FILE)
    content = (saved / PIPELINE_FILE).read_bytes()
    manifest = read_manifest(saved)
    older: Manifest = msgspec.structs.replace(
        manifest,
        libraries={"scikit-learn": "1.2.3"},
        files={**manifest.files, PIPELINE_FILE: File(hashlib.sha256(content).hexdigest(), len(content))},
    ).sealed()
    (saved / MANIFEST_FILE).write_bytes(older.encoded())

    with pytest.raises(ModelLibraryMismatch, match=rf"1\.2\.3.*{sklearn.__version__}"):
        load_pipeline(saved)

    assert not trap.exists()
    assert np.isfinite(load_scorer(saved).score(np.zeros((1, 3)), np.zeros(1, np.int64))).all()
