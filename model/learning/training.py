"""Learns to tell frauds: clean, cut by time, choose a recipe, calibrate, set thresholds, judge, fit for service."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from model.data.cleaning import without_duplicates
from model.data.data_checks import examine
from model.data.dataset import Dataset
from model.learning.assessing import Evidence, Tuned, assess
from model.learning.calibrating import fit_calibration
from model.learning.choosing import Choice, SearchPlan, choose_recipe
from model.learning.contest import Bout, Contest
from model.learning.export import serving_model
from model.learning.fitting import Fit, resampled
from model.learning.judging import scored
from model.learning.preparing import Prepared, prepare
from model.learning.sampling import thinned
from model.learning.windows import Step, WindowPlan, labels_of, plan_steps, shipping_rows
from model.measuring.assessment import Assessment
from model.measuring.thresholds import AmountsMissing, Policy, choose, parse_policy
from model.profile import Profile
from model.recipes import Recipe
from model.scoring.calibration import Method
from model.scoring.serving import ServingModel

Progress = Callable[[str, float], None]

DEFAULT_POLICIES: Final = ("f1", "precision:0.9", "alerts:100", "cost:5")
# Comparing candidates takes no more rows than that: of larger data every fraud, and some of the others.
_COMPARED_ROWS: Final = 300_000


@dataclass(frozen=True)
class TrainingPlan:
    """What can be chosen.

    Attributes:
        windows: How time is cut.
        search: What is tried; its seed is that of every random choice.
        policy: By which the threshold is set, as `model.measuring.thresholds.parse_policy` reads it.
        compared: Policies whose thresholds are shown beside it; those that need amounts only where there are any.
        refit: Whether the model, once judged, is fitted again to all rows.
        allow_leaks: Whether an input that gives the label away is only warned of.
    """

    windows: WindowPlan = field(default_factory=WindowPlan)
    search: SearchPlan = field(default_factory=SearchPlan)
    policy: str = "f1"
    compared: tuple[str, ...] = DEFAULT_POLICIES
    refit: bool = True
    allow_leaks: bool = False


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What came out.

    Attributes:
        pipeline: Preparation and classifier as they go into service; predicts with one thread, uncalibrated.
        serving: The same as arrays, with the calibration.
        threshold: Of the calibrated probability.
        thresholds: By policy, for whoever wants another one.
        calibration_method: How scores became probabilities.
        assessment: What is known of it.
        dataset: The rows after cleaning.
        seen: int64[m], rows of `dataset` that anything was learnt from or chosen by, some twice.
        synthetic: Frauds that were made up for its fit.
    """

    pipeline: Pipeline
    serving: ServingModel
    threshold: float
    thresholds: dict[str, float]
    calibration_method: Method
    assessment: Assessment
    dataset: Dataset
    seen: NDArray[np.int64]
    synthetic: int


