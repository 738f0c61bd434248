"""What must hold in every row of a file: checked piece by piece, judged at the end as if it had been read at once."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.data.columns import Moments, Numbers, TimeKind, moments_of_kind, numbers, require_time_kind, time_kind
from model.errors import Mendable
from model.profile import Profile

# What is shown of a value that should not be there: enough to find it, too little of a card number.
_SHOWN: Final = 6

Incomplete = Literal["refuse", "leave out"]


class RowIncomplete(Mendable):
    """A row without a usable time or label, where every row counts."""


class LabelInvalid(Mendable):
    """A label that is neither 0 nor 1."""


class NumberInfinite(Mendable):
    """An infinite amount or input."""


class ColumnUnusable(Mendable):
    """An input or amount column in which no cell is a number."""


class RowChecks:
    """Reads the cells that must be of a kind, and remembers what was amiss with them.

    Args:
        profile: Which column is what.
        source: Names the table in errors.
        incomplete: What becomes of rows without a usable time or, where needed, label.

    Attributes:
        rows: So far.
        without_time: Rows that have no usable time.
        without_label: Rows that have a time but no label.
        missing: Cells without a number, by column, where there are any.
        unparsable: Cells of which no number could be made, by column, where there are any.
    """

    def __init__(self, profile: Profile, *, source: str, incomplete: Incomplete) -> None:
        self.rows = 0
        self.without_time = 0
        self.without_label = 0
        self.missing: dict[str, int] = {}
        self.unparsable: dict[str, int] = {}
        self._profile = profile
        self._source = source
        self._incomplete = incomplete
        self._time_kinds: set[TimeKind] = set()
        self._time, self._label = _Lacking(), _Lacking()
        self._label_invalid: LabelInvalid | None = None
        self._infinite: dict[str, NumberInfinite] = {}

    def moments(self, column: pd.Series[Any]) -> Moments:
        """The times of the next rows."""
        time = self._profile.time
        # A cell that is no number settles it, and saves looking at all the others.
        if "other" not in self._time_kinds and (time.unit is None or pd.api.types.is_datetime64_any_dtype(column)):
            self._time_kinds.add(time_kind(column))
        when = moments_of_kind(column, time)
        self._time.add(when.usable, self.rows)
        return when

    def labels(self, column: pd.Series[Any]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """int8[n], 0 where there is none, and bool[n], whether there is one; of the next rows."""
        found = numbers(column)
        labelled = ~np.isnan(found.values)
        wrong = found.unparsable | (labelled & ~np.isin(found.values, (0.0, 1.0)))
        if wrong.any() and self._label_invalid is None:
            row = int(np.argmax(wrong))
            self._label_invalid = LabelInvalid(
                f"{self._source} has label {_shown(column.iloc[row])} in column {column.name!r}, "
                f"row {self.rows + row} (from 0)",
                remedy="labels are 1 (fraud) and 0 (legitimate)",
            )
        self._label.add(labelled, self.rows)
        return np.where(labelled & ~wrong, found.values, 0.0).astype(np.int8), labelled

    def numbers(self, column: pd.Series[Any], name: str) -> NDArray[np.float64]:
        """The numbers of the next rows in a column of inputs or amounts: float64[n], NaN where missing."""
        found = numbers(column)
        if not np.isfinite(found.values).all():
            self._note(found, name)
        return found.values

    def next(self, usable: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> None:
        """Ends the present rows: bool[n] each."""
        self.rows += len(usable)
        self.without_time += int((~usable).sum())
        self.without_label += int((usable & ~labelled).sum())

    def require_sound(self) -> None:
        """Judges all the rows.

        Raises:
            TimeKindWrong: The time column holds something else than the profile says.
            RowIncomplete: A row has no usable time or label and is not to be left out; or none has one.
            LabelInvalid: A label is neither 0 nor 1.
            NumberInfinite: An amount or an input is infinite.
            ColumnUnusable: No cell of an input or amount column is a number.
        """
        time = self._profile.time
        require_time_kind(self._time_kinds, time)
        if self._label_invalid is not None:
            raise self._label_invalid
        expected = f"numbers of {time.unit!r}" if time.unit else "timestamps as in RFC 3339, from 1970 on"
        self._require_complete(self._time, f"time in column {time.column!r}", expected)
        self._require_complete(self._label, f"label in column {self._profile.label!r}", "1 (fraud) and 0 (legitimate)")
        for name in measured_columns(self._profile):
            self._require_numbers(name)

    def _note(self, found: Numbers, name: str) -> None:
        counts = ((self.missing, int(np.isnan(found.values).sum())), (self.unparsable, int(found.unparsable.sum())))
        for counted, count in counts:
            if count:
                counted[name] = counted.get(name, 0) + count
        infinite = np.isinf(found.values)
        if infinite.any() and name not in self._infinite:
            row = int(np.argmax(infinite))
            self._infinite[name] = NumberInfinite(
                f"{self._source} has {found.values[row]} in column {name!r}, row {self.rows + row} (from 0)",
                remedy="give a finite number, or leave the cell empty where it is not known",
            )

    def _require_complete(self, lacking: _Lacking, what: str, expected: str) -> None:
        if lacking.first is None or (self._incomplete == "leave out" and lacking.rows < self.rows):
            return
        raise RowIncomplete(
            f"{self._source} has no usable {what} in {lacking.rows} of {self.rows} rows, the first of them "
            f"{lacking.first} (from 0)",
            remedy=f"correct or remove these rows; expected are {expected}",
        )

    def _require_numbers(self, name: str) -> None:
        if name in self._infinite:
            raise self._infinite[name]
        unparsable = self.unparsable.get(name, 0)
        if unparsable and self.missing[name] == self.rows:
            raise ColumnUnusable(
                f"{self._source} has no number in column {name!r}, but {unparsable} other values",
                remedy="inputs and amounts are numbers: name another column in the profile, or encode this one",
            )


class _Lacking:
    """How many rows lack something, and the first that does."""

    def __init__(self) -> None:
        self.rows = 0
        self.first: int | None = None

    def add(self, there: NDArray[np.bool_], rows_before: int) -> None:
        if there.all():
            return
        self.rows += int((~there).sum())
        if self.first is None:
            self.first = rows_before + int(np.argmin(there))


def measured_columns(profile: Profile) -> list[str]:
    """The columns of numbers: the inputs, and the amount where it is none."""
    return list(dict.fromkeys([*profile.inputs, *([] if profile.amount is None else [profile.amount])]))


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
