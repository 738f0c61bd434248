"""Windows of time: what is learnt from, what is judged, and between them the days that labels take to arrive."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.errors import Mendable

Rows = NDArray[np.int64]
# From a moment (epoch ms), to one that is no longer in it.
Bounds = tuple[float, float]

DAY_MS: Final = 86_400_000

USUAL_FOLDS: Final = 5
_LEAST_FOLDS: Final = 2

# Where windows are cut by the number of rows: the test window is the last fifth, what the model is chosen and
# calibrated by lies before it, and the first fifth at least is only learnt from.
_TEST_SHARE: Final = 0.2
_CALIBRATION_SHARE: Final = 0.15
_MOST_CALIBRATION: Final = 0.6


class WindowsDoNotFit(Mendable):
    """The data cover less time than the windows need."""


class OneClassOnly(Mendable):
    """Rows without a fraud, or without a legitimate transaction, where both are needed."""


@dataclass(frozen=True)
class WindowPlan:
    """How time is cut.

    Attributes:
        folds: Windows that are judged, 2 at least; the last is the test window, the others are for choosing. None is
            5, or as many as have frauds to learn from and to judge by.
        train_days: How far back the training of each reaches; None is to the beginning.
        delay_days: Labels are known only so many days after the transaction: so far before a window ends what its
            model is fitted to, and so far before the test window what the model is chosen and calibrated by.
        test_days: Length of each judged window, in calendar days UTC; None cuts by the number of rows.
        known_fraud: Whether transactions of accounts that are known to be compromised are judged ("keep"), or taken
            out as those of a blocked card would be ("remove"). Without accounts there is nothing to remove.
    """

    folds: int | None = None
    train_days: float | None = None
    delay_days: float = 0.0
    test_days: int | None = None
    known_fraud: Literal["remove", "keep"] = "remove"


@dataclass(frozen=True, eq=False)
class Step:
    """One judged window with what may be learnt before it.

    Attributes:
        name: "test", or "calibration" with its number.
        training: int64[n] row numbers in the order of time, all earlier than the window by the delay.
        judged: int64[m] row numbers in the order of time.
        known_compromised: Rows of the window that were taken out because their account was known.
    """

    name: str
    training: Rows
    judged: Rows
    known_compromised: int


def plan_steps(dataset: Dataset, plan: WindowPlan) -> tuple[Step, ...]:
    """The judged windows in the order of time, each with its training rows.

    Rows of one moment are never parted.

    Args:
        dataset: With labels, in any order.
        plan: How to cut.

    Raises:
        OneClassOnly: All labels are equal, or those of a window; names it.
        WindowsDoNotFit: There is nothing before a window to learn from.
    """
    labels = labels_of(dataset)
    if len(np.unique(labels)) < 2:
        only = "frauds (1)" if labels.any() else "legitimate transactions (0)"
        raise OneClassOnly(
            f"the {len(labels)} labels are of one class only: {only}", remedy="give data with frauds and others"
        )
    if plan.folds is not None:
        return _steps(dataset, plan, plan.folds)
    for folds in range(USUAL_FOLDS, _LEAST_FOLDS, -1):
        try:
            return _steps(dataset, plan, folds)
        except (OneClassOnly, WindowsDoNotFit):
            continue
    return _steps(dataset, plan, _LEAST_FOLDS)


def shipping_rows(dataset: Dataset, plan: WindowPlan) -> Rows:
    """What a model that goes into service after the last row is fitted to: int64[n], in the order of time."""
    order = np.argsort(dataset.times, kind="stable").astype(np.int64)
    if plan.train_days is None:
        return order
    times = dataset.times[order]
    end = _end_of_day(int(times[-1])) if plan.test_days is not None else int(times[-1]) + 1
    return order[times >= end - plan.train_days * DAY_MS]


def labels_of(dataset: Dataset) -> NDArray[np.int8]:
    """int8[n], of a dataset that was read with them."""
    assert dataset.labels is not None, "read with need_labels=True"
    return dataset.labels


def days_covered(times: NDArray[np.int64]) -> float:
    """How long rows at these moments (int64[n], epoch ms, one at least) go on, in days; an hour at least."""
    return max(float(times.max() - times.min()) / DAY_MS, 1 / 24)


def _steps(dataset: Dataset, plan: WindowPlan, folds: int) -> tuple[Step, ...]:
    order = np.argsort(dataset.times, kind="stable").astype(np.int64)
    times = dataset.times[order]
    by_rows = plan.test_days is None
    test = _test_by_rows(times) if by_rows else _test_by_days(times, plan.test_days or 0)
    # What is chosen and calibrated by must be known as well when the test window begins.
    known = test[0] - plan.delay_days * DAY_MS
    before = (
        _calibration_by_rows(times[times < known], folds)
        if by_rows
        else _calibration_by_days(known, plan.test_days or 0, folds)
    )
    names = [*(f"calibration {number}" for number in range(1, folds)), "test"]
    steps = [_step(dataset, order, window, name, plan) for name, window in zip(names, [*before, test], strict=True)]
    for step in steps:
        _require_both_classes(dataset, step, _in_words(plan, folds))
    return tuple(steps)


def _test_by_rows(times: NDArray[np.int64]) -> Bounds:
    first = min(round((1 - _TEST_SHARE) * len(times)), len(times) - 1)
    return float(times[first]), float(times[-1]) + 1


def _test_by_days(times: NDArray[np.int64], days: int) -> Bounds:
    end = _end_of_day(int(times[-1]))
    return float(end - days * DAY_MS), float(end)


def _calibration_by_rows(times: NDArray[np.int64], folds: int) -> list[Bounds]:
    """The last shares of the rows at these moments."""
    if len(times) == 0:
        return [(-np.inf, -np.inf)] * (folds - 1)
    judged = min(_CALIBRATION_SHARE * (folds - 1), _MOST_CALIBRATION) / (1 - _TEST_SHARE)
    places = [round(share * len(times)) for share in np.linspace(1 - judged, 1, folds).tolist()]
    moments = [*(float(times[place]) for place in places[:-1]), float(times[-1]) + 1]
    return list(pairwise(moments))


def _calibration_by_days(known: float, days: int, folds: int) -> list[Bounds]:
    return list(pairwise(known - back * days * DAY_MS for back in range(folds - 1, -1, -1)))


def _end_of_day(moment: int) -> int:
    return (moment // DAY_MS + 1) * DAY_MS


def _step(dataset: Dataset, order: Rows, bounds: Bounds, name: str, plan: WindowPlan) -> Step:
    (first, last), times = bounds, dataset.times[order]
    learnt_until = first - plan.delay_days * DAY_MS
    learnt_from = -np.inf if plan.train_days is None else learnt_until - plan.train_days * DAY_MS
    training = order[(times >= learnt_from) & (times < learnt_until)]
    judged = order[(times >= first) & (times < last)]
    known = np.zeros(len(judged), np.bool_)
    if plan.known_fraud == "remove" and dataset.accounts is not None:
        known = _known_compromised(dataset, judged, order[times < last], learnt_from, plan.delay_days)
    return Step(name, training, judged[~known], int(known.sum()))


def _known_compromised(
    dataset: Dataset, judged: Rows, before: Rows, learnt_from: float, delay_days: float
) -> NDArray[np.bool_]:
    """bool[m]: whether, on the morning of its day, a fraud of the row's account was known.

    As the Fraud Detection Handbook's chapter 3 does it ("get_train_test_set").
    """
    assert dataset.accounts is not None
    accounts, times, labels = dataset.accounts, dataset.times, labels_of(dataset)
    seen = before[(labels[before] == 1) & (times[before] >= learnt_from) & (accounts[before] >= 0)]
    first_fraud: NDArray[np.float64] = np.full(int(accounts.max(initial=-1)) + 2, np.inf)
    np.minimum.at(first_fraud, accounts[seen], times[seen].astype(np.float64))
    morning = times[judged] // DAY_MS * DAY_MS
    known: NDArray[np.bool_] = first_fraud[accounts[judged]] < morning - delay_days * DAY_MS
    return known


def _require_both_classes(dataset: Dataset, step: Step, windows: str) -> None:
    labels = labels_of(dataset)
    longer = "give data over a longer time, or ask for fewer or shorter windows"
    removed = ""
    if step.known_compromised:
        removed = f" after {step.known_compromised} of known compromised accounts were removed"
        longer += ", or judge those accounts too (--known-fraud keep)"
    for what, rows, without in (("training", step.training, ""), ("judged", step.judged, removed)):
        if len(rows) == 0:
            raise WindowsDoNotFit(f"window {step.name!r} of {windows} has no {what} rows{without}", remedy=longer)
        frauds = int(labels[rows].sum())
        if frauds in {0, len(rows)}:
            raise OneClassOnly(
                f"window {step.name!r} of {windows} has {frauds} frauds in {len(rows)} {what} rows{without}",
                remedy=f"{longer}, so that each has frauds and others",
            )


def _in_words(plan: WindowPlan, folds: int) -> str:
    lengths = (("train", plan.train_days), ("delay", plan.delay_days or None), ("test", plan.test_days))
    said = ", ".join(f"{days:g} days {name}" for name, days in lengths if days is not None)
    return f"{folds} folds" + (f" ({said})" if said else "")
