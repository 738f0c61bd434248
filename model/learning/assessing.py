"""The assessment of a training, put together from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.data.data_report import data_report
from model.data.dataset import Dataset
from model.data.drift import drift, drift_findings, following_time
from model.learning.calibrating import FittedCalibration, calibration_report
from model.learning.choosing import Choice
from model.learning.judging import Scored, folds_of, intervals_of, metrics_of, scored, spread_of, windows_of
from model.learning.preparing import Prepared
from model.learning.windows import Step, WindowPlan
from model.measuring.assessment import Assessment, DataReport, Decision, Finding
from model.measuring.curves import curves
from model.measuring.importance import permutation_importance
from model.measuring.metrics import Metrics
from model.measuring.segments import by_segment
from model.measuring.thresholds import Policy, outcome
from model.profile import Profile

Classify = Callable[[NDArray[np.float32]], NDArray[np.float64]]

# The price of a false alarm that the curve of costs is drawn with, where no policy names one.
_USUAL_PRICE: Final = 5.0


@dataclass(frozen=True, eq=False)
class Tuned:
    """Scores of rows that a model had not seen, turned into probabilities and thresholds.

    Attributes:
        calibration: Fitted to them.
        rows: With their calibrated probabilities.
        thresholds: By policy, each with whether it keeps what the policy asks for.
    """

    calibration: FittedCalibration
    rows: Scored
    thresholds: dict[str, tuple[float, bool]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What an assessment rests on.

    Attributes:
        read: The data as they were read.
        clean: Without duplicates.
        profile: They were read with.
        plan: How time was cut.
        steps: The judged windows; the last is the test window.
        findings: About the data.
        choice: Of the recipe, on the windows before the test window.
        prepared: Fitted to the training rows before the test window.
        classify: From features to raw scores; fitted to the same rows.
        tuned: On the windows before the test window.
        raw: float64[m], the scores of the test window.
        other: Thresholds, and raw test scores, of the best of the other kind of model.
        policies: The shipped one first.
        threshold: The shipped one.
        resampling: As asked for.
        seed: Of every random choice.
        refitted: Whether the model is fitted again to all rows.
    """

    read: Dataset
    clean: Dataset
    profile: Profile
    plan: WindowPlan
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    choice: Choice
    prepared: Prepared
    classify: Classify
    tuned: Tuned
    raw: NDArray[np.float64]
    other: Tuned
    other_raw: NDArray[np.float64]
    policies: tuple[Policy, ...]
    threshold: float
    resampling: str
    seed: int
    refitted: bool


def assess(evidence: Evidence) -> Assessment:
    """Everything that is said of a model, measured on the test window."""
    choice, test_step = evidence.choice, evidence.steps[-1]
    test = _test(evidence, evidence.tuned, evidence.raw)
    shipped = evidence.policies[0]
    threshold = evidence.tuned.thresholds[shipped.text][0]
    folds = folds_of(evidence.clean, evidence.steps, [*_by_step(evidence.steps[:-1], choice.scores), evidence.raw])
    segments = evidence.clean.segments
    return Assessment(
        name=evidence.profile.name,
        profile=evidence.profile.name,
        currency=evidence.profile.currency,
        recipe=choice.recipe,
        seed=evidence.seed,
        resampling=evidence.resampling,
        known_fraud=evidence.plan.known_fraud,
        delay_days=evidence.plan.delay_days,
        refitted=evidence.refitted,
        threshold=evidence.threshold,
        data=_data_report(evidence),
        windows=windows_of(evidence.clean, evidence.steps),
        candidates=choice.candidates,
        notes=choice.notes,
        calibration=calibration_report(
            evidence.tuned.calibration,
            test.labels,
            evidence.raw,
            weights=test.weights,
        ),
        decisions=tuple(
            _decision(policy, evidence.tuned, test, is_shipped=policy is shipped) for policy in evidence.policies
        ),
        metrics=_metrics(evidence, test, threshold, shipped),
        intervals=intervals_of(test, seed=evidence.seed),
        folds=folds,
        spread=spread_of(folds),
        segments=()
        if segments is None
        else by_segment(
            test.labels,
            test.probabilities,
            threshold,
            [segments[row] for row in test.rows.tolist()],
            weights=test.weights,
        ),
        importances=permutation_importance(
            lambda features: evidence.classify(features.astype(np.float32)),
            evidence.prepared.features(evidence.clean, test_step.judged),
            test.labels,
            evidence.prepared.names,
            weights=test.weights,
            seed=evidence.seed,
        ),
        curves=curves(
            test.labels,
            test.probabilities,
            weights=test.weights,
            amounts=test.amounts,
            days=test.days,
            price=_price(evidence.policies),
        ),
    )


def _test(evidence: Evidence, tuned: Tuned, raw: NDArray[np.float64]) -> Scored:
    return scored(evidence.clean, evidence.steps[-1:], tuned.calibration.calibration.apply(raw))


def _metrics(evidence: Evidence, test: Scored, threshold: float, shipped: Policy) -> dict[str, Metrics]:
    """Of the chosen model, then of the best of the other kind at a threshold of its own."""
    other = _test(evidence, evidence.other, evidence.other_raw)
    other_threshold = evidence.other.thresholds[shipped.text][0]
    return {
        evidence.choice.recipe.kind: metrics_of(evidence.clean, test, threshold),
        evidence.choice.other.kind: metrics_of(evidence.clean, other, other_threshold),
    }


def _decision(policy: Policy, tuned: Tuned, test: Scored, *, is_shipped: bool) -> Decision:
    threshold, reached = tuned.thresholds[policy.text]
    return Decision(
        policy=policy.text,
        threshold=threshold,
        shipped=is_shipped,
        reached=reached,
        test=outcome(
            test.labels,
            test.probabilities,
            threshold,
            weights=test.weights,
            amounts=test.amounts,
            days=test.days,
            price=policy.price,
        ),
    )


def _data_report(evidence: Evidence) -> DataReport:
    training, test = (evidence.steps[-1].training, evidence.steps[-1].judged)
    clean, learnt = evidence.clean, evidence.prepared.learnt
    inputs = clean.inputs[training]
    drifts = drift(
        inputs,
        clean.inputs[test],
        evidence.profile.inputs,
        weights_before=clean.weights[training],
        weights_after=clean.weights[test],
    )
    expected = following_time(inputs, clean.times[training], evidence.profile.inputs)
    return data_report(
        evidence.read,
        clean,
        evidence.profile,
        findings=(*evidence.findings, *drift_findings(drifts, expected=expected)),
        drifts=drifts,
        medians=learnt.medians,
        low=learnt.low,
        high=learnt.high,
        training_inputs=inputs,
        training_weights=clean.weights[training],
    )


def _by_step(steps: Sequence[Step], scores: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Scores of all judged rows, cut where the windows meet."""
    return np.split(scores, np.cumsum([len(step.judged) for step in steps])[:-1])


def _price(policies: Sequence[Policy]) -> float:
    return next((policy.price for policy in policies if policy.price is not None), _USUAL_PRICE)
