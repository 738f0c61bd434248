"""What `fraud train` leaves in a directory, against the training that it came from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.data.dataset import Dataset, dataset_from_frame
from model.learning import training
from model.learning.choosing import SearchPlan
from model.learning.export import fraud_probabilities
from model.learning.preparation import with_times
from model.learning.training import TrainedModel, TrainingPlan
from model.learning.windows import WindowPlan, labels_of
from model.report.document import parse_metrics
from model.versions.artifact import ModelNotSaved, load_pipeline
from model.versions.golden import GoldenRows
from model.versions.loading import load_scorer
from model.versions.manifest import GOLDEN_FILE, MANIFEST_FILE, PIPELINE_FILE, SERVING_FILE, Manifest, read_manifest
from model.versions.saving import save_trained
from model.versions.signing import Signer, Verifier, new_keys
from tests.harness.bent import bent_frame
from tests.harness.labelled import PROFILE

MOMENT = datetime(2026, 2, 1, tzinfo=UTC)
DOCUMENTS = {"metrics.json", "report.html", "model-card.md"}


def read(frame: pd.DataFrame) -> Dataset:
    return dataset_from_frame(frame, PROFILE, need_labels=True, source="table")


def train(frame: pd.DataFrame, *, refit: bool = True, seed: int = 7) -> TrainedModel:
    plan = TrainingPlan(
        windows=WindowPlan(folds=2, known_fraud="keep"),
        search=SearchPlan(trees=12, budget_s=0, resampling="smote:0.1", seed=seed),
        refit=refit,
    )
    return training.train(read(frame), PROFILE, plan=plan, progress=lambda _, __: None)


def save(out: Path, model: TrainedModel, *, created_at: datetime = MOMENT, signer: Signer | None = None) -> Manifest:
    return save_trained(
        out,
        model,
        PROFILE,
        options={"trees": "12"},
        created_at=created_at,
        code_revision="0.1.0",
        signer=signer,
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return train(bent_frame())


@pytest.fixture(scope="module")
def saved(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "small"
    save(out, model)
    return out


def test_everything_is_there_and_listed(saved: Path) -> None:
    assert contents(saved).keys() == {MANIFEST_FILE, SERVING_FILE, GOLDEN_FILE, PIPELINE_FILE, *DOCUMENTS}
    assert read_manifest(saved).files.keys() == contents(saved).keys() - {MANIFEST_FILE}


def test_the_manifest_repeats_the_training(saved: Path, model: TrainedModel) -> None:
    manifest, said = read_manifest(saved), model.assessment

    assert (manifest.name, manifest.profile, manifest.created_at) == ("small", PROFILE, MOMENT)
    assert (manifest.threshold, manifest.thresholds) == (model.threshold, model.thresholds)
    assert (manifest.recipe, manifest.seed, manifest.metrics) == (said.recipe, said.seed, said.metrics)
    assert manifest.calibration_method == model.serving.calibration.method
    assert manifest.data_fingerprint == said.data.fingerprint
    record = manifest.training
    assert (record.rows_read, record.rows_left_out, record.refitted) == (600, {}, True)
    assert (record.windows, record.notes) == (said.windows, said.notes)
    assert (record.synthetic_frauds, record.options) == (model.synthetic, {"trees": "12"})
    assert record.synthetic_frauds > 0


@pytest.mark.parametrize(("refit", "rows"), [(True, 600), (False, 480)])
def test_what_it_has_learnt_from_counts_each_row_once(refit: bool, rows: int, tmp_path: Path) -> None:
    manifest = save(tmp_path / "model", train(bent_frame(), refit=refit))

    learnt, dataset = manifest.training.learnt_from, read(bent_frame())
    assert (learnt.rows, learnt.frauds) == (rows, labels_of(dataset)[:rows].sum())
    assert learnt.first.timestamp() * 1000 == dataset.times[0]
    assert learnt.last.timestamp() * 1000 == dataset.times[rows - 1]


def test_documents_are_of_this_version_and_can_be_read_again(saved: Path, model: TrainedModel) -> None:
    version, written = read_manifest(saved).version, contents(saved)

    assert parse_metrics(written["metrics.json"]) == model.assessment
    assert version in written["report.html"].decode()
    assert version in written["model-card.md"].decode()


def test_the_loaded_model_scores_bit_for_bit_as_the_trained_one(saved: Path, model: TrainedModel) -> None:
    dataset, scorer = read(bent_frame()), load_scorer(saved)
    assert model.assessment.recipe.kind == "random_forest"

    scores = scorer.score(dataset.inputs, dataset.times)

    assert scores.tobytes() == model.serving.probabilities(dataset.inputs, dataset.times).tobytes()
    assert len(np.unique(scores)) > 10
    rows = with_times(dataset.inputs, dataset.times, model.serving.calendar)
    again = fraud_probabilities(load_pipeline(saved), rows)
    assert model.serving.calibration.apply(again).tobytes() == scores.tobytes()
    assert (scorer.threshold, scorer.features) == (model.threshold, (*PROFILE.inputs, "hour", "night", "weekend"))


def test_reasons_of_the_loaded_model_add_up(saved: Path) -> None:
    dataset, scorer = read(bent_frame()), load_scorer(saved)
    frauds = np.flatnonzero(labels_of(dataset))
    inputs, times = dataset.inputs[frauds], dataset.times[frauds]

    explanation, reasons = scorer.explain(inputs, times), scorer.reasons(inputs, times, most=2)

    totals = explanation.base + explanation.contributions.sum(axis=1)
    np.testing.assert_allclose(totals, scorer.score(inputs, times), rtol=0, atol=1e-12)
    assert all(len(some) <= 2 for some in reasons)
    strongest = [some[0].feature for some in reasons if some]
    assert strongest.count("risk") > len(frauds) / 2


def test_golden_rows_are_nobodys_and_replay(saved: Path) -> None:
    golden = GoldenRows.decode(contents(saved)[GOLDEN_FILE], source="golden")
    dataset = read(bent_frame())

    assert load_scorer(saved).score(golden.rows, golden.times).tobytes() == golden.probabilities.tobytes()
    given = {row.tobytes() for row in np.nan_to_num(dataset.inputs)}
    assert not given & {row.tobytes() for row in np.nan_to_num(golden.rows)}


def test_the_same_training_writes_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save(tmp_path / "again", train(bent_frame()))

    assert contents(tmp_path / "again") == contents(saved)


def test_the_moment_is_in_the_manifest_alone(saved: Path, model: TrainedModel, tmp_path: Path) -> None:
    later = save(tmp_path / "later", model, created_at=datetime(2026, 3, 4, tzinfo=UTC))

    assert later.version == read_manifest(saved).version
    ours, theirs = contents(saved), contents(tmp_path / "later")
    assert {name for name in ours if ours[name] != theirs[name]} == {MANIFEST_FILE}


def test_another_seed_is_another_version(saved: Path, tmp_path: Path) -> None:
    assert save(tmp_path / "other", train(bent_frame(), seed=8)).version != read_manifest(saved).version


def test_without_a_refit_the_test_window_has_no_part_in_the_version(tmp_path: Path) -> None:
    other = bent_frame()
    late = other.index >= 480
    source = np.random.default_rng(3)
    other.loc[late, ["amount", "risk"]] = source.normal(50, 9, (int(late.sum()), 2))
    other.loc[late, "fraud"] = source.integers(0, 2, int(late.sum()))

    first = save(tmp_path / "first", train(bent_frame(), refit=False))
    second = save(tmp_path / "second", train(other, refit=False))

    assert first.metrics != second.metrics
    for name in (SERVING_FILE, PIPELINE_FILE):
        assert first.files[name] == second.files[name]
    assert first.version == second.version


def test_a_signer_signs(model: TrainedModel, tmp_path: Path) -> None:
    private, public = new_keys(tmp_path / "keys")

    save(tmp_path / "model", model, signer=Signer.from_file(private))

    load_scorer(tmp_path / "model", verifier=Verifier.from_file(public))


def test_what_is_no_model_is_not_overwritten(model: TrainedModel, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()

    with pytest.raises(ModelNotSaved, match="something else than a model"):
        save(tmp_path, model)
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]
