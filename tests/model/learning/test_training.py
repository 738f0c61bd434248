from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from model.data.cleaning import without_duplicates
from model.data.dataset import Dataset, dataset_from_frame
from model.data.leaks import LabelLeaks
from model.learning import training
from model.learning.candidates import ResamplingUnknown, parse_resampling
from model.learning.choosing import SearchPlan
from model.learning.export import fraud_probabilities
from model.learning.preparation import with_times
from model.learning.training import TrainedModel, TrainingPlan, choose_on
from model.learning.windows import OneClassOnly, WindowPlan, plan_steps
from model.measuring.metrics import measure
from model.measuring.thresholds import AmountsMissing, PolicyInvalid
from model.profile import Profile
from tests.harness.bent import bent_frame
from tests.harness.labelled import PROFILE, labelled_frame

PLAN = TrainingPlan(
    windows=WindowPlan(folds=2, known_fraud="keep"), search=SearchPlan(trees=12, budget_s=0, resampling="smote:0.1")
)


def read(frame: pd.DataFrame, profile: Profile = PROFILE) -> Dataset:
    return dataset_from_frame(frame, profile, need_labels=True, source="table", incomplete="leave out")


def train(frame: pd.DataFrame, plan: TrainingPlan = PLAN, profile: Profile = PROFILE) -> TrainedModel:
    return training.train(read(frame, profile), profile, plan=plan, progress=lambda _, __: None)


def with_search(**changes: object) -> TrainingPlan:
    return replace(PLAN, search=replace(PLAN.search, **changes))  # type: ignore[arg-type]


def what_decides(model: TrainedModel) -> bytes:
    """Everything that a verdict rests on."""
    return model.serving.encode() + repr((model.threshold, sorted(model.thresholds.items()))).encode()


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return train(labelled_frame())


def test_both_kinds_of_model_find_what_is_there_to_find(trained: TrainedModel) -> None:
    metrics = trained.assessment.metrics

    assert set(metrics) == {"random_forest", "logistic_regression"}
    assert next(iter(metrics)) == trained.assessment.recipe.kind
    assert all((one.roc_auc or 0) > 0.8 for one in metrics.values())
    assert 0 < trained.threshold < 1
    assert trained.thresholds["f1"] == trained.threshold == trained.assessment.threshold


def test_the_assessment_says_what_was_done(trained: TrainedModel) -> None:
    assessment = trained.assessment
    windows = {one.name: one for one in assessment.windows}

    assert (assessment.seed, assessment.resampling, assessment.known_fraud) == (7, "smote:0.1", "keep")
    assert {name: one.rows for name, one in windows.items()} == {"training": 480, "calibration 1": 90, "test": 120}
    assert windows["training"].first == datetime(2026, 1, 1, tzinfo=UTC)
    assert windows["training"].last < windows["test"].first
    assert [fold.training.rows for fold in assessment.folds] == [390, 480]
    assert assessment.refitted
    assert len(np.unique(trained.seen)) == 600
    assert {one.policy for one in assessment.decisions} == {"f1", "precision:0.9", "alerts:100", "cost:5"}
    assert [one.policy for one in assessment.decisions if one.shipped] == ["f1"]
    assert assessment.intervals["average_precision"].low <= assessment.intervals["average_precision"].value


@pytest.mark.parametrize("known_fraud", ["remove", "keep"])
def test_nothing_of_the_test_window_has_a_say_before_the_refit(known_fraud: Literal["remove", "keep"]) -> None:
    plan = replace(PLAN, refit=False, windows=WindowPlan(folds=3, known_fraud=known_fraud))
    frame, other = labelled_frame(), labelled_frame()
    late = other.index >= 480
    source = np.random.default_rng(3)
    other.loc[late, ["amount", "risk", "noise"]] = source.normal(50, 1e4, (int(late.sum()), 3))
    other.loc[late, "fraud"] = source.integers(0, 2, int(late.sum()))
    other.loc[late, "account"] = source.integers(0, 9, int(late.sum()))

    first, second = train(frame, plan), train(other, plan)

    assert what_decides(first) == what_decides(second)
    assert pickle.dumps(first.pipeline) == pickle.dumps(second.pipeline)
    assert first.assessment.candidates == second.assessment.candidates
    assert first.assessment.folds[:-1] == second.assessment.folds[:-1]
    assert first.assessment.metrics != second.assessment.metrics
    assert first.seen.max() < 480


