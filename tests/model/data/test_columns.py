from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from model.data.columns import TimeKindWrong, moments, numbers, texts
from model.profile import TimeColumn

AT = TimeColumn(column="at")
SECONDS = TimeColumn(column="at", unit="s", origin=datetime(2013, 9, 1, tzinfo=UTC))


def ms(*date_and_hour: int) -> int:
    """Epoch milliseconds of year, month, day and hour in UTC."""
    year, month, day, hour = (*date_and_hour, 0)[:4]
    return round(datetime(year, month, day, hour, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (pd.Series([1, -2], dtype="int8"), [1.0, -2.0]),
        (pd.Series([0.1, np.nan], dtype="float32"), [float(np.float32(0.1)), np.nan]),
        (pd.Series([True, False]), [1.0, 0.0]),
        (pd.Series([True, None, pd.NA], dtype="object"), [1.0, np.nan, np.nan]),
        (pd.Series([True, pd.NA], dtype="boolean"), [1.0, np.nan]),
        (pd.Series([3, pd.NA], dtype="Int64"), [3.0, np.nan]),
        (pd.Series([" 1.5 ", "", "  ", "NaN", "-0.1"]), [1.5, np.nan, np.nan, np.nan, -0.1]),
        (pd.Series([Decimal("0.1"), 10**400, "1e400"], dtype="object"), [0.1, np.inf, np.inf]),
        (pd.Series(["1", " true", "FALSE"]), [1.0, 1.0, 0.0]),
        (pd.Series([], dtype="object"), []),
    ],
)
def test_numbers_of_any_kind_become_the_nearest_doubles(cells: pd.Series[Any], values: list[float]) -> None:
    found = numbers(cells)

    np.testing.assert_array_equal(found.values, values)
    assert found.values.dtype == np.float64
    assert not found.unparsable.any()


def test_what_is_no_number_is_missing_and_told() -> None:
    found = numbers(pd.Series(["1", "two", None, "3,5", date(2026, 1, 1)], dtype="object"))

    np.testing.assert_array_equal(found.values, [1.0, np.nan, np.nan, np.nan, np.nan])
    assert found.unparsable.tolist() == [False, True, False, True, True]


def test_a_number_as_text_is_the_same_beside_numbers_and_beside_other_texts() -> None:
    written = [repr(value) for value in np.random.default_rng(5).standard_normal(2_000).tolist()]
    written += ["1e400", "-inf", "5e-324", " 7", ".5", "5.", "9007199254740993"]

    alone, beside = numbers(pd.Series(written)), numbers(pd.Series([*written, "other"]))

    assert alone.values.tobytes() == beside.values[:-1].tobytes()
    assert alone.values.tolist() == [float(text) for text in written]


def test_timestamps_are_read_with_and_without_zones() -> None:
    cells = pd.Series(
        [
            "2026-01-01 00:00:01",
            "2026-01-01T02:00:00.5+02:00",
            "2026-01-01",
            "yesterday",
            None,
            "1969-12-31T23:59:59Z",
            "1767225600",
        ]
    )

    found = moments(cells, AT)

    start = ms(2026, 1, 1)
    assert found.usable.tolist() == [True, True, True, False, False, False, False]
    assert found.epoch_ms[:3].tolist() == [start + 1000, start + 500, start]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_datetimes_of_any_resolution_are_read(unit: Literal["s", "ms", "us", "ns"], zone: str | None) -> None:
    cells = pd.Series(pd.to_datetime(["2026-01-01 01:00:00", "NaT"])).dt.as_unit(unit).dt.tz_localize(zone)

    found = moments(cells, AT)

    assert found.usable.tolist() == [True, False]
    assert found.epoch_ms[0] == ms(2026, 1, 1, 0 if zone == "Europe/Berlin" else 1)


def test_counted_times_start_at_the_origin() -> None:
    found = moments(pd.Series([0, 0.29, 86_400.0, np.nan, np.inf, -1e12, 1e300]), SECONDS)

    start = ms(2013, 9, 1)
    assert found.usable.tolist() == [True, True, True, False, False, False, False]
    assert found.epoch_ms[:3].tolist() == [start, start + 290, start + 86_400_000]


def test_milliseconds_and_an_origin_without_a_zone() -> None:
    time = TimeColumn(column="at", unit="ms", origin=datetime(2013, 9, 1))  # noqa: DTZ001 (that is the case)

    assert moments(pd.Series(["5"]), time).epoch_ms.tolist() == [ms(2013, 9, 1) + 5]


def test_a_time_column_of_another_kind_than_the_profile_says_is_refused() -> None:
    with pytest.raises(TimeKindWrong, match="unit and origin"):
        moments(pd.Series([1, 2]), AT)
    with pytest.raises(TimeKindWrong, match="unit and origin"):
        moments(pd.Series([Decimal("1.5"), None, Decimal(2)], dtype="object"), AT)
    with pytest.raises(TimeKindWrong, match="unit and origin"):
        moments(pd.Series(["", "+2013", " 0.5 ", "-1e3", None]), AT)
    with pytest.raises(TimeKindWrong, match="leave unit and origin out"):
        moments(pd.Series(pd.to_datetime(["2026-01-01"])), SECONDS)


@pytest.mark.parametrize("cells", [["", " ", None], [], [date(2026, 1, 1)], ["0", "2026-01-01"]])
def test_no_times_and_numbers_among_timestamps_are_not_of_another_kind(cells: list[object]) -> None:
    usable = moments(pd.Series(cells, dtype="object"), AT).usable

    assert usable.tolist() == [cell not in {"", " ", "0", None} for cell in cells]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.Series([123, 4], dtype="int16"), ["123", "4"]),
        (pd.Series([123.0, np.nan]), ["123", None]),
        (pd.Series([123.5, 1.0]), ["123.5", "1"]),
        (pd.Series([9_007_199_254_740_993, pd.NA], dtype="Int64"), ["9007199254740993", None]),
        (pd.Series(["007", "", " ", None, "NA"]), ["007", None, None, None, "NA"]),
    ],
)
def test_identifiers_stay_as_they_are_written(cells: pd.Series[Any], expected: list[str | None]) -> None:
    assert texts(cells) == expected
