"""A data file as tables of the columns asked for: CSV, also gzipped, and Parquet.

Apache Arrow reads both, piece by piece: a file may be larger than memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from model.errors import Mendable

FORMATS: Final = (".csv", ".csv.gz", ".parquet")

_BATCH_ROWS: Final = 65_536
_BUFFER_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 22  # of CSV at once; no row is longer
# What people and programs write into a cell of CSV to say that nothing is in it.
_NOTHING: Final = pa.array(pyarrow.csv.ConvertOptions().null_values)


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
    """Reads some columns of a file as one table; else as `read_batches`."""
    batches = list(_arrow_batches(path, columns, texts))
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas(ignore_metadata=True)
    return frame


def read_batches(path: Path, columns: Collection[str], *, texts: Collection[str]) -> Iterator[pd.DataFrame]:
    """Reads some columns of a file piece by piece, in a memory that does not depend on the file's length.

    Args:
        path: Ends in one of `FORMATS`.
        columns: What to read; the others are left.
        texts: Which of them to read as text, digit for digit ("007" stays "007", 123 becomes "123").

    Yields:
        One row for each row of the file, in its order, one at least in all. Of CSV every cell is a text; but of the
        columns that are not among `texts`, cells that say "nothing" ("", "NA", "null") are missing.

    Raises:
        DataMissing: There is no such file.
        DataUnreadable: It cannot be read as what its name says.
        DataEmpty: It has no rows.
        ColumnsAbsent: It lacks some of `columns`.
    """
    for batch in _arrow_batches(path, columns, texts):
        yield batch.to_pandas(ignore_metadata=True, split_blocks=True)


def _arrow_batches(path: Path, columns: Collection[str], texts: Collection[str]) -> Iterator[Any]:
    _require_readable(path)
    rows = 0
    try:
        parquet = _ends_in(path, ".parquet")
        for batch in _parquet_batches(path, columns, texts) if parquet else _csv_batches(path, columns, texts):
            rows += batch.num_rows
            if batch.num_rows:
                yield batch
    # Arrow's own words may quote a row, which may hold a card's number: they are not passed on.
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, zlib.error) as refusal:
        raise DataUnreadable(
            f"data file '{path}' cannot be read as {'Parquet' if _ends_in(path, '.parquet') else 'CSV'}",
            remedy="give a whole Parquet file, or CSV in UTF-8 with commas and equally many fields in each row",
        ) from refusal
    if rows == 0:
        raise DataEmpty(f"data file '{path}' has no rows", remedy="give a file with transactions")


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


def _parquet_batches(path: Path, columns: Collection[str], texts: Collection[str]) -> Iterator[Any]:
    # With a buffer, a row group is not fetched as a whole: some files consist of a single one.
    with pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
        _require_columns(file.schema_arrow.names, columns, path)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns)):
            yield _with_texts(batch, texts)


def _csv_batches(path: Path, columns: Collection[str], texts: Collection[str]) -> Iterator[Any]:
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    blocks = pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES)
    with _opened(path) as file:
        header = pyarrow.csv.open_csv(file, read_options=blocks, parse_options=parse).schema.names
    _require_columns(header, columns, path)
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns)
    )
    with _opened(path) as file:
        for batch in pyarrow.csv.open_csv(file, read_options=blocks, parse_options=parse, convert_options=convert):
            yield _with_gaps(batch, [name for name in columns if name not in texts])


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


def _with_texts(batch: Any, texts: Collection[str]) -> Any:
    """Whole numbers as texts before pandas sees them: with gaps among them it would make them fractions."""
    for name in texts:
        if pa.types.is_integer(batch.schema.field(name).type):
            batch = batch.set_column(batch.schema.names.index(name), name, batch[name].cast(pa.string()))
    return batch


def _with_gaps(batch: Any, columns: Collection[str]) -> Any:
    """Nothing where a text says "nothing"."""
    for name in columns:
        cells = batch[name]
        present = pc.if_else(pc.is_in(cells, value_set=_NOTHING), None, cells)
        batch = batch.set_column(batch.schema.names.index(name), name, present)
    return batch


def _ends_in(path: Path, *endings: str) -> bool:
    return path.name.lower().endswith(endings)
