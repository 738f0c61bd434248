"""A data file as a table of the columns asked for: CSV, also gzipped, and Parquet.

Apache Arrow reads both: its CSV numbers are the nearest doubles to their digits, whatever the row or the machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model.errors import Mendable

FORMATS: Final = (".csv", ".csv.gz", ".parquet")


class DataMissing(Mendable):
    """There is no such file."""


class DataUnreadable(Mendable):
    """A file whose content is not what its name says."""


class DataEmpty(Mendable):
    """A file without a row."""


class ColumnsAbsent(Mendable):
    """Columns that the profile names and the table lacks, all at once."""

    def __init__(self, absent: Sequence[str], *, source: str) -> None:
        names = ", ".join(repr(name) for name in absent)
        super().__init__(
            f"{source} has no column {names}",
            remedy="choose the profile that fits, or add the columns (the first line of a CSV file names them)",
        )


def read_columns(path: Path, columns: Collection[str], *, texts: Collection[str]) -> pd.DataFrame:
    """Reads some columns of a file.

    Args:
        path: Ends in one of `FORMATS`.
        columns: What to read; the others are left.
        texts: Which of them to read as text, digit for digit ("007" stays "007", 123 becomes "123").

    Returns:
        One row for each row of the file, in its order, one at least. Where a column's cells are not all of one
        kind (numbers, truths), they are texts.

    Raises:
        DataMissing: There is no such file.
        DataUnreadable: It cannot be read as what its name says.
        DataEmpty: It has no rows.
        ColumnsAbsent: It lacks some of `columns`.
    """
    _require_readable(path)
    try:
        table = _read_parquet(path, columns) if _ends_in(path, ".parquet") else _read_csv(path, columns, texts)
    # Arrow's own words may quote a row, which may hold a card's number: they are not passed on.
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, zlib.error) as refusal:
        raise DataUnreadable(
            f"data file '{path}' cannot be read as {'Parquet' if _ends_in(path, '.parquet') else 'CSV'}",
            remedy="give a whole Parquet file, or CSV in UTF-8 with commas and equally many fields in each row",
        ) from refusal
    if table.num_rows == 0:
        raise DataEmpty(f"data file '{path}' has no rows", remedy="give a file with transactions")
    frame: pd.DataFrame = _with_texts(table, texts).to_pandas(ignore_metadata=True)
    return frame


def _require_readable(path: Path) -> None:
    """Refuses, in words of their own, the mistakes that have nothing to do with the content."""
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except FileNotFoundError as missing:
        raise DataMissing(
            f"data file '{path}' does not exist", remedy="give the path of a CSV or Parquet file"
        ) from missing
    except OSError as refusal:
        raise DataUnreadable(
            f"data file '{path}' cannot be opened ({refusal.strerror})", remedy="give a file that can be read"
        ) from refusal
    if not _ends_in(path, *FORMATS):
        raise DataUnreadable(
            f"data file '{path}' has a name that ends in none of {', '.join(FORMATS)}",
            remedy="name the file after its format",
        )
    if not first:
        raise DataEmpty(f"data file '{path}' is empty", remedy="give a file with transactions")


def _read_parquet(path: Path, columns: Collection[str]) -> Any:
    file = pyarrow.parquet.ParquetFile(path)
    _require_columns(file.schema_arrow.names, columns, path)
    return file.read(columns=list(columns))


def _read_csv(path: Path, columns: Collection[str], texts: Collection[str]) -> Any:
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    with _opened(path) as file:
        header = pyarrow.csv.open_csv(file, parse_options=parse).schema.names
    _require_columns(header, columns, path)
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in texts}, include_columns=list(columns)
    )
    with _opened(path) as file:
        return pyarrow.csv.read_csv(file, parse_options=parse, convert_options=convert)


def _opened(path: Path) -> Any:
    return pa.input_stream(str(path), compression="gzip" if _ends_in(path, ".gz") else None)


def _require_columns(present: Sequence[str], wanted: Collection[str], path: Path) -> None:
    if absent := [name for name in wanted if name not in present]:
        raise ColumnsAbsent(absent, source=f"data file '{path}'")
    if twice := [name for name in wanted if present.count(name) > 1]:
        raise DataUnreadable(
            f"data file '{path}' has more than one column {', '.join(map(repr, twice))}",
            remedy="rename or remove all but one",
        )


def _with_texts(table: Any, texts: Collection[str]) -> Any:
    """Whole numbers as texts before pandas sees them: with gaps among them it would make them fractions."""
    for name in texts:
        if pa.types.is_integer(table.schema.field(name).type):
            table = table.set_column(table.schema.names.index(name), name, table[name].cast(pa.string()))
    return table


def _ends_in(path: Path, *endings: str) -> bool:
    return path.name.lower().endswith(endings)
