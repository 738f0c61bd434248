"""One small trained model for all the tests that only look at it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from model.artifact import save_model
from model.dataset import Dataset, dataset_from_frame
from model.manifest import Manifest
from model.training import TrainedModel, TrainingPlan, train
from tests.harness.labelled import PROFILE, labelled_frame


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")


@pytest.fixture(scope="session")
def trained(dataset: Dataset) -> TrainedModel:
    return train(dataset, PROFILE, plan=TrainingPlan(trees=12), progress=lambda _, __: None)


def save(trained: TrainedModel, out: Path, *, created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> Manifest:
    return save_model(
        out,
        trained.pipeline,
        profile=PROFILE,
        threshold=trained.threshold,
        metrics=trained.metrics,
        training=trained.record,
        created_at=created_at,
    )


@pytest.fixture
def saved(trained: TrainedModel, tmp_path: Path) -> Path:
    """A model directory of the test's own, to do anything to."""
    save(trained, tmp_path / "model")
    return tmp_path / "model"
