"""A trained model to its directory: arrays, golden rows, pipeline, and what people and programs read of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.learning.judging import window
from model.learning.training import TrainedModel
from model.learning.windows import labels_of
from model.profile import Profile
from model.report.card import model_card
from model.report.document import metrics_json
from model.report.page import report_html
from model.versions.artifact import save_model
from model.versions.golden import golden_rows
from model.versions.manifest import LearntFrom, Manifest, TrainingRecord

if TYPE_CHECKING:
    from model.versions.signing import Signer


def save_trained(
    out: Path,
    trained: TrainedModel,
    profile: Profile,
    *,
    options: Mapping[str, str],
    created_at: datetime,
    code_revision: str,
    signer: Signer | None,
) -> Manifest:
    """Writes everything that is known of a trained model.

    Args:
        out: A new or empty directory, or one with a model, which is replaced.
        trained: What came out of the training.
        profile: The data were read with.
        options: What was asked for, to ask for it again.
        created_at: With a zone.
        code_revision: Commit or version of the product that trained.
        signer: Signs the manifest; None leaves it unsigned.

    Raises:
        ModelNotSaved: `out` holds something else, or the system refuses.
    """
    assessment, dataset = trained.assessment, trained.dataset
    rows = np.unique(trained.seen)
    seen = window(dataset, "learnt from", rows)
    return save_model(
        out,
        pipeline=trained.pipeline,
        serving=trained.serving,
        golden=golden_rows(
            dataset.inputs[rows],
            dataset.times[rows],
            labels_of(dataset)[rows],
            seed=assessment.seed,
            score=trained.serving.probabilities,
        ),
        profile=profile,
        threshold=trained.threshold,
        thresholds=trained.thresholds,
        recipe=assessment.recipe,
        seed=assessment.seed,
        calibration_method=trained.calibration_method,
        metrics=assessment.metrics,
        training=TrainingRecord(
            rows_read=assessment.data.rows,
            rows_left_out=assessment.data.left_out,
            windows=assessment.windows,
            refitted=assessment.refitted,
            learnt_from=LearntFrom(rows=seen.rows, frauds=seen.frauds, first=seen.first, last=seen.last),
            synthetic_frauds=trained.synthetic,
            notes=assessment.notes,
            options=dict(options),
        ),
        data_fingerprint=assessment.data.fingerprint,
        # None of them tells the time: the same model has the same files, whoever registers it first.
        documents=lambda version: {
            "metrics.json": metrics_json(assessment),
            "report.html": report_html(assessment, version=version, created_at=None).encode(),
            "model-card.md": model_card(assessment, version=version).encode(),
        },
        created_at=created_at,
        code_revision=code_revision,
        signer=signer,
    )
