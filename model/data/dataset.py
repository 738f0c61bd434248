"""A file of transactions as arrays: CSV or Parquet in, numbers, times and labels out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.data.columns import texts
from model.data.data_file import ColumnsAbsent, read_batches
from model.data.row_checks import Incomplete, RowChecks, measured_columns
from model.data.row_sampling import RowLottery
from model.measuring.assessment import Sampling
from model.profile import Profile

# Held at once, by the rows to keep: beyond it those that no longer belong to them go.
_HELD_AT_ONCE: Final = 1.25


@dataclass(frozen=True)
class Found:
    """What reading met that is worth a word.

    Attributes:
        rows: In the file, those left out included.
        without_time: Rows left out because they have no usable time.
        without_label: Rows left out because they have a time but no label.
        missing: Cells of the file without a number, by input, where there are any; `unparsable` ones included.
        unparsable: Cells of the file of which no number could be made, by input or amount column, where there are any.
        sampling: Where only some of the legitimate rows were kept.
    """

    rows: int = 0
    without_time: int = 0
    without_label: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    unparsable: Mapping[str, int] = field(default_factory=dict)
    sampling: Sampling | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Transactions in the order of their file.

    Attributes:
        rows: int64[n], their numbers in the file, from 0.
        times: int64[n], epoch milliseconds UTC.
        labels: int8[n], 1 is fraud; None where none were asked for.
        amounts: float64[n], NaN where missing; None without such a column.
        accounts: int32[n], places in `account_names`, -1 where missing; None without such a column.
        account_names: Each once; empty without such a column.
        segments: Read with the labels; None without such a column.
        inputs: float64[n, d], C-contiguous, finite or NaN (missing), columns as the profile orders them.
        weights: float64[n], how many rows of the file each stands for: 1.0, but more for the legitimate rows of a
            sampled file.
        names: What the id column says, None where it is empty; None without such a column.
        found: What reading met.
    """

    rows: NDArray[np.int64]
    times: NDArray[np.int64]
    labels: NDArray[np.int8] | None
    amounts: NDArray[np.float64] | None
    accounts: NDArray[np.int32] | None
    account_names: list[str]
    segments: list[str | None] | None
    inputs: NDArray[np.float64]
    weights: NDArray[np.float64]
    names: list[str | None] | None
    found: Found = field(default_factory=Found)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def ids(self) -> list[str]:
        """What the id column says; without one, or where it is empty, the row's number in the file.

        Made anew at each call.
        """
        numbers = self.rows.tolist()
        if self.names is None:
            return [str(row) for row in numbers]
        return [str(row) if name is None else name for row, name in zip(numbers, self.names, strict=True)]

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """These rows only, in this order: int64[m] indices."""
        return replace(
            self,
            rows=self.rows[rows],
            times=self.times[rows],
            labels=None if self.labels is None else self.labels[rows],
            amounts=None if self.amounts is None else self.amounts[rows],
            accounts=None if self.accounts is None else self.accounts[rows],
            segments=None if self.segments is None else [self.segments[row] for row in rows.tolist()],
            inputs=self.inputs[rows],
            weights=self.weights[rows],
            names=None if self.names is None else [self.names[row] for row in rows.tolist()],
        )


def read_dataset(
    path: Path,
    profile: Profile,
    *,
    need_labels: bool,
    incomplete: Incomplete = "refuse",
    most_rows: int | None = None,
    seed: int = 0,
) -> Dataset:
    """The transactions in a .csv, .csv.gz or .parquet file.

    Numbers are the nearest doubles to what the file says, bit for bit. The file is read once, piece by piece; memory
    is taken for the rows that are kept. Every row of it is checked and counted, also where not all are kept.

    Args:
        path: The file.
        profile: Which column is what.
        need_labels: Whether the columns of labels and segments are read; without them, the file may lack both.
        incomplete: What becomes of rows without a usable time or, where needed, label.
        most_rows: Of a file with more rows, keep every fraud and so many legitimate ones, drawn by lot, that this is
            their number in all; where frauds alone are that many or nearly so, a tenth of it is legitimate still.
            Without labels, all the rows count as legitimate. From 1 on; None keeps all.
        seed: Of the draw. The same seed and file give the same rows.

    Raises:
        Mendable: The file cannot be read (see `model.data.data_file`), or as `dataset_from_frame`.
    """
    columns = _columns(profile, need_labels=need_labels)
    as_text = {profile.id, profile.account, profile.segment, *([] if profile.time.unit else [profile.time.column])}
    batches = read_batches(path, columns, texts=[name for name in columns if name in as_text])
    checks = RowChecks(profile, source=f"data file '{path}'", incomplete=incomplete)
    lottery = None if most_rows is None else RowLottery(most_rows, seed=seed)
    return _gathered(batches, checks, profile, need_labels=need_labels, lottery=lottery)


