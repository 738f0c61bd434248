"""A file of transactions as arrays: CSV or Parquet in, numbers, times and labels out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.columns import Numbers, moments, numbers, texts
from model.data_file import ColumnsAbsent, read_columns
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


@dataclass(frozen=True)
class Found:
    """What reading met that is worth a word.

    Attributes:
        rows: In the file, those left out included.
        without_time: Rows left out because they have no usable time.
        without_label: Rows left out because they have a time but no label.
        missing: Cells without a number, by input, where there are any; `unparsable` ones included.
        unparsable: Cells of which no number could be made, by input or amount column, where there are any.
    """

    rows: int = 0
    without_time: int = 0
    without_label: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    unparsable: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Transactions in the order of their file.

    Attributes:
        ids: What the id column says; without one, or where it is empty, the row's number in the file, from 0.
        times: int64[n], epoch milliseconds UTC.
        labels: int8[n], 1 is fraud; None where none were asked for.
        amounts: float64[n], NaN where missing; None without such a column.
        accounts: None without such a column.
        inputs: float64[n, d], C-contiguous, finite or NaN (missing), columns as the profile orders them.
        found: What reading met.
    """

    ids: list[str]
    times: NDArray[np.int64]
    labels: NDArray[np.int8] | None
    amounts: NDArray[np.float64] | None
    accounts: list[str | None] | None
    inputs: NDArray[np.float64]
    found: Found = field(default_factory=Found)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """These rows only, in this order: int64[m] indices."""
        return replace(
            self,
            ids=[self.ids[row] for row in rows],
            times=self.times[rows],
            labels=None if self.labels is None else self.labels[rows],
            amounts=None if self.amounts is None else self.amounts[rows],
            accounts=None if self.accounts is None else [self.accounts[row] for row in rows],
            inputs=self.inputs[rows],
        )


def read_dataset(path: Path, profile: Profile, *, need_labels: bool, incomplete: Incomplete = "refuse") -> Dataset:
    """The transactions in a .csv, .csv.gz or .parquet file.

    Numbers are the nearest doubles to what the file says, bit for bit.

    Args:
        path: The file.
        profile: Which column is what.
        need_labels: Whether the label column is read; without it, the file may lack it.
        incomplete: What becomes of rows without a usable time or, where needed, label.

    Raises:
        Mendable: The file cannot be read (see `model.data_file`), or as `dataset_from_frame`.
    """
    as_text = {profile.id, profile.account, *([] if profile.time.unit else [profile.time.column])} - {None}
    columns = _columns(profile, need_labels=need_labels)
    frame = read_columns(path, columns, texts=[name for name in columns if name in as_text])
    return dataset_from_frame(
        frame, profile, need_labels=need_labels, source=f"data file '{path}'", incomplete=incomplete
    )


