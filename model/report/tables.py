"""The tables of the report and of the model card, as texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from model.measuring.assessment import Assessment, Candidate, DataReport, Decision
from model.report.figures import DASH, count, interval, minute, number, percent, span
from model.report.reading import measure_name, model_name, policy_name

_MUCH_DRIFT: Final = 0.25
_LITTLE_DRIFT: Final = 0.1
_STAGES: Final = {
    "table": "Fixed candidates on the calibration windows",
    "search": "Finalists of the search on the calibration windows",
}


@dataclass(frozen=True)
class Table:
    """A table as people read it.

    Attributes:
        caption: What it is.
        head: A title for each column.
        rows: A text for each column.
        texts: How many of the first columns hold words; the others hold figures.
        marked: Rows to stand out, by their place.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    marked: frozenset[int] = frozenset()


def decisions(assessment: Assessment) -> Table:
    """What each policy's threshold means; without money and cost where the data has none."""
    found = assessment.decisions
    head = ["Policy", "Threshold", "Alerts a day", "Precision", "Recall", "F1", "Frauds caught", "False alarms"]
    money = any(one.test.money_caught is not None for one in found)
    cost = any(one.test.cost is not None for one in found)
    unit = f" ({assessment.currency})" if assessment.currency else ""
    head += [f"Money caught{unit}", f"Money lost{unit}"] if money else []
    head += [f"Cost{unit}"] if cost else []
    return Table(
        "Thresholds on the test window",
        tuple(head),
        tuple(_decision(one, assessment.currency, money=money, cost=cost) for one in found),
        marked=_places(one.shipped for one in found),
    )


def measures(assessment: Assessment) -> Table:
    """The chosen model and those it is compared with."""
    by_model = {name: one.measures() for name, one in assessment.metrics.items()}
    head = ["Measure", *map(model_name, by_model), f"95% interval, {model_name(next(iter(by_model)))}"]
    names = list(dict.fromkeys(name for one in by_model.values() for name in one))
    rows = [
        (measure_name(name), *(number(one.get(name)) for one in by_model.values()), _interval(assessment, name))
        for name in names
    ]
    return Table("Measures on the test window", tuple(head), tuple(rows))


def calibration(assessment: Assessment) -> Table:
    """Errors of the probabilities."""
    report = assessment.calibration
    return Table(
        "Errors of the probabilities on the test window",
        ("Measure", "Raw scores", "Calibrated"),
        (
            ("Brier score", number(report.brier_before), number(report.brier_after)),
            ("Expected calibration error", number(report.error_before), number(report.error_after)),
        ),
    )


def candidates(assessment: Assessment) -> tuple[Table, ...]:
    """What the model was chosen from: a table for each stage, as only candidates of a stage saw the same rows."""
    by_stage = (
        (caption, [one for one in assessment.candidates if one.stage == stage]) for stage, caption in _STAGES.items()
    )
    return tuple(
        Table(
            caption,
            ("Candidate", "Why, or why not", "Average precision", "Behind the best"),
            tuple(_candidate(one) for one in found),
            texts=2,
            marked=_places(one.chosen for one in found),
        )
        for caption, found in by_stage
        if found
    )


def folds(assessment: Assessment) -> Table:
    """Each step of the prequential evaluation, and their spread."""
    rows = [
        (
            span(one.test.first, one.test.last),
            count(one.training.rows),
            count(one.test.rows),
            count(one.test.frauds),
            number(one.average_precision),
            number(one.roc_auc),
            number(one.card_precision),
        )
        for one in assessment.folds
    ]
    head = (
        "Judged by",
        "Learnt from, rows",
        "Judged, rows",
        "Frauds",
        "Average precision",
        "ROC AUC",
        "Card precision",
    )
    return Table("Folds", head, tuple(rows))


