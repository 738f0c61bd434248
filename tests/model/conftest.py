"""One small trained model for all the tests that only look at it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.data.dataset import Dataset, dataset_from_frame
from model.versions.manifest import MANIFEST_FILE
from tests.harness.labelled import PROFILE, labelled_frame
from tests.harness.small_model import SmallModel, small_model


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")


@pytest.fixture(scope="session")
def trained(dataset: Dataset) -> SmallModel:
    return small_model(dataset)


@pytest.fixture
def saved(trained: SmallModel, tmp_path: Path) -> Path:
    """A model directory of the test's own, to do anything to."""
    trained.save(tmp_path / "model")
    return tmp_path / "model"


def edit_manifest(model: Path, **fields: object) -> None:
    """Writes other fields into a manifest, as somebody with an editor would."""
    content = json.loads((model / MANIFEST_FILE).read_bytes())
    (model / MANIFEST_FILE).write_text(json.dumps(content | fields))
