"""A small model, fitted, exported and saved as `fraud train` would, without the choosing and judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from model.data.dataset import Dataset
from model.data.fingerprint import fingerprint
from model.learning.export import serving_model
from model.learning.preparation import new_preparation, with_times
from model.measuring.assessment import Window
from model.measuring.metrics import Metrics, measure
from model.profile import Profile
from model.recipes import Recipe
from model.scoring.calibration import Calibration
from model.scoring.serving import ServingModel
from model.versions.artifact import save_model
from model.versions.golden import GoldenRows, golden_rows
from model.versions.manifest import LearntFrom, Manifest, TrainingRecord
from tests.harness.labelled import PROFILE

if TYPE_CHECKING:
    from model.versions.signing import Signer

DOCUMENTS = ("metrics.json", "report.html", "model-card.md")
THRESHOLD = 0.3
_CALIBRATION = Calibration("sigmoid", np.empty(0), np.empty(0), 1.1, -0.2)


@dataclass(frozen=True, eq=False)
class SmallModel:
    """What there is to save."""

    pipeline: Pipeline
    serving: ServingModel
    golden: GoldenRows
    profile: Profile
    recipe: Recipe
    seed: int
    metrics: Mapping[str, Metrics]
    training: TrainingRecord
    data_fingerprint: str

    def save(
        self,
        out: Path,
        *,
        created_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        threshold: float = THRESHOLD,
        code_revision: str = "0.1.0",
        signer: Signer | None = None,
    ) -> Manifest:
        """Saves it as a model directory."""
        return save_model(
            out,
            pipeline=self.pipeline,
            serving=self.serving,
            golden=self.golden,
            profile=self.profile,
            threshold=threshold,
            thresholds={"f1": threshold, "precision:0.9": 0.6},
            recipe=self.recipe,
            seed=self.seed,
            calibration_method=self.serving.calibration.method,
            metrics=self.metrics,
            training=self.training,
            data_fingerprint=self.data_fingerprint,
            documents=lambda version: {name: f"{name} of version {version}\n".encode() for name in DOCUMENTS},
            created_at=created_at,
            code_revision=code_revision,
            signer=signer,
        )


def small_model(
    dataset: Dataset, *, profile: Profile = PROFILE, seed: int = 7, trees: int = 12, shuffled: bool = False
) -> SmallModel:
    """A forest that has learnt from the first four fifths of a dataset and was judged by the rest.

    Args:
        dataset: In the order of time.
        profile: It was read with.
        seed: Of the forest.
        trees: In it.
        shuffled: Whether it learns from labels of other rows, which teaches nothing.
    """
    assert dataset.labels is not None
    recipe = Recipe(kind="random_forest", trees=trees)
    cut = len(dataset) * 4 // 5
    before, after = dataset.take(np.arange(cut)), dataset.take(np.arange(cut, len(dataset)))
    calendar = profile.calendar_features
    pipeline = Pipeline(
        [
            ("prepare", new_preparation(len(profile.inputs), calendar)),
            ("classify", RandomForestClassifier(trees, random_state=seed, min_samples_leaf=3)),
        ]
    )
    taught = _labels(before)
    if shuffled:
        taught = np.random.default_rng(seed).permutation(taught)
    pipeline.fit(with_times(before.inputs, before.times, calendar), taught)
    serving = serving_model(pipeline, inputs=profile.inputs, calendar=calendar, calibration=_CALIBRATION)
    own = measure(_labels(after), serving.probabilities(after.inputs, after.times), THRESHOLD)
    first, last = (datetime.fromtimestamp(int(before.times[at]) / 1000, UTC) for at in (0, -1))
    return SmallModel(
        pipeline=pipeline,
        serving=serving,
        golden=golden_rows(before.inputs, before.times, _labels(before), seed=seed, score=serving.probabilities),
        profile=profile,
        recipe=recipe,
        seed=seed,
        metrics={"random_forest": own},
        training=TrainingRecord(
            rows_read=len(dataset),
            rows_left_out={},
            windows=(_window("training", before), _window("test", after)),
            refitted=False,
            learnt_from=LearntFrom(rows=cut, frauds=int(_labels(before).sum()), first=first, last=last),
            synthetic_frauds=0,
            notes=(),
            options={"trees": str(trees)},
        ),
        data_fingerprint=fingerprint(dataset),
    )


def _labels(dataset: Dataset) -> NDArray[np.int8]:
    assert dataset.labels is not None
    return dataset.labels


def _window(name: str, rows: Dataset) -> Window:
    first, last = (datetime.fromtimestamp(int(rows.times[at]) / 1000, UTC) for at in (0, -1))
    return Window(name=name, rows=len(rows), frauds=int(_labels(rows).sum()), first=first, last=last)
