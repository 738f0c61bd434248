from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import clone

from model.learning.preparation import CLIP_QUANTILES, QuantileClipper, learnt_from, new_preparation, with_times
from model.scoring.calendar import CALENDAR, calendar_features

ROWS = np.random.default_rng(5).gamma(1, 30, (5_000, 3))
TIMES = np.random.default_rng(6).integers(0, 1_800_000_000_000, 5_000)


def test_what_is_missing_becomes_the_median_of_the_training_rows() -> None:
    gaps = ROWS.copy()
    gaps[::7, 1] = np.nan
    preparation = new_preparation(3, ()).fit(gaps)

    prepared = preparation.transform(np.array([[np.nan, np.nan, np.nan], np.nanmedian(gaps, axis=0)]))

    np.testing.assert_array_equal(prepared, np.zeros((2, 3)))


def test_a_column_without_a_single_number_stays_in_its_place() -> None:
    empty = ROWS.copy()
    empty[:, 1] = np.nan

    prepared = new_preparation(3, ()).fit(empty).transform(np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]]))

    assert prepared.shape == (2, 3)
    assert prepared[:, 1].tolist() == [0.0, 0.0]


def test_outliers_are_brought_back_to_the_quantiles_learnt() -> None:
    preparation = new_preparation(3, ()).fit(ROWS)
    low, high = np.quantile(ROWS, CLIP_QUANTILES, axis=0)

    prepared = preparation.transform(np.array([[1e300, -1e300, 30.0]]))

    np.testing.assert_array_equal(prepared, preparation.transform(np.array([[high[0], low[1], 30.0]])))
    assert np.isfinite(prepared).all()


def test_the_scale_is_that_of_the_middle_half() -> None:
    prepared = new_preparation(3, ()).fit_transform(ROWS)

    lower, middle, upper = np.quantile(prepared, (0.25, 0.5, 0.75), axis=0)
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    np.testing.assert_allclose(upper - lower, 1)


def test_the_time_becomes_the_calendar_features_behind_the_inputs() -> None:
    rows = with_times(ROWS, TIMES, ("weekend", "hour"))

    prepared = new_preparation(3, ("weekend", "hour")).fit_transform(rows)

    assert prepared.shape == (5_000, 5)
    np.testing.assert_array_equal(prepared[:, :3], new_preparation(3, ()).fit_transform(ROWS))
    np.testing.assert_array_equal(prepared[:, 3:], calendar_features(TIMES, ("weekend", "hour")))


def test_without_calendar_features_the_rows_are_not_copied() -> None:
    assert with_times(ROWS, TIMES, ()) is ROWS


def test_a_row_is_prepared_alike_alone_and_among_others() -> None:
    rows = with_times(ROWS, TIMES, CALENDAR)
    preparation = new_preparation(3, CALENDAR).fit(rows)
    together = preparation.transform(rows[:300])

    alone = np.vstack([preparation.transform(rows[at : at + 1]) for at in range(300)])

    assert alone.tobytes() == together.tobytes()


@pytest.mark.parametrize(
    "column",
    [
        [-1e308, 1e308],
        [1.7e308, 1.6e308, 1.5e308],
        [np.finfo(np.float64).max],
        [5.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e308],
        [0.0, 5e-324],
        [1e15, 1e15 + 0.125, -1e308],
    ],
)
def test_whatever_the_numbers_they_stay_in_order_and_within_reach(column: list[float]) -> None:
    rows = np.resize(column, (700, 1))
    preparation = new_preparation(1, ())

    prepared = preparation.fit_transform(rows)

    assert np.abs(prepared).max() <= 1e9 * (1 + 1e-15)
    order = np.argsort(rows[:, 0])
    assert all(lower <= higher for lower, higher in pairwise(prepared[order, 0]))
    assert np.isfinite(preparation.transform(np.array([[np.finfo(np.float64).max], [np.finfo(np.float64).min]]))).all()


def test_what_overflows_elsewhere_is_still_told_apart() -> None:
    prepared = new_preparation(1, ()).fit_transform(np.resize([-1e308, 0.0, 1e308], (300, 1)))

    assert len(np.unique(prepared)) == 3


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinities_are_refused(infinity: float) -> None:
    preparation = new_preparation(3, ()).fit(ROWS)

    with pytest.raises(ValueError, match="infinity"):
        preparation.transform(np.array([[1.0, infinity, 2.0]]))


def test_what_it_has_learnt_can_be_read() -> None:
    rows = with_times(ROWS, TIMES, CALENDAR)
    preparation = new_preparation(3, CALENDAR)
    prepared = preparation.fit_transform(rows)

    learnt = learnt_from(preparation)

    np.testing.assert_array_equal(learnt.medians, np.median(ROWS, axis=0))
    np.testing.assert_array_equal([learnt.low, learnt.high], np.quantile(ROWS, CLIP_QUANTILES, axis=0))
    np.testing.assert_allclose(learnt.means, prepared.mean(axis=0), atol=1e-12)
    clipped = np.clip(ROWS, learnt.low, learnt.high)
    np.testing.assert_array_equal((clipped - learnt.centre) / learnt.scale, prepared[:, :3])


def test_the_steps_can_be_made_anew() -> None:
    rows = with_times(ROWS, TIMES, CALENDAR)
    preparation = new_preparation(3, CALENDAR).fit(rows)

    again = clone(preparation).fit(rows)

    assert again.transform(rows).tobytes() == preparation.transform(rows).tobytes()
    assert list(preparation.get_feature_names_out()) == [
        "numbers__x0",
        "numbers__x1",
        "numbers__x2",
        *(f"calendar__{name}" for name in CALENDAR),
    ]


def test_the_clipper_keeps_the_rules_of_scikit_learn() -> None:
    clipper = QuantileClipper(0.1, 0.9).fit([[0.0], [10.0]])

    assert clipper.transform([[-5.0], [5.0], [50.0]]).tolist() == [[1.0], [5.0], [9.0]]
    assert clone(clipper).get_params() == {"lower": 0.1, "upper": 0.9}
    with pytest.raises(ValueError, match="2 features"):
        clipper.transform([[1.0, 2.0]])
