from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model.data.dataset import Dataset, dataset_from_frame
from model.learning.windows import (
    DAY_MS,
    OneClassOnly,
    Step,
    WindowPlan,
    WindowsDoNotFit,
    days_covered,
    labels_of,
    plan_steps,
    shipping_rows,
)
from tests.harness.labelled import PROFILE, labelled_frame

MIDNIGHT = pd.Timestamp("2026-01-05", tz="UTC")


def read(frame: pd.DataFrame) -> Dataset:
    return dataset_from_frame(frame, PROFILE, need_labels=True, source="table")


def spread_over(days: int, rows: int = 2000, *, seed: int = 3) -> pd.DataFrame:
    """Labelled rows at random moments of so many days."""
    frame = labelled_frame(rows, seed=seed, fraud_share=0.1)
    after = np.random.default_rng(seed).integers(0, days * DAY_MS, rows)
    return frame.assign(at=MIDNIGHT + pd.to_timedelta(after, unit="ms"), account=after % 97)


def names_of(steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps]


def test_windows_by_rows_follow_one_another_and_end_with_a_fifth_for_the_test() -> None:
    dataset = read(spread_over(30).sample(frac=1, random_state=1))

    steps = plan_steps(dataset, WindowPlan(known_fraud="keep"))

    assert names_of(steps) == [*(f"calibration {number}" for number in (1, 2, 3, 4)), "test"]
    assert [len(step.judged) for step in steps] == [300, 300, 300, 300, 400]
    for step in steps:
        assert dataset.times[step.training].max() < dataset.times[step.judged].min()
        assert (np.diff(dataset.times[step.judged]) >= 0).all()
    judged = np.concatenate([step.judged for step in steps])
    assert len(np.unique(judged)) == len(judged)
    assert sorted([*steps[0].training, *judged]) == list(range(2000))


@pytest.mark.parametrize(("folds", "first"), [(2, 1300), (3, 1000), (5, 400), (7, 400)])
def test_the_more_folds_the_less_the_first_has_to_learn_from_but_a_fifth(folds: int, first: int) -> None:
    steps = plan_steps(read(spread_over(30)), WindowPlan(folds=folds, known_fraud="keep"))

    assert len(steps[0].training) == first
    assert (len(steps[-1].training), len(steps[-1].judged)) == (1600, 400)


def test_rows_of_one_moment_stay_together() -> None:
    frame = spread_over(30)
    dataset = read(frame.assign(at=frame["at"].dt.floor("D")))

    for step in plan_steps(dataset, WindowPlan(known_fraud="keep")):
        assert dataset.times[step.training].max() < dataset.times[step.judged].min()


def test_calendar_days_with_a_delay_and_a_short_memory() -> None:
    dataset = read(spread_over(40, rows=8000))
    plan = WindowPlan(folds=3, train_days=7, delay_days=7, test_days=5, known_fraud="keep")

    steps = plan_steps(dataset, plan)

    end = int(MIDNIGHT.timestamp()) * 1000 + 40 * DAY_MS
    for back, step in zip((22, 17, 5), steps, strict=True):
        first = end - back * DAY_MS
        judged, training = dataset.times[step.judged], dataset.times[step.training]
        assert first <= judged.min() <= judged.max() < first + 5 * DAY_MS
        assert first - 14 * DAY_MS <= training.min() <= training.max() < first - 7 * DAY_MS
        inside = (dataset.times >= first - 14 * DAY_MS) & (dataset.times < first - 7 * DAY_MS)
        assert len(training) == inside.sum()
    shipped = dataset.times[shipping_rows(dataset, plan)]
    assert len(shipped) == (dataset.times >= end - 7 * DAY_MS).sum()


def test_what_chooses_is_known_when_the_test_window_begins() -> None:
    dataset = read(spread_over(40, rows=8000))

    for plan in (WindowPlan(delay_days=4, known_fraud="keep"), WindowPlan(3, None, 4, 6, "keep")):
        *choosing, test = plan_steps(dataset, plan)

        last = max(dataset.times[step.judged].max() for step in choosing)
        assert dataset.times[test.judged].min() - last >= 4 * DAY_MS


