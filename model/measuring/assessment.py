"""What training found out, for a risk team to read: the contract behind `metrics.json`, the report and the model card.

Every count and measure of a sampled file (see `Sampling`) is an estimate for the whole of it: rows weigh what they
stand for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from model.measuring.metrics import Metrics
from model.recipes import Recipe


class Interval(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A measure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stretch of time of the data.

    Attributes:
        name: "training", "calibration 1", "test", ...
        rows: In it, after cleaning.
        frauds: Among them.
        first: The earliest moment.
        last: The latest.
        known_compromised: Rows taken out because a fraud of their account was known before (`--known-fraud remove`).
    """

    name: str
    rows: int
    frauds: int
    first: datetime
    last: datetime
    known_compromised: int = 0


class Sampling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file too large to learn from whole: every fraud was kept, and a part of the legitimate rows.

    Attributes:
        rows_in_file: All of them.
        legitimate_kept: Share of the legitimate rows that was kept, in (0, 1].
    """

    rows_in_file: int
    legitimate_kept: float


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something about the data that people should know.

    Attributes:
        kind: Of a closed set.
        column: Which, where it is about one.
        text: One sentence with the figures.
    """

    kind: Literal[
        "leak",
        "constant",
        "all_missing",
        "near_unique",
        "few_frauds",
        "time_does_not_increase",
        "drift",
        "duplicates",
        "missing",
        "unparsable",
        "left_out",
    ]
    column: str | None
    text: str


class Drift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far a feature's distribution moved from the training to the test window.

    Attributes:
        feature: By name.
        psi: Population stability index over ten bins of equal mass in training; 0.1 is little, above 0.25 is much.
    """

    feature: str
    psi: float


class DataReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was found in the data, and what was done with it.

    Attributes:
        fingerprint: SHA-256 of the times, labels and inputs that were read, in their order.
        rows: In the file.
        frauds: Among the rows that were kept.
        first: The earliest moment.
        last: The latest.
        left_out: Rows by reason, where there are any.
        missing: Cells without a number (imputed), by input, where there are any.
        unparsable: Cells of which no number could be made, by column, where there are any.
        clipped: Cells of the training window beyond the clipping limits, by feature, where there are any.
        limits: The clipping limits, by feature.
        medians: What a missing cell becomes, by feature.
        sampling: Where not all of the file was learnt from.
        findings: Warnings.
        drift: From training to test, the largest first.
    """

    fingerprint: str
    rows: int
    frauds: int
    first: datetime
    last: datetime
    left_out: dict[str, int]
    missing: dict[str, int]
    unparsable: dict[str, int]
    clipped: dict[str, int]
    limits: dict[str, tuple[float, float]]
    medians: dict[str, float]
    sampling: Sampling | None
    findings: tuple[Finding, ...]
    drift: tuple[Drift, ...]


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the table that the model was chosen from.

    Attributes:
        recipe: How it is made.
        average_precision: On the validation windows, with its interval; all candidates of a stage saw the same rows.
        behind: By how much it is behind the best of its stage, with the interval of that difference (paired
            bootstrap); None for the best.
        stage: "table": the fixed candidates; "search": the hyper-parameters.
        chosen: Whether it is the one.
        why: Why it was chosen, or why not, in a few words.
    """

    recipe: Recipe
    average_precision: Interval
    behind: Interval | None
    stage: Literal["table", "search"]
    chosen: bool
    why: str


class Bin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rows of similar probability.

    Attributes:
        probability: Their mean.
        fraud_rate: Share of frauds.
        low: Of the 95 % Wilson interval of `fraud_rate`.
        high: Of the same.
        rows: How many.
    """

    probability: float
    fraud_rate: float
    low: float
    high: float
    rows: int


class CalibrationReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From scores to probabilities, judged on the test window.

    Attributes:
        method: What was fitted.
        why: Why this one, with the figures.
        rows: It was fitted to.
        frauds: Among them.
        brier_before: Brier score of the raw scores.
        brier_after: Of the calibrated ones.
        error_before: Expected calibration error of the raw scores.
        error_after: Of the calibrated ones.
        bins_before: Reliability of the raw scores.
        bins_after: Of the calibrated ones.
    """

    method: Literal["isotonic", "sigmoid", "none"]
    why: str
    rows: int
    frauds: int
    brier_before: float
    brier_after: float
    error_before: float
    error_after: float
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a threshold means on the test window.

    Attributes:
        alerts_a_day: On average.
        precision: Share of frauds among the alerts; None without an alert.
        recall: Share of the frauds that raised one; None without a fraud.
        f1: Of both.
        frauds_caught: In number.
        frauds: All of them.
        false_alarms: In number.
        money_caught: Sum of the amounts of the frauds caught; None without amounts.
        money_lost: Of those missed; None without amounts.
        cost: Money lost plus the price of the false alarms, where a price is given.
    """

    alerts_a_day: float
    precision: float | None
    recall: float | None
    f1: float | None
    frauds_caught: int
    frauds: int
    false_alarms: int
    money_caught: float | None
    money_lost: float | None
    cost: float | None


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A threshold chosen on the calibration windows, and what it would have meant on the test window.

    Attributes:
        policy: As `--threshold` takes it: "f1", "precision:0.9", "alerts:50", "cost:5".
        threshold: A transaction is fraud where its calibrated probability is at least that.
        shipped: Whether the model comes with this one.
        reached: False where no threshold keeps what the policy asks for; then the nearest is given.
        test: On the test window.
    """

    policy: str
    threshold: float
    shipped: bool
    reached: bool
    test: Outcome


class ThresholdPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One threshold of the curve of costs."""

    threshold: float
    outcome: Outcome


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts between neighbouring edges; one edge more than counts."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]


class Curves(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """On the test window, with a few hundred points at most.

    Attributes:
        precision_recall: (recall, precision).
        roc: (false positive rate, true positive rate).
        thresholds: From many alerts to few.
        scores_fraud: Calibrated probabilities of the frauds, in bins of equal width of the logarithm.
        scores_legitimate: Of the others, with the same edges.
    """

    precision_recall: tuple[tuple[float, float], ...]
    roc: tuple[tuple[float, float], ...]
    thresholds: tuple[ThresholdPoint, ...]
    scores_fraud: Histogram
    scores_legitimate: Histogram


class Fold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of the prequential evaluation: learnt from what came before, judged by what came next."""

    training: Window
    test: Window
    average_precision: float
    roc_auc: float
    card_precision: float | None


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Over the folds."""

    mean: float
    deviation: float


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The test window's rows of one value of the segment column."""

    value: str
    rows: int
    frauds: int
    alerts: int
    precision: float | None
    recall: float | None
    average_precision: float | None


class Importance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """By how much the average precision on the test window falls when a feature's values are shuffled."""

    feature: str
    mean: float
    deviation: float


class Assessment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything, of one training.

    Attributes:
        name: Of the model.
        profile: Of the data.
        currency: ISO 4217 code of the amounts; None where the profile names none.
        recipe: How the chosen model is made.
        seed: Of every random choice.
        resampling: As asked for: "auto", "none", "smote:0.1".
        known_fraud: Whether accounts known to be compromised were removed from what is judged, or kept.
        delay_days: Between the end of training and the first row that is judged.
        refitted: Whether the model was fitted again to all rows after it had been judged.
        threshold: Of the model that goes into service; where it was refitted, chosen on all judged windows.
        data: What was found and done.
        windows: In the order of time: training, calibration windows, test.
        candidates: The table, best first within its stage.
        notes: What did not go as usual: a search cut short by its budget, say.
        calibration: Of the judged model.
        decisions: By policy.
        metrics: On the test window: of the chosen model at its threshold, then of others for comparison.
        intervals: Of average precision, ROC AUC, ... on the test window, by the name of the measure.
        folds: Prequential evaluation.
        spread: Over the folds, by the name of the measure.
        segments: Where a segment column is named.
        importances: The most important first.
        curves: For plots.
    """

    name: str
    profile: str
    currency: str | None
    recipe: Recipe
    seed: int
    resampling: str
    known_fraud: Literal["remove", "keep"]
    delay_days: float
    refitted: bool
    threshold: float
    data: DataReport
    windows: tuple[Window, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]
    calibration: CalibrationReport
    decisions: tuple[Decision, ...]
    metrics: dict[str, Metrics]
    intervals: dict[str, Interval]
    folds: tuple[Fold, ...]
    spread: dict[str, Spread]
    segments: tuple[Segment, ...]
    importances: tuple[Importance, ...]
    curves: Curves
