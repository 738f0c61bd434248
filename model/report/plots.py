"""The plots of what a model does on the test window; None where an assessment has nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from model.measuring.assessment import Assessment, Bin, Fold, Histogram
from model.report.axes import Axis, linear_axis, log_axis, share_axis, short_count, short_share
from model.report.figures import count, day, interval, number, percent
from model.report.panel import Panel, Point, Style
from model.report.reading import fraud_rate, judged_window, shipped

# Below a millionth no file tells a probability from nought.
_LEAST = 1e-6


def precision_recall(assessment: Assessment) -> str | None:
    """How pure the alerts are, against how many frauds they find."""
    if len(assessment.curves.precision_recall) < 2:
        return None
    points = _steps_of_precision(assessment.curves.precision_recall)
    measured = interval(assessment.intervals.get("average_precision"))
    chance = fraud_rate(assessment)
    panel = Panel(
        "precision-recall",
        f"Average precision {measured}",
        f"Precision over recall at every threshold; chance gives {percent(chance)}.",
        x=share_axis("Recall: share of the frauds caught"),
        y=share_axis("Precision: share of the alerts that are frauds"),
    )
    panel.area(points)
    if chance is not None:
        panel.line([(0, chance), (1, chance)], "guide")
        panel.label((0, chance), f"chance {percent(chance)}", style="guide", dx=8, dy=-5)
    panel.line(points)
    decision = shipped(assessment)
    if decision is not None and decision.test.recall is not None and decision.test.precision is not None:
        panel.named_dot((decision.test.recall, decision.test.precision), "shipped", falling=True)
    return panel.svg()


def roc(assessment: Assessment) -> str | None:
    """How many frauds are found, against how many legitimate rows are disturbed."""
    points = sorted(assessment.curves.roc)
    if len(points) < 2:
        return None
    measured = interval(assessment.intervals.get("roc_auc"))
    panel = Panel(
        "roc",
        f"ROC: area {measured}",
        "True positive rate over false positive rate at every threshold; chance has an area of 0.5.",
        x=share_axis("False positive rate: share of the others alerted"),
        y=share_axis("True positive rate: share of the frauds caught"),
    )
    panel.area(points)
    panel.line([(0, 0), (1, 1)], "guide")
    panel.label((0.5, 0.5), "chance", style="guide", dx=8, dy=10)
    panel.line(points)
    decision, window = shipped(assessment), judged_window(assessment)
    if decision is not None and window is not None and decision.test.recall is not None:
        legitimate = max(window.rows - window.frauds, 1)
        panel.named_dot((decision.test.false_alarms / legitimate, decision.test.recall), "shipped", falling=False)
    return panel.svg()


def reliability(assessment: Assessment) -> tuple[str, ...]:
    """What probabilities promise against what came true: before the calibration, and after it, to one scale."""
    report = assessment.calibration
    panels = (
        ("before", report.bins_before, report.error_before),
        ("after", report.bins_after, report.error_after),
    )
    both = (*report.bins_before, *report.bins_after)
    # Bins far below what their rows can tell would take most of the room; the interval of a single fraud begins at
    # about a sixth of its share.
    told = [one.fraud_rate or one.high for one in both if one.high > 0]
    seen = [max(min(told, default=1) / 6, _LEAST), *told, *(one.high for one in both)]
    scale = log_axis("Mean probability of the bin, log scale", seen, text=short_share)
    return tuple(_reliability(when, bins, error, scale) for when, bins, error in panels if bins)


def distributions(assessment: Assessment) -> str | None:
    """Where the frauds and the legitimate rows lie on the scale of probabilities."""
    fraud, legitimate = assessment.curves.scores_fraud, assessment.curves.scores_legitimate
    counts = [one for one in (*fraud.counts, *legitimate.counts) if one > 0]
    if not counts:
        return None
    panel = Panel(
        "distributions",
        "Where the scores lie",
        f"Rows by calibrated probability: {count(sum(fraud.counts))} frauds, {count(sum(legitimate.counts))} others.",
        x=log_axis("Calibrated probability, log scale", [max(one, _LEAST) for one in fraud.edges], text=short_share),
        # Half of the least, so that a single row stands above the axis; twice the most, for the names.
        y=log_axis("Rows in the bin, log scale", [min(counts) / 2, 2 * max(counts)], text=short_count),
    )
    named = _named(legitimate, fraud)
    for histogram, _, style in named:
        panel.steps(_steps(histogram), style)
    decision = shipped(assessment)
    if decision is not None:
        panel.rule(decision.threshold, "threshold")
    for histogram, name, style in named:
        top = histogram.counts.index(max(histogram.counts))
        middle = (max(histogram.edges[top], _LEAST) * histogram.edges[top + 1]) ** 0.5
        panel.peak((middle, histogram.counts[top]), name, style)
    return panel.svg()


def fold_spread(assessment: Assessment) -> str | None:
    """How much the average precision changes from one stretch of time to the next."""
    folds = assessment.folds
    if len(folds) < 2:
        return None
    values = [one.average_precision for one in folds]
    spread = assessment.spread.get("average_precision")
    around = [spread.mean - spread.deviation, spread.mean + spread.deviation] if spread else []
    low, high = max(min(values + around), 0), min(max(values + around), 1)
    panel = Panel(
        "folds",
        "From fold to fold",
        f"Average precision of each fold: {', '.join(number(one) for one in values)}.",
        x=_fold_axis(folds),
        y=linear_axis("Average precision", low, high),
    )
    if spread is not None:
        panel.band(spread.mean - spread.deviation, min(spread.mean + spread.deviation, 1))
        panel.line([(0.5, spread.mean), (len(folds) + 0.5, spread.mean)], "guide")
        panel.label((0.5, spread.mean), f"mean {number(spread.mean)}", style="guide", dx=4, dy=-5)
    points = [(at + 1.0, one) for at, one in enumerate(values)]
    panel.line(points)
    for point in points:
        panel.dot(point)
    return panel.svg()


def _steps_of_precision(points: Sequence[Point]) -> list[Point]:
    """As average precision adds them up: what lies below the steps is what it is."""
    # At one recall the threshold falls through alerts that are all wrong, so precision falls with it.
    in_order = sorted(points, key=lambda point: (point[0], -point[1]))
    corners = [((before[0], after[1]), after) for before, after in pairwise([(0.0, 1.0), *in_order])]
    return [point for corner in corners for point in corner]


def _fold_axis(folds: Sequence[Fold]) -> Axis:
    days = [day(one.test.first) for one in folds]
    apart = len(set(days)) == len(days)
    texts = [one[5:] for one in days] if apart else [str(at + 1) for at in range(len(days))]
    every = -(-len(folds) // 6)
    ticks = tuple((at + 1.0, text) for at, text in enumerate(texts) if at % every == 0)
    return Axis("First day of the fold's test window" if apart else "Fold", 0.5, len(folds) + 0.5, ticks)


def _reliability(when: str, bins: Sequence[Bin], error: float, x: Axis) -> str:
    y = replace(x, title="Share of frauds in the bin, log scale")
    panel = Panel(
        f"reliability-{when}",
        f"{when.capitalize()} calibration: error {number(error)}",
        f"Share of frauds over mean probability in {len(bins)} bins; on the diagonal probabilities come true. "
        f"Expected calibration error {number(error)}.",
        x=x,
        y=y,
    )
    panel.line([(x.low, x.low), (x.high, x.high)], "guide")
    panel.key([("comes true", "guide")], corner="upper left")
    for one in bins:
        panel.whisker(one.probability, one.low, one.high)
        # Nought has no place on this scale: it stands at its foot, hollow.
        panel.dot((one.probability, one.fraud_rate), "main" if one.fraud_rate >= y.low else "hollow")
    return panel.svg()


def _named(legitimate: Histogram, fraud: Histogram) -> list[tuple[Histogram, str, Style]]:
    named: list[tuple[Histogram, str, Style]] = [(legitimate, "legitimate", "other"), (fraud, "frauds", "main")]
    return [one for one in named if any(one[0].counts)]


def _steps(histogram: Histogram) -> list[Point]:
    sides = zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True)
    return [point for left, right, height in sides for point in ((left, height), (right, height))]
