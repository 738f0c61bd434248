"""One column of a table as numbers, moments or texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from model.errors import Mendable
from model.profile import TimeColumn

# Before the epoch or after the year 9999 there is no transaction that a stream would take.
_LATEST_MS: Final = 253_402_300_799_999
# Beyond this a double no longer tells neighbouring whole numbers apart.
_EXACT: Final = 2.0**53
_TRUTHS: Final = {"true": 1.0, "false": 0.0}

TimeKind = Literal["nothing", "numbers", "datetimes", "other"]


class TimeKindWrong(Mendable):
    """A time column that holds numbers, also as texts, where the profile says timestamps, or the other way round."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column as numbers.

    Attributes:
        values: float64[n], NaN where there is none; infinities are kept.
        unparsable: bool[n], where something else than a number stands.
    """

    values: NDArray[np.float64]
    unparsable: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Moments:
    """A column as points in time.

    Attributes:
        epoch_ms: int64[n], milliseconds UTC; 0 where not usable.
        usable: bool[n]; not where none stands, or one before 1970 or after 9999.
    """

    epoch_ms: NDArray[np.int64]
    usable: NDArray[np.bool_]


def numbers(column: pd.Series[Any]) -> Numbers:
    """Each cell as the nearest double. Truths, also as texts, are 1 and 0; NaN, empty and blank cells are missing.

    What a cell is does not depend on the others.
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Numbers(values, np.zeros(len(values), dtype=np.bool_))
    if isinstance(column.dtype, pd.StringDtype) and (read := _all_at_once(column)) is not None:
        return Numbers(read, np.zeros(len(read), dtype=np.bool_))
    cells = [_number(cell) for cell in column.to_numpy(dtype=object)]
    values = np.array([np.nan if number is None else number for number in cells], dtype=np.float64)
    return Numbers(values, np.array([number is None for number in cells], dtype=np.bool_))


def moments(column: pd.Series[Any], time: TimeColumn) -> Moments:
    """Each cell as a moment, as the profile's time says, to the millisecond.

    Raises:
        TimeKindWrong: Numbers where timestamps are expected, or the other way round.
    """
    require_time_kind({time_kind(column)}, time)
    return moments_of_kind(column, time)


def time_kind(column: pd.Series[Any]) -> TimeKind:
    """What a time column holds: numbers only, also as texts, or datetimes; nothing at all; or something else."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "datetimes"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "numbers" if column.notna().any() else "nothing"
    found: TimeKind = "nothing"
    for cell in column.to_numpy(dtype=object):
        number = _number(cell)
        if number is None:
            return "other"
        if not np.isnan(number):
            found = "numbers"
    return found


def require_time_kind(kinds: Collection[TimeKind], time: TimeColumn) -> None:
    """Refuses a column of another kind than the profile says; of "8638" ISO 8601 would make a year.

    Args:
        kinds: Of the column's stretches.
        time: What the profile says.

    Raises:
        TimeKindWrong: Numbers where timestamps are expected, or the other way round.
    """
    if time.unit is None and {"numbers"} == {*kinds} - {"nothing"}:
        raise TimeKindWrong(
            f"time column {time.column!r} holds numbers, no timestamps",
            remedy="say in the profile's [time] what they count: unit and origin",
        )
    if time.unit is not None and "datetimes" in kinds:
        raise TimeKindWrong(
            f"time column {time.column!r} holds timestamps, no numbers of {time.unit!r}",
            remedy="leave unit and origin out of the profile's [time]",
        )


def moments_of_kind(column: pd.Series[Any], time: TimeColumn) -> Moments:
    """As `moments`, of a stretch of a column; what is of another kind than the profile says is not usable."""
    if time.unit is not None and time.origin is not None:
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return _no_moments(len(column))
        after = numbers(column).values * (1000 if time.unit == "s" else 1)
        ms = np.rint(after) + _epoch_ms(time.origin)
        usable = (ms >= 0) & (ms <= _LATEST_MS)
        return Moments(np.where(usable, ms, 0).astype(np.int64), usable)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _no_moments(len(column))
    parsed = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    whole = parsed.dt.as_unit("ms").astype("int64").to_numpy()
    usable = parsed.notna().to_numpy() & (whole >= 0) & (whole <= _LATEST_MS)
    return Moments(np.where(usable, whole, 0).astype(np.int64), usable)


def texts(column: pd.Series[Any]) -> list[str | None]:
    """Each cell as text, None where empty; a whole number stays one (123, not 123.0), whatever the others are."""
    if pd.api.types.is_float_dtype(column.dtype):
        return [_text_of(value) for value in column.to_numpy(dtype=np.float64, na_value=np.nan).tolist()]
    missing = column.isna().to_numpy()
    cells = column.to_numpy(dtype=object)
    return [None if gone or not str(cell).strip() else str(cell) for cell, gone in zip(cells, missing, strict=True)]


def _all_at_once(column: pd.Series[str]) -> NDArray[np.float64] | None:
    """The numbers of a column of texts, a hundred times as fast; None where some cell needs a closer look."""
    trimmed = pc.utf8_trim_whitespace(pa.array(column, from_pandas=True))
    present = pc.if_else(pc.equal(trimmed, ""), None, trimmed)
    try:
        read: NDArray[np.float64] = pc.cast(present, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return read


def _number(cell: object) -> float | None:
    """NaN where the cell is missing, None where it is no number."""
    if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, str) and not cell.strip()):
        return np.nan
    if not isinstance(cell, int | float | str | bytes | Decimal | np.number | np.bool_):
        return None
    try:
        return float(cell)
    except ValueError:
        return _TRUTHS.get(cell.strip().lower()) if isinstance(cell, str) else None
    except OverflowError:
        return np.inf


def _text_of(value: float) -> str | None:
    if np.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)


def _no_moments(rows: int) -> Moments:
    return Moments(np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.bool_))


def _epoch_ms(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return round(since.total_seconds() * 1000)
