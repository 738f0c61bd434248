from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from model.data.cleaning import without_duplicates
from model.data.dataset import Dataset, dataset_from_frame
from model.learning import training
from model.learning.preparation import new_preparation
from model.learning.sampling import oversample_frauds
from model.learning.training import FOREST, REGRESSION, InputsTooLarge, TrainedModel, TrainingPlan
from model.profile import Profile
from model.splits import OneClassOnly, split_by_time
from tests.harness.labelled import PROFILE, labelled_frame


def read(frame: pd.DataFrame, profile: Profile = PROFILE) -> Dataset:
    return dataset_from_frame(frame, profile, need_labels=True, source="table", incomplete="leave out")


def train(frame: pd.DataFrame, *, seed: int = 7, trees: int = 12) -> TrainedModel:
    return training.train(read(frame), PROFILE, plan=TrainingPlan(seed=seed, trees=trees), progress=lambda _, __: None)


def test_both_models_find_what_is_there_to_find(trained: TrainedModel) -> None:
    forest, regression = trained.metrics[FOREST], trained.metrics[REGRESSION]

    assert list(trained.metrics) == [FOREST, REGRESSION]
    for metrics in (forest, regression):
        assert metrics.roc_auc is not None
        assert metrics.roc_auc > 0.8
        assert metrics.measures().keys() == {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc"}
    assert 0 < trained.threshold <= 1


def test_the_record_says_what_was_done(dataset: Dataset, trained: TrainedModel) -> None:
    record, parts = trained.record, trained.record.parts

    assert (record.seed, record.trees, record.rows_read, record.rows_left_out) == (7, 12, 600, {})
    assert {name: part.rows for name, part in parts.items()} == {"training": 390, "validation": 90, "test": 120}
    assert dataset.labels is not None
    assert sum(part.frauds for part in parts.values()) == dataset.labels.sum()
    assert parts["training"].first == datetime(2026, 1, 1, tzinfo=UTC)
    assert parts["training"].last < parts["validation"].first < parts["test"].first
    assert record.synthetic_frauds == (390 - parts["training"].frauds) // 10 - parts["training"].frauds


def test_the_forest_grown_in_steps_is_that_of_one_fit(dataset: Dataset, trained: TrainedModel) -> None:
    assert dataset.labels is not None
    early = split_by_time(dataset.times).training
    prepared = new_preparation().fit_transform(dataset.inputs[early])
    sample = oversample_frauds(prepared, dataset.labels[early], ratio=0.1, seed=7)

    at_once = RandomForestClassifier(n_estimators=12, random_state=7, n_jobs=1).fit(sample.rows, sample.labels)

    grown = trained.pipeline[-1].predict_proba(prepared)
    np.testing.assert_array_equal(grown, at_once.predict_proba(prepared))
    assert len(trained.pipeline[-1].estimators_) == 12


def test_later_rows_do_not_change_what_is_learnt_from_earlier_ones(trained: TrainedModel) -> None:
    frame = labelled_frame()
    late = frame.index >= 390
    frame.loc[late, ["amount", "risk", "noise"]] = frame.loc[late, ["amount", "risk", "noise"]] * -1e6 + 3

    other = train(frame)

    rows = read(labelled_frame()).inputs
    np.testing.assert_array_equal(trained.pipeline.predict_proba(rows), other.pipeline.predict_proba(rows))
    for mine, theirs in zip(trained.pipeline[0], other.pipeline[0], strict=True):
        for name, learnt in vars(mine).items():
            np.testing.assert_array_equal(learnt, vars(theirs)[name])


def test_the_test_part_has_no_say_in_the_threshold(trained: TrainedModel) -> None:
    frame = labelled_frame()
    test = frame.index >= 480
    frame.loc[test, "fraud"] = 1 - frame.loc[test, "fraud"]

    other = train(frame)

    assert other.threshold == trained.threshold
    assert other.metrics[FOREST] != trained.metrics[FOREST]


def test_the_order_of_the_file_does_not_matter_for_the_cut() -> None:
    shuffled = train(labelled_frame().sample(frac=1, random_state=3))

    assert {name: part.rows for name, part in shuffled.record.parts.items()} == {
        "training": 390,
        "validation": 90,
        "test": 120,
    }
    assert shuffled.record.parts["training"].last == datetime(2026, 1, 1, 6, 29, tzinfo=UTC)


def test_rows_that_are_in_the_file_twice_are_learnt_once(trained: TrainedModel) -> None:
    frame = labelled_frame()
    frame.loc[5, "risk"] = np.nan
    doubled = pd.concat([frame, frame.iloc[[5, 5, 100, 599]]])

    twice, once = train(doubled), train(frame)

    assert twice.record.rows_left_out == {"duplicates": 4}
    assert twice.record.rows_read == 604
    assert twice.metrics == once.metrics
    assert twice.record.parts == once.record.parts


@pytest.mark.parametrize("column", ["id", "at", "account", "amount", "risk", "fraud"])
def test_rows_that_differ_in_one_column_are_both_kept(column: str) -> None:
    frame = labelled_frame(3)
    frame.loc[1] = frame.loc[0]
    assert len(without_duplicates(read(frame), PROFILE)) == 2

    other = {
        "id": "t9",
        "at": frame["at"][2],
        "account": 99,
        "amount": 0.01,
        "risk": 9.5,
        "fraud": 1 - frame["fraud"][0],
    }
    frame.loc[1, column] = other[column]

    assert len(without_duplicates(read(frame), PROFILE)) == 3


def test_rows_left_out_in_reading_are_in_the_record() -> None:
    frame = labelled_frame().astype({"fraud": "object"})
    frame.loc[[1, 2], "at"] = pd.NaT
    frame.loc[[3], "fraud"] = None

    record = train(frame).record

    assert record.rows_left_out == {"without time": 2, "without label": 1}
    assert record.rows_read == 600


def test_the_seed_decides(trained: TrainedModel) -> None:
    rows = read(labelled_frame()).inputs
    again, other = train(labelled_frame()), train(labelled_frame(), seed=8)

    assert again.metrics == trained.metrics
    np.testing.assert_array_equal(again.pipeline.predict_proba(rows), trained.pipeline.predict_proba(rows))
    assert (other.pipeline.predict_proba(rows) != trained.pipeline.predict_proba(rows)).any()


def test_a_single_fraud_in_the_training_part_is_learnt_from_as_it_is() -> None:
    frame = labelled_frame()
    frame.loc[frame.index < 390, "fraud"] = 0
    frame.loc[7, "fraud"] = 1

    record = train(frame).record

    assert record.synthetic_frauds == 0
    assert any("one fraud has no neighbour" in note for note in record.notes)


def test_missing_and_constant_columns_do_not_stop_training() -> None:
    frame = labelled_frame()
    frame["noise"] = np.nan
    frame.loc[frame.index % 3 == 0, "amount"] = np.nan

    assert train(frame).metrics[FOREST].roc_auc is not None
    assert train(frame.assign(noise=4.0)).metrics[FOREST].roc_auc is not None


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_is_refused(label: int) -> None:
    with pytest.raises(OneClassOnly, match="one class only"):
        train(labelled_frame().assign(fraud=label))


@pytest.mark.parametrize("large", [1e307, np.finfo(np.float64).max])
def test_numbers_beyond_32_bits_are_refused_by_name(large: float) -> None:
    frame = labelled_frame()
    frame["noise"] = np.where(frame.index % 5 == 0, large * (-1.0) ** (frame.index // 10), 0.0)

    with pytest.raises(InputsTooLarge, match="'noise'"):
        train(frame)


def test_the_largest_doubles_in_later_rows_are_judged_without_a_warning(trained: TrainedModel) -> None:
    frame = labelled_frame()
    late = frame.index >= 390
    frame.loc[late, "noise"] = np.finfo(np.float64).max * (-1.0) ** (frame.index[late] // 2)

    other = train(frame)

    assert other.record.parts == trained.record.parts
    assert all(0 < (metrics.average_precision or 0) <= 1 for metrics in other.metrics.values())


def test_progress_goes_from_start_to_end_of_each_step(dataset: Dataset) -> None:
    told: list[tuple[str, float]] = []

    training.train(
        dataset, PROFILE, plan=TrainingPlan(trees=9), progress=lambda step, share: told.append((step, share))
    )

    grown = [share for step, share in told if step == "growing the forest"]
    assert grown[0] == 0
    assert grown[-1] == 1
    assert grown == sorted(grown)
    assert len(grown) > 2
    assert list(dict(told)) == ["cleaning", "preparing", "growing the forest", "comparing", "judging"]


def test_a_dataset_of_which_nothing_is_left_is_refused(dataset: Dataset) -> None:
    nothing = dataset.take(np.empty(0, dtype=np.int64))

    with pytest.raises(OneClassOnly, match="0 labels"):
        training.train(nothing, PROFILE, plan=TrainingPlan(), progress=lambda _, __: None)