def spread(assessment: Assessment) -> Table:
    """Means and standard deviations over the folds."""
    rows = [(measure_name(name), number(one.mean), number(one.deviation)) for name, one in assessment.spread.items()]
    return Table("Over the folds", ("Measure", "Mean", "Standard deviation"), tuple(rows))


def segments(assessment: Assessment) -> Table:
    """The test window by the values of the segment column."""
    rows = [
        (
            one.value,
            count(one.rows),
            count(one.frauds),
            count(one.alerts),
            percent(one.precision),
            percent(one.recall),
            number(one.average_precision),
        )
        for one in assessment.segments
    ]
    head = ("Segment", "Rows", "Frauds", "Alerts", "Precision", "Recall", "Average precision")
    return Table("Segments of the test window", head, tuple(rows))


def windows(assessment: Assessment) -> Table:
    """The stretches of time that the data was cut into."""
    rows = [
        (
            one.name,
            minute(one.first),
            minute(one.last),
            count(one.rows),
            count(one.frauds),
            percent(one.frauds / one.rows if one.rows else None),
            count(one.known_compromised),
        )
        for one in assessment.windows
    ]
    head = ("Window", "First", "Last", "Rows", "Frauds", "Fraud rate", "Known compromised, removed")
    return Table("Windows of time", head, tuple(rows), texts=3)


def left_out(assessment: Assessment) -> Table:
    """Rows that nothing was learnt from."""
    rows = [(reason, count(rows)) for reason, rows in assessment.data.left_out.items()]
    return Table("Rows left out", ("Reason", "Rows"), tuple(rows))


def inputs(assessment: Assessment) -> Table:
    """What was found in each input, and what is done with it; those that moved most come first."""
    data = assessment.data
    moved = {one.feature: one.psi for one in data.drift}
    names = dict.fromkeys([*moved, *data.medians, *data.limits, *data.missing, *data.unparsable, *data.clipped])
    head = ("Input", "Drift (PSI)", "Median", "Clipped below", "Clipped above", "Clipped", "Missing", "No number")
    rows = [(name, _drift(moved.get(name)), *_preparation(data, name)) for name in names]
    return Table("Inputs", head, tuple(rows), marked=_places(moved.get(name, 0.0) > _MUCH_DRIFT for name in names))


def _decision(decision: Decision, currency: str | None, *, money: bool, cost: bool) -> tuple[str, ...]:
    test = decision.test
    name = policy_name(decision.policy, currency=currency) + (" (shipped)" if decision.shipped else "")
    cells = [
        name if decision.reached else f"{name}; out of reach, the nearest is shown",
        number(decision.threshold),
        number(test.alerts_a_day),
        percent(test.precision),
        percent(test.recall),
        number(test.f1),
        f"{count(test.frauds_caught)} of {count(test.frauds)}",
        count(test.false_alarms),
    ]
    cells += [number(test.money_caught), number(test.money_lost)] if money else []
    cells += [number(test.cost)] if cost else []
    return tuple(cells)


def _candidate(candidate: Candidate) -> tuple[str, ...]:
    name = candidate.recipe.label + (" (chosen)" if candidate.chosen else "")
    behind = interval(candidate.behind) if candidate.behind is not None else "the best"
    return name, candidate.why or DASH, interval(candidate.average_precision), behind


def _interval(assessment: Assessment, name: str) -> str:
    return interval(assessment.intervals.get(name))


def _drift(psi: float | None) -> str:
    if psi is None:
        return DASH
    size = "much" if psi > _MUCH_DRIFT else "some" if psi > _LITTLE_DRIFT else "little"
    return f"{size}, {psi:.3f}"


def _preparation(data: DataReport, name: str) -> Sequence[str]:
    low, high = data.limits.get(name, (None, None))
    found = (data.clipped.get(name), data.missing.get(name), data.unparsable.get(name))
    return number(data.medians.get(name)), number(low), number(high), *(count(one or 0) for one in found)


def _places(marks: Iterable[bool]) -> frozenset[int]:
    return frozenset(at for at, mark in enumerate(marks) if mark)