def test_a_refit_changes_no_earlier_fit() -> None:
    other = labelled_frame()
    late = other.index >= 480
    other.loc[late, ["amount", "risk", "noise"]] *= -3

    first, second = train(labelled_frame()), train(other)

    assert first.assessment.candidates == second.assessment.candidates
    assert first.assessment.folds[0] == second.assessment.folds[0]
    assert first.assessment.decisions[0].threshold == second.assessment.decisions[0].threshold
    assert what_decides(first) != what_decides(second)


def test_each_window_is_scored_by_what_came_before_it() -> None:
    windows = WindowPlan(folds=3, known_fraud="keep")
    search = SearchPlan(trees=12, budget_s=0, resampling="weights")
    steps = plan_steps(read(bent_frame()), windows)
    end = len(steps[0].training) + len(steps[0].judged)
    assert [len(step.judged) for step in steps] == [90, 90, 120]
    # Of the second window, beyond the limits and the middle of what came before.
    other = bent_frame()
    other.loc[other.index >= end, "noise"] *= 1e6

    chosen, again = (
        choose_on(read(frame), PROFILE, steps[:-1], search, progress=lambda _, __: None)
        for frame in (bent_frame(), other)
    )

    assert chosen.recipe == again.recipe
    assert chosen.scores[:90].tobytes() == again.scores[:90].tobytes()
    assert chosen.other_scores[:90].tobytes() == again.other_scores[:90].tobytes()
    assert chosen.scores[90:].tobytes() != again.scores[90:].tobytes()


@pytest.mark.parametrize(("frame", "kind"), [(bent_frame, "random_forest"), (labelled_frame, "logistic_regression")])
def test_the_arrays_score_as_the_pipeline_and_its_calibration_do(frame: Callable[[], pd.DataFrame], kind: str) -> None:
    model, dataset = train(frame()), read(frame())
    assert model.assessment.recipe.kind == kind
    assert model.serving.calendar == ("hour", "night", "weekend")

    raw = fraud_probabilities(model.pipeline, with_times(dataset.inputs, dataset.times, model.serving.calendar))

    scores = model.serving.raw_scores(dataset.inputs, dataset.times)
    if kind == "random_forest":
        assert scores.tobytes() == raw.tobytes()
    # A regression is summed up column by column, which a product of matrices is not.
    np.testing.assert_allclose(scores, raw, rtol=0, atol=1e-15)
    calibrated = model.serving.calibration.apply(scores)
    assert model.serving.probabilities(dataset.inputs, dataset.times).tobytes() == calibrated.tobytes()


def test_a_single_fraud_before_a_window_is_learnt_from_as_it_is() -> None:
    frame = labelled_frame()
    frame.loc[frame.index < 390, "fraud"] = 0
    frame.loc[20, "fraud"] = 1

    model = train(frame, with_search(resampling="smote:0.5"))

    assert model.assessment.folds[0].training.frauds == 1
    assert model.assessment.candidates[0].recipe.resampling == "smote:0.5"


def test_a_resampling_that_changes_nothing_is_said() -> None:
    model = train(labelled_frame(), with_search(resampling="smote:0.01"))

    assert model.synthetic == 0
    assert "not resampled: there are frauds enough for a ratio of 0.01" in model.assessment.notes


def test_the_order_of_the_file_does_not_matter_for_the_windows(trained: TrainedModel) -> None:
    shuffled = train(labelled_frame().sample(frac=1, random_state=3))

    assert shuffled.assessment.windows == trained.assessment.windows
    assert any(finding.kind == "time_does_not_increase" for finding in shuffled.assessment.data.findings)


def test_rows_that_are_in_the_file_twice_are_learnt_once() -> None:
    frame = labelled_frame()
    frame.loc[5, "risk"] = np.nan
    doubled = pd.concat([frame, frame.iloc[[5, 5, 100, 599]]])

    twice, once = train(doubled).assessment, train(frame).assessment

    assert twice.data.left_out == {"duplicates": 4}
    assert twice.data.rows == 604
    assert twice.metrics == once.metrics
    assert twice.windows == once.windows


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


def test_rows_left_out_in_reading_are_reported() -> None:
    frame = labelled_frame().astype({"fraud": "object"})
    frame.loc[[1, 2], "at"] = pd.NaT
    frame.loc[[3], "fraud"] = None

    data = train(frame).assessment.data

    assert data.left_out == {"without time": 2, "without label": 1}
    assert data.rows == 600


def test_the_seed_decides(trained: TrainedModel) -> None:
    again, other = train(labelled_frame()), train(labelled_frame(), with_search(seed=8))

    assert what_decides(again) == what_decides(trained)
    assert again.assessment == trained.assessment
    assert other.assessment.candidates != trained.assessment.candidates