def test_known_compromised_accounts_leave_as_in_the_handbook() -> None:
    """Beside the book's own procedure (chapter 3, `get_train_test_set`), written with a table for each day."""
    frame = spread_over(40, rows=8000)
    dataset = read(frame)
    frame["day"] = (frame["at"] - MIDNIGHT).dt.days
    first = 40 - 7
    training = frame[(frame["day"] >= first - 14) & (frame["day"] < first - 7)]
    known = set(training.loc[training["fraud"] == 1, "account"])
    expected: list[int] = []
    for day in range(7):
        of_delay = frame[frame["day"] == first - 7 + day - 1]
        known |= set(of_delay.loc[of_delay["fraud"] == 1, "account"])
        today = frame[frame["day"] == first + day]
        expected += today.index[~today["account"].isin(known)].tolist()

    step = plan_steps(dataset, WindowPlan(folds=2, train_days=7, delay_days=7, test_days=7))[-1]

    assert sorted(step.judged.tolist()) == sorted(expected)
    assert step.known_compromised == (frame["day"] >= first).sum() - len(expected) > 0


def test_rows_without_an_account_are_never_known() -> None:
    frame = spread_over(30)
    frame["account"] = frame["account"].astype(object).where(frame["fraud"] == 0)

    assert [step.known_compromised for step in plan_steps(read(frame), WindowPlan())] == [0] * 5


def test_where_a_window_would_have_no_fraud_there_are_fewer() -> None:
    frame = spread_over(30).sort_values("at", ignore_index=True)
    frame.loc[1000:1299, "fraud"] = 0

    assert names_of(plan_steps(read(frame), WindowPlan(known_fraud="keep"))) == ["calibration 1", "test"]
    long_delay = WindowPlan(delay_days=7, known_fraud="keep")
    assert len(plan_steps(read(spread_over(30)), long_delay)) == 4
    with pytest.raises(OneClassOnly, match=r"'calibration 1' of 3 folds has 0 frauds in 300 judged rows"):
        plan_steps(read(frame), WindowPlan(folds=3, known_fraud="keep"))


@pytest.mark.parametrize(("label", "named"), [(0, "legitimate"), (1, "frauds")])
def test_labels_of_one_class_are_refused(label: int, named: str) -> None:
    with pytest.raises(OneClassOnly, match=f"one class only: {named}"):
        plan_steps(read(spread_over(30).assign(fraud=label)), WindowPlan())


def test_a_time_too_short_is_refused() -> None:
    with pytest.raises(WindowsDoNotFit, match=r"'calibration 1' of 2 folds \(7 days delay, 7 days test\)"):
        plan_steps(read(spread_over(10)), WindowPlan(folds=2, delay_days=7, test_days=7))
    with pytest.raises(WindowsDoNotFit, match="no training rows"):
        plan_steps(read(spread_over(10)), WindowPlan(delay_days=1e300))
    with pytest.raises((WindowsDoNotFit, OneClassOnly)):
        plan_steps(read(spread_over(10).assign(at=MIDNIGHT)), WindowPlan())


def test_later_rows_have_no_say_in_earlier_windows() -> None:
    frame = spread_over(30).sort_values("at", ignore_index=True)
    plan = WindowPlan(folds=3, test_days=6, known_fraud="keep")
    before = plan_steps(read(frame), plan)
    late = frame["at"] >= MIDNIGHT + pd.Timedelta(days=24)
    assert late.sum() == len(before[-1].judged)

    after = plan_steps(read(frame.assign(fraud=np.where(late, 1 - frame["fraud"], frame["fraud"]))), plan)

    for one, other in zip(before[:-1], after[:-1], strict=True):
        np.testing.assert_array_equal(one.training, other.training)
        np.testing.assert_array_equal(one.judged, other.judged)
    np.testing.assert_array_equal(before[-1].training, after[-1].training)


def test_time_covered_is_an_hour_at_least() -> None:
    assert days_covered(np.array([0, 3 * DAY_MS], dtype=np.int64)) == 3
    assert days_covered(np.array([5], dtype=np.int64)) == 1 / 24
    assert labels_of(read(labelled_frame())).sum() > 0