@dataclass(frozen=True, eq=False)
class _Fitted:
    """A recipe fitted to some rows, and what did not go as usual."""

    prepared: Prepared
    fit: Fit
    synthetic: int
    notes: tuple[str, ...]

    def scores(self, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.fit.scores(self.prepared.features(dataset, rows))


def train(
    dataset: Dataset,
    profile: Profile,
    *,
    plan: TrainingPlan,
    progress: Progress,
    timer: Callable[[], float] = time.monotonic,
) -> TrainedModel:
    """Chooses, fits and judges a model; what judges it has no part in it until it has been judged.

    The same dataset and plan give the same model on any number of cores, unless a budget of time cuts the search.

    Args:
        dataset: With labels.
        profile: It was read with.
        plan: Windows, search, thresholds.
        progress: Is told what is being done and the share of it that is done, from 0 to 1.
        timer: Monotonic seconds, for the budget.

    Raises:
        LabelLeaks: An input gives the label away.
        OneClassOnly: A window has no fraud, or nothing else.
        WindowsDoNotFit: The data cover too little time.
        PolicyInvalid: A threshold's policy makes no sense, or needs amounts and there are none.
    """
    progress("cleaning", 0)
    policies = _policies(plan, profile)
    clean = without_duplicates(dataset, profile)
    findings = examine(clean, profile, allow_leaks=plan.allow_leaks)
    *choosing, test = steps = plan_steps(clean, plan.windows)
    policies = _decidable(policies, clean, choosing)

    choice = choose_on(clean, profile, choosing, plan.search, progress=_part(progress, 0.0, 0.7), timer=timer)
    choice = _on_all_rows(choice, clean, profile, choosing, plan.search.seed)
    tuned = _tuned(clean, choosing, choice.scores, policies)
    judged = _fitted(
        choice.recipe, clean, profile, test.training, seed=plan.search.seed, progress=_part(progress, 0.7, 0.8)
    )
    raw = judged.scores(clean, test.judged)

    shipped, final, fitted_to = judged, tuned, test.training
    if plan.refit:
        fitted_to = shipping_rows(clean, plan.windows)
        shipped = _fitted(
            choice.recipe, clean, profile, fitted_to, seed=plan.search.seed, progress=_part(progress, 0.8, 0.92)
        )
        final = _tuned(clean, steps, np.concatenate([choice.scores, raw]), policies)
    threshold = final.thresholds[policies[0].text][0]

    other = _fitted(
        choice.other, clean, profile, test.training, seed=plan.search.seed, progress=_part(progress, 0.92, 0.97)
    )
    progress("judging", 0.97)
    assessment = assess(
        Evidence(
            read=dataset,
            clean=clean,
            profile=profile,
            plan=plan.windows,
            steps=steps,
            findings=findings,
            choice=replace(choice, notes=tuple(dict.fromkeys([*choice.notes, *judged.notes, *shipped.notes]))),
            prepared=judged.prepared,
            classify=judged.fit.scores,
            tuned=tuned,
            raw=raw,
            other=_tuned(clean, choosing, choice.other_scores, policies[:1]),
            other_raw=other.scores(clean, test.judged),
            policies=policies,
            threshold=threshold,
            resampling=plan.search.resampling,
            seed=plan.search.seed,
            refitted=plan.refit,
        )
    )
    progress("judging", 1)
    pipeline = Pipeline([("prepare", shipped.prepared.preparation), ("classify", shipped.fit.classifier)])
    return TrainedModel(
        pipeline=pipeline,
        serving=serving_model(
            pipeline,
            inputs=profile.inputs,
            calendar=shipped.prepared.calendar,
            calibration=final.calibration.calibration,
        ),
        threshold=threshold,
        thresholds={policy: chosen for policy, (chosen, _) in final.thresholds.items()},
        calibration_method=final.calibration.calibration.method,
        assessment=assessment,
        dataset=clean,
        seen=np.concatenate([fitted_to, final.rows.rows]),
        synthetic=shipped.synthetic,
    )


def choose_on(
    dataset: Dataset,
    profile: Profile,
    steps: Sequence[Step],
    plan: SearchPlan,
    *,
    progress: Progress,
    timer: Callable[[], float] = time.monotonic,
) -> Choice:
    """The recipe that does best on some judged windows, each with what is learnt from its own training rows.

    Args:
        dataset: With labels.
        profile: It was read with.
        steps: The windows before the test window.
        plan: How much to try.
        progress: As for `train`.
        timer: Monotonic seconds.
    """
    progress("preparing", 0)
    labels = labels_of(dataset)
    bouts = []
    for step in steps:
        training = thinned(step.training, labels, most_rows=_COMPARED_ROWS, seed=plan.seed)
        prepared = prepare(dataset, training, profile)
        bouts.append(
            Bout(
                training=prepared.features(dataset, training),
                labels=labels[training],
                judged=prepared.features(dataset, step.judged),
            )
        )
    judged = np.concatenate([step.judged for step in steps])
    contest = Contest(bouts, labels[judged], dataset.weights[judged], seed=plan.seed)
    return choose_recipe(contest, plan, progress=progress, timer=timer)


def _part(progress: Progress, start: float, end: float) -> Progress:
    """For a part of the work: its 0 to 1 is `start` to `end` of the whole."""
    return lambda doing, share: progress(doing, start + (end - start) * share)


def _policies(plan: TrainingPlan, profile: Profile) -> tuple[Policy, ...]:
    """The shipped one first; refused before the work and not after it."""
    if parse_policy(plan.policy).needs_amounts and profile.amount is None:
        raise AmountsMissing(
            f"threshold policy {plan.policy!r} needs amounts, and profile {profile.name!r} names no amount column",
            remedy="name the column in the profile, or choose f1, precision:P or alerts:N",
        )
    others = [text for text in plan.compared if profile.amount is not None or not parse_policy(text).needs_amounts]
    return tuple(parse_policy(text) for text in dict.fromkeys([plan.policy, *others]))


def _decidable(policies: tuple[Policy, ...], dataset: Dataset, steps: Sequence[Step]) -> tuple[Policy, ...]:
    """Without those that are only shown, where they are about money and no fraud to choose by has an amount."""
    rows = np.concatenate([step.judged for step in steps])
    frauds = rows[labels_of(dataset)[rows] == 1]
    if dataset.amounts is None or not np.isnan(dataset.amounts[frauds]).all():
        return policies
    if policies[0].needs_amounts:
        raise AmountsMissing(
            f"threshold policy {policies[0].text!r} needs amounts, and no fraud before the test window has one",
            remedy="fill in the amounts, or choose f1, precision:P or alerts:N",
        )
    return tuple(policy for policy in policies if not policy.needs_amounts)


def _on_all_rows(choice: Choice, dataset: Dataset, profile: Profile, steps: Sequence[Step], seed: int) -> Choice:
    """With scores from fits to all training rows, as the shipped model's is: those of a part are higher."""
    if all(len(step.training) <= _COMPARED_ROWS for step in steps):
        return choice

    def scores(recipe: Recipe) -> NDArray[np.float64]:
        fitted = (
            (step, _fitted(recipe, dataset, profile, step.training, seed=seed, progress=lambda _, __: None))
            for step in steps
        )
        return np.concatenate([one.scores(dataset, step.judged) for step, one in fitted])

    return replace(choice, scores=scores(choice.recipe), other_scores=scores(choice.other))


def _fitted(
    recipe: Recipe, dataset: Dataset, profile: Profile, rows: NDArray[np.int64], *, seed: int, progress: Progress
) -> _Fitted:
    doing = f"fitting to {len(rows)} rows"
    progress(doing, 0)
    prepared = prepare(dataset, rows, profile)
    sample = resampled(recipe.resampling, prepared.features(dataset, rows), labels_of(dataset)[rows], seed=seed)
    fit = Fit(recipe, seed=seed)
    fit.grow(sample, recipe.trees, grown=lambda trees: progress(doing, trees / recipe.trees))
    return _Fitted(prepared, fit, sample.synthetic, fit.notes if sample.note is None else (*fit.notes, sample.note))


def _tuned(dataset: Dataset, steps: Sequence[Step], raw: NDArray[np.float64], policies: Sequence[Policy]) -> Tuned:
    """Calibration and thresholds, from raw scores of the judged rows of windows."""
    uncalibrated = scored(dataset, steps, raw)
    calibration = fit_calibration(uncalibrated.labels, raw, weights=uncalibrated.weights)
    rows = replace(uncalibrated, probabilities=calibration.calibration.apply(raw))
    thresholds = {
        policy.text: choose(
            policy, rows.labels, rows.probabilities, weights=rows.weights, amounts=rows.amounts, days=rows.days
        )
        for policy in policies
    }
    return Tuned(calibration, rows, thresholds)
