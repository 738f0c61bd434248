from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from model.preparation import CLIP_QUANTILES, QuantileClipper, new_preparation

ROWS = np.random.default_rng(5).gamma(1, 30, (5_000, 3))


def test_what_is_missing_becomes_the_median_of_the_training_rows() -> None:
    gaps = ROWS.copy()
    gaps[::7, 1] = np.nan
    preparation = new_preparation().fit(gaps)

    prepared = preparation.transform(np.array([[np.nan, np.nan, np.nan], np.nanmedian(gaps, axis=0)]))

    np.testing.assert_array_equal(prepared, np.zeros((2, 3)))


def test_a_column_without_a_single_number_stays_in_its_place() -> None:
    empty = ROWS.copy()
    empty[:, 1] = np.nan

    prepared = new_preparation().fit(empty).transform(np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]]))

    assert prepared.shape == (2, 3)
    assert prepared[:, 1].tolist() == [0.0, 0.0]


def test_outliers_are_brought_back_to_the_quantiles_learnt() -> None:
    preparation = new_preparation().fit(ROWS)
    low, high = np.quantile(ROWS, CLIP_QUANTILES, axis=0)

    prepared = preparation.transform(np.array([[1e300, -1e300, 30.0]]))

    np.testing.assert_array_equal(prepared, preparation.transform(np.array([[high[0], low[1], 30.0]])))
    assert np.isfinite(prepared).all()


def test_the_scale_is_that_of_the_middle_half() -> None:
    prepared = new_preparation().fit_transform(ROWS)

    lower, middle, upper = np.quantile(prepared, (0.25, 0.5, 0.75), axis=0)
    np.testing.assert_allclose(middle, 0, atol=1e-12)
    np.testing.assert_allclose(upper - lower, 1)


def test_a_row_is_prepared_alike_alone_and_among_others() -> None:
    preparation = new_preparation().fit(ROWS)
    together = preparation.transform(ROWS[:300])

    alone = np.vstack([preparation.transform(ROWS[at : at + 1]) for at in range(300)])

    assert alone.tobytes() == together.tobytes()


def test_the_clipper_keeps_the_rules_of_scikit_learn() -> None:
    clipper = QuantileClipper(0.1, 0.9).fit([[0.0], [10.0]])

    assert clipper.transform([[-5.0], [5.0], [50.0]]).tolist() == [[1.0], [5.0], [9.0]]
    assert clone(clipper).get_params() == {"lower": 0.1, "upper": 0.9}
    with pytest.raises(ValueError, match="2 features"):
        clipper.transform([[1.0, 2.0]])