def dataset_from_frame(
    frame: pd.DataFrame, profile: Profile, *, need_labels: bool, source: str, incomplete: Incomplete = "refuse"
) -> Dataset:
    """The transactions in a table.

    Args:
        frame: Columns of any kind; what is no number in a column of numbers is missing, and counted.
        profile: Which column is what.
        need_labels: Whether there must be labels, and segments where the profile names their column.
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
    checks = RowChecks(profile, source=source, incomplete=incomplete)
    return _gathered([frame], checks, profile, need_labels=need_labels, lottery=None)


def _columns(profile: Profile, *, need_labels: bool) -> list[str]:
    named = [profile.id, profile.time.column, profile.account, *measured_columns(profile)]
    wanted = [*named, profile.label, profile.segment] if need_labels else named
    return list(dict.fromkeys(name for name in wanted if name is not None))


# Rows on their way into a dataset: an array for each of its fields, texts as object arrays; "draws" of the lottery.
_Rows = dict[str, NDArray[Any]]


def _gathered(
    batches: Iterable[pd.DataFrame],
    checks: RowChecks,
    profile: Profile,
    *,
    need_labels: bool,
    lottery: RowLottery | None,
) -> Dataset:
    """All the rows, or those that win."""
    held: list[_Rows] = []
    for frame in batches:
        held.append(_rows_of(frame, checks, profile, need_labels=need_labels, lottery=lottery))
        if lottery is not None and _count(held) > _HELD_AT_ONCE * (lottery.frauds + lottery.room):
            held = [_winners(held, lottery)]
    checks.require_sound()
    rows = _joined(held) if lottery is None else _winners(held, lottery)
    weights, sampling = _weighed(rows["labels"], checks.rows, lottery)
    accounts, account_names = _coded(rows["accounts"]) if profile.account is not None else (None, [])
    return Dataset(
        rows=rows["rows"],
        times=rows["times"],
        labels=rows["labels"] if need_labels else None,
        amounts=None if profile.amount is None else rows["amounts"],
        accounts=accounts,
        account_names=account_names,
        segments=rows["segments"].tolist() if need_labels and profile.segment is not None else None,
        inputs=rows["inputs"],
        weights=weights,
        names=None if profile.id is None else rows["names"].tolist(),
        found=Found(
            rows=checks.rows,
            without_time=checks.without_time,
            without_label=checks.without_label,
            missing={name: checks.missing[name] for name in profile.inputs if name in checks.missing},
            unparsable=checks.unparsable,
            sampling=sampling,
        ),
    )


def _rows_of(
    frame: pd.DataFrame, checks: RowChecks, profile: Profile, *, need_labels: bool, lottery: RowLottery | None
) -> _Rows:
    """The rows of a piece that may be kept; all of it is checked."""
    first = checks.rows
    when = checks.moments(frame[profile.time.column])
    labels, labelled = np.zeros(len(frame), np.int8), np.ones(len(frame), np.bool_)
    if need_labels:
        labels, labelled = checks.labels(frame[profile.label])
    measured = {name: checks.numbers(frame[name], name) for name in measured_columns(profile)}
    checks.next(when.usable, labelled)

    complete = when.usable & labelled
    draws = np.zeros(len(frame)) if lottery is None else lottery.draw(labels == 1, complete)
    kept = np.flatnonzero(complete & ~np.isnan(draws))
    kept_frame = frame.iloc[kept]
    rows: _Rows = {
        "rows": first + kept,
        "times": when.epoch_ms[kept],
        "labels": labels[kept],
        "inputs": np.column_stack([measured[name][kept] for name in profile.inputs]),
        "draws": draws[kept],
    }
    if profile.amount is not None:
        rows["amounts"] = measured[profile.amount][kept]
    named = {"names": profile.id, "accounts": profile.account, "segments": profile.segment if need_labels else None}
    return rows | {key: _text_array(kept_frame[column]) for key, column in named.items() if column is not None}


def _text_array(column: pd.Series[Any]) -> NDArray[np.object_]:
    # Filled, since an array of empty texts would have no kind.
    array = np.empty(len(column), dtype=np.object_)
    array[:] = texts(column)
    return array


def _winners(held: list[_Rows], lottery: RowLottery) -> _Rows:
    rows = _joined(held)
    kept = lottery.keep(rows["draws"], rows["labels"] == 1)
    return rows if kept.all() else {key: values[kept] for key, values in rows.items()}


def _joined(held: list[_Rows]) -> _Rows:
    return held[0] if len(held) == 1 else {key: np.concatenate([rows[key] for rows in held]) for key in held[0]}


def _count(held: list[_Rows]) -> int:
    return sum(len(rows["rows"]) for rows in held)


def _weighed(
    labels: NDArray[np.int8], rows_in_file: int, lottery: RowLottery | None
) -> tuple[NDArray[np.float64], Sampling | None]:
    """What the rows stand for, and how they were drawn where they were."""
    weights = np.ones(len(labels))
    kept = int((labels == 0).sum())
    if lottery is None or kept == lottery.legitimate:
        return weights, None
    share = kept / lottery.legitimate
    weights[labels == 0] = 1 / share
    return weights, Sampling(rows_in_file=rows_in_file, legitimate_kept=share)


def _coded(names: NDArray[np.object_]) -> tuple[NDArray[np.int32], list[str]]:
    codes, distinct = pd.factorize(names)
    return codes.astype(np.int32), distinct.tolist()
