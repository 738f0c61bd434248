from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model.scoring.calendar import CALENDAR, calendar_features, feature_names


def test_the_features_are_those_of_a_calendar() -> None:
    times = np.random.default_rng(1).integers(0, 4_102_444_800_000, 5_000)
    times[:4] = (0, 3_600_000 - 1, 3_600_000, 7 * 3_600_000 - 1)
    moments = pd.to_datetime(pd.Series(times), unit="ms", utc=True).dt

    hour, night, weekend = calendar_features(times, CALENDAR).T

    np.testing.assert_array_equal(hour, moments.hour)
    np.testing.assert_array_equal(night, moments.hour <= 6)
    np.testing.assert_array_equal(weekend, moments.day_of_week >= 5)


def test_the_features_come_in_the_order_asked_for() -> None:
    sunday_noon = np.array([1_769_947_200_000])  # 1 February 2026

    assert calendar_features(sunday_noon, ("weekend", "hour")).tolist() == [[1.0, 12.0]]
    assert calendar_features(sunday_noon, ()).shape == (1, 0)
    assert calendar_features(np.empty(0, np.int64), CALENDAR).shape == (0, 3)


def test_a_feature_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError):
        calendar_features(np.zeros(1, np.int64), ("minute",))


def test_a_calendar_feature_never_takes_the_name_of_an_input() -> None:
    assert feature_names(("amount",), CALENDAR) == ("amount", "hour", "night", "weekend")
    assert feature_names(("hour", "amount"), ("hour", "night")) == ("hour", "amount", "event_hour", "night")
    assert feature_names(("hour", "event_hour"), ("hour",)) == ("hour", "event_hour", "event_event_hour")
