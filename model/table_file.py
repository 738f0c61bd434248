"""A table into a file: whole or not at all, in the format that the file's name says."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd

from model.errors import Mendable

FORMATS: Final = (".parquet", ".csv", ".csv.gz")


class TableNotWritten(Mendable):
    """A table cannot be written to the file named."""


def format_mistake(path: Path) -> str | None:
    """What is wrong with the file's name, as a phrase; None if it says one of `FORMATS`."""
    if path.name.lower().endswith(FORMATS):
        return None
    return f"file name {path.name!r} (ends in none of {', '.join(FORMATS)})"


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Writes the columns, without the index; the same table gives the same bytes.

    A file of that name is replaced at the end and in one step: a reader sees the old one or the new one, and what
    fails or is interrupted leaves the old one. Times in CSV are RFC 3339 in UTC.

    Args:
        table: The rows.
        path: Ends in one of `FORMATS`.

    Raises:
        TableNotWritten: The name says no known format, or the system refuses the file.
    """
    if mistake := format_mistake(path):
        raise TableNotWritten(f"cannot write {mistake}", remedy="name a file with one of these endings")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            _write(table, file, path.name.lower())
        partial.replace(path)
    except OSError as refusal:
        raise TableNotWritten(
            f"cannot write '{path}' ({refusal.strerror or refusal})",
            remedy="name a file in a directory that exists, can be written to and has room",
        ) from refusal
    finally:
        partial.unlink(missing_ok=True)


def _write(table: pd.DataFrame, file: BinaryIO, name: str) -> None:
    if name.endswith(".parquet"):
        table.to_parquet(file, index=False)
    elif name.endswith(".csv"):
        _write_csv(table, file)
    else:
        # Neither the time nor the name of the passing file belongs into the archive.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
            _write_csv(table, packed)


def _write_csv(table: pd.DataFrame, file: BinaryIO | gzip.GzipFile) -> None:
    in_utc = {str(name): times.dt.tz_convert("UTC") for name, times in table.select_dtypes("datetimetz").items()}
    table.assign(**in_utc).to_csv(file, index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%S.%fZ")