def dataset_from_frame(
    frame: pd.DataFrame, profile: Profile, *, need_labels: bool, source: str, incomplete: Incomplete = "refuse"
) -> Dataset:
    """The transactions in a table.

    Args:
        frame: Columns of any kind; what is no number in a column of numbers is missing, and counted.
        profile: Which column is what.
        need_labels: Whether there must be labels.
        source: Names the table in errors.
        incomplete: What becomes of rows without a usable time or, where needed, label.

    Raises:
        ColumnsAbsent: Names all the columns that are not there.
        TimeKindWrong: The time column holds something else than the profile says.
        RowIncomplete: A row has no usable time or label and is not to be left out; or none has one.
        LabelInvalid: A label is neither 0 nor 1.
        NumberInfinite: An amount or an input is infinite.
        ColumnUnusable: No cell of an input or amount column is a number.
    """
    if absent := [name for name in _columns(profile, need_labels=need_labels) if name not in frame.columns]:
        raise ColumnsAbsent(absent, source=source)
    when = moments(frame[profile.time.column], profile.time)
    labels, labelled = _labels(frame[profile.label], source) if need_labels else (None, np.ones(len(frame), np.bool_))
    time_format = (
        f"numbers of {profile.time.unit!r}" if profile.time.unit else "timestamps as in RFC 3339, from 1970 on"
    )
    _require_usable(when.usable, f"time in column {profile.time.column!r}", time_format, source, incomplete)
    _require_usable(labelled, f"label in column {profile.label!r}", "1 (fraud) and 0 (legitimate)", source, incomplete)

    measured = {name: numbers(frame[name]) for name in _measured(profile)}
    for name, found in measured.items():
        _require_numbers(found, name, source)
    everything = Dataset(
        ids=_ids(frame, profile),
        times=when.epoch_ms,
        labels=labels,
        amounts=None if profile.amount is None else measured[profile.amount].values,
        accounts=None if profile.account is None else texts(frame[profile.account]),
        inputs=np.ascontiguousarray(np.column_stack([measured[name].values for name in profile.inputs])),
        found=Found(
            rows=len(frame),
            without_time=int((~when.usable).sum()),
            without_label=int((when.usable & ~labelled).sum()),
            missing=_counts({name: np.isnan(measured[name].values) for name in profile.inputs}),
            unparsable=_counts({name: found.unparsable for name, found in measured.items()}),
        ),
    )
    complete = when.usable & labelled
    return everything if complete.all() else everything.take(np.flatnonzero(complete))


def _columns(profile: Profile, *, need_labels: bool) -> list[str]:
    named = [profile.id, profile.time.column, profile.account, *_measured(profile)]
    wanted = [*named, profile.label] if need_labels else named
    return list(dict.fromkeys(name for name in wanted if name is not None))


def _measured(profile: Profile) -> list[str]:
    """The columns of numbers: the inputs, and the amount where it is none."""
    return list(dict.fromkeys([*profile.inputs, *([] if profile.amount is None else [profile.amount])]))


def _ids(frame: pd.DataFrame, profile: Profile) -> list[str]:
    if profile.id is None:
        return [str(row) for row in range(len(frame))]
    return [str(row) if text is None else text for row, text in enumerate(texts(frame[profile.id]))]


def _labels(column: pd.Series[Any], source: str) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """int8[n], 0 where there is none, and bool[n], whether there is one."""
    found = numbers(column)
    labelled = ~np.isnan(found.values)
    wrong = found.unparsable | (labelled & ~np.isin(found.values, (0.0, 1.0)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise LabelInvalid(
            f"{source} has label {_shown(column.iloc[row])} in column {column.name!r}, row {row} (from 0)",
            remedy="labels are 1 (fraud) and 0 (legitimate)",
        )
    return np.where(labelled, found.values, 0.0).astype(np.int8), labelled


def _require_usable(usable: NDArray[np.bool_], what: str, expected: str, source: str, incomplete: Incomplete) -> None:
    lacking = int((~usable).sum())
    if lacking == 0 or (incomplete == "leave out" and lacking < len(usable)):
        return
    first = int(np.argmin(usable))
    raise RowIncomplete(
        f"{source} has no usable {what} in {lacking} of {len(usable)} rows, the first of them {first} (from 0)",
        remedy=f"correct or remove these rows; expected are {expected}",
    )


def _require_numbers(column: Numbers, name: str, source: str) -> None:
    infinite = np.isinf(column.values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise NumberInfinite(
            f"{source} has {column.values[row]} in column {name!r}, row {row} (from 0)",
            remedy="give a finite number, or leave the cell empty where it is not known",
        )
    if column.unparsable.any() and np.isnan(column.values).all():
        raise ColumnUnusable(
            f"{source} has no number in column {name!r}, but {int(column.unparsable.sum())} other values",
            remedy="inputs and amounts are numbers: name another column in the profile, or encode this one",
        )


def _counts(cells: Mapping[str, NDArray[np.bool_]]) -> dict[str, int]:
    """How many are true, by name, where any is."""
    return {name: int(which.sum()) for name, which in cells.items() if which.any()}


def _shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
