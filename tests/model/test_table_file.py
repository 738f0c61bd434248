from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from model.table_file import FORMATS, TableNotWritten, format_mistake, write_table

TABLE = pd.DataFrame(
    {
        "id": ["a", "b"],
        "time": pd.DatetimeIndex(
            [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC)]
        ),
        "value": [0.1, 1 / 3],
    }
)


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, parse_dates=["time"])


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_reads_back_to_the_last_bit(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"table{ending}"
    write_table(TABLE, path)
    pd.testing.assert_frame_equal(read(path), TABLE, check_exact=True)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    write_table(TABLE, tmp_path / f"one{ending}")
    write_table(TABLE, tmp_path / f"two{ending}")
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()


def test_an_archive_says_neither_when_nor_as_what_it_was_written(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "table.csv.gz")
    flags_and_time = (tmp_path / "table.csv.gz").read_bytes()[3:8]  # RFC 1952, section 2.3
    assert flags_and_time == bytes(5)


def test_times_in_csv_are_rfc_3339(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "table.CSV.GZ")
    lines = gzip.decompress((tmp_path / "table.CSV.GZ").read_bytes()).decode().split("\n")
    assert lines[1] == "a,2026-01-02T03:04:05.000000Z,0.1"


def test_a_file_is_replaced_and_keeps_the_usual_permissions(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    usual = path.stat().st_mode
    write_table(TABLE, path)
    assert path.read_text().startswith("id,time,value\n")
    assert path.stat().st_mode == usual


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("old")
    unwritable = pd.DataFrame({"mixed": ["text", 1, object()]})
    with pytest.raises(Exception, match="object"):
        write_table(unwritable, path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TableNotWritten, match=r"'table\.tsv' \(ends in none of \.parquet, \.csv, \.csv\.gz\)"):
        write_table(TABLE, tmp_path / "table.tsv")
    assert format_mistake(tmp_path / "table.csv") is None


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableNotWritten, match=r"absent/table\.csv' \(No such file or directory\)"):
        write_table(TABLE, tmp_path / "absent" / "table.csv")


def test_a_directory_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(TableNotWritten, match=r"table\.csv' \(Is a directory\)"):
        write_table(TABLE, tmp_path / "table.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