def test_missing_and_constant_columns_do_not_stop_training() -> None:
    frame = labelled_frame()
    frame["noise"] = np.nan
    frame.loc[frame.index % 3 == 0, "amount"] = np.nan

    gaps, constant = train(frame).assessment, train(frame.assign(noise=4.0)).assessment

    assert gaps.data.missing == {"noise": 600, "amount": 200}
    assert [one.column for one in gaps.data.findings if one.kind == "all_missing"] == ["noise"]
    assert [one.column for one in constant.data.findings if one.kind == "constant"] == ["noise"]


def test_few_frauds_and_drift_are_warned_of() -> None:
    frame = labelled_frame()
    frame.loc[frame.index >= 480, "noise"] += 1e8

    findings = {finding.kind: finding.text for finding in train(frame).assessment.data.findings}

    assert "26 frauds" in findings["few_frauds"]
    assert "'noise'" in findings["drift"]


def test_an_input_that_tells_the_label_is_refused_by_name() -> None:
    frame = labelled_frame()
    frame["noise"] = frame["fraud"] * 3.0 + 1

    with pytest.raises(LabelLeaks, match="'noise'"):
        train(frame)
    allowed = train(frame, replace(PLAN, allow_leaks=True))
    assert [one.column for one in allowed.assessment.data.findings if one.kind == "leak"] == ["noise"]


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_is_refused(label: int) -> None:
    with pytest.raises(OneClassOnly, match="one class only"):
        train(labelled_frame().assign(fraud=label))


def test_policies_that_make_no_sense_are_refused() -> None:
    no_amount = msgspec.structs.replace(PROFILE, amount=None)

    with pytest.raises(PolicyInvalid, match="'often'"):
        train(labelled_frame(), replace(PLAN, policy="often"))
    with pytest.raises(AmountsMissing, match="'cost:5' needs amounts, and profile 'small'"):
        train(labelled_frame(), replace(PLAN, policy="cost:5"), no_amount)
    with pytest.raises(ResamplingUnknown, match="'sometimes'"):
        parse_resampling("sometimes")
    assert "cost:5" not in train(labelled_frame(), PLAN, no_amount).thresholds


def test_frauds_without_an_amount_are_no_reason_to_refuse_what_is_not_about_money() -> None:
    frame = labelled_frame()
    frame["money"] = frame["amount"].where(frame["fraud"] == 0)
    profile = msgspec.structs.replace(PROFILE, amount="money")

    assert train(frame, PLAN, profile).thresholds.keys() == {"f1", "precision:0.9", "alerts:100"}
    with pytest.raises(AmountsMissing, match="'cost:5' needs amounts, and no fraud"):
        train(frame, replace(PLAN, policy="cost:5"), profile)


@pytest.mark.parametrize("policy", ["precision:0.9", "alerts:5", "cost:2"])
def test_the_threshold_follows_the_policy(policy: str) -> None:
    model = train(labelled_frame(), replace(PLAN, policy=policy))

    assert model.threshold == model.thresholds[policy]
    assert [one.policy for one in model.assessment.decisions if one.shipped] == [policy]


def test_the_largest_doubles_are_learnt_from_and_judged_without_a_warning() -> None:
    frame = labelled_frame()
    frame["noise"] = np.where(frame.index % 5 == 0, np.finfo(np.float64).max * (-1.0) ** (frame.index // 10), 0.0)

    metrics = train(frame).assessment.metrics

    assert all(0 < (one.average_precision or 0) <= 1 for one in metrics.values())


def test_progress_rises_from_start_to_end() -> None:
    told: list[tuple[str, float]] = []

    training.train(read(labelled_frame()), PROFILE, plan=PLAN, progress=lambda step, share: told.append((step, share)))

    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert {step for step, _ in told} >= {"cleaning", "preparing", "comparing candidates", "judging"}


def test_a_dataset_of_which_nothing_is_left_is_refused() -> None:
    nothing = read(labelled_frame()).take(np.empty(0, dtype=np.int64))

    with pytest.raises(OneClassOnly, match="0 labels"):
        training.train(nothing, PROFILE, plan=PLAN, progress=lambda _, __: None)


def test_measures_are_those_of_the_judged_model_at_its_threshold() -> None:
    frame = labelled_frame()
    model = train(frame, replace(PLAN, refit=False))
    test = read(frame).take(np.arange(480, 600))

    probabilities: NDArray[np.float64] = model.serving.probabilities(test.inputs, test.times)

    assert test.labels is not None
    again = measure(test.labels, probabilities, model.threshold)
    shown = model.assessment.metrics[model.assessment.recipe.kind]
    assert again.counts == shown.counts
    assert again.average_precision == shown.average_precision
