"""What a file may hold, and what becomes of it."""

from __future__ import annotations

import gzip
import struct
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from model.data.columns import TimeKindWrong
from model.data.data_file import ColumnsAbsent, DataEmpty, DataMissing, DataUnreadable
from model.data.dataset import Dataset, dataset_from_frame, read_dataset
from model.data.row_checks import ColumnUnusable, LabelInvalid, NumberInfinite, RowIncomplete
from model.errors import Mendable
from model.profile import Profile, TimeColumn
from tests.harness.labelled import PROFILE, labelled_frame

HEADER = "id,at,account,amount,risk,noise,fraud\n"
ROW = "t1,2026-01-01T00:00:00Z,7,1.5,0.25,-3,0\n"


def read_text(text: str | bytes, directory: Path, *, need_labels: bool = True) -> Dataset:
    file = directory / "data.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_dataset(file, PROFILE, need_labels=need_labels)


def accounts_of(dataset: Dataset) -> list[str | None]:
    assert dataset.accounts is not None
    assert dataset.accounts.dtype == np.int32
    return [None if code < 0 else dataset.account_names[code] for code in dataset.accounts.tolist()]


def row(**cells: str) -> str:
    named = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True))
    return ",".join((named | cells).values()) + "\n"


def refusal_of(text: str | bytes, directory: Path) -> Mendable:
    with pytest.raises(Mendable) as refusal:
        read_text(text, directory)
    return refusal.value


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".CSV", ".parquet"])
def test_every_format_gives_the_same_dataset(ending: str, tmp_path: Path) -> None:
    frame = labelled_frame(200)
    frame.loc[[3, 5], "risk"] = np.nan
    file = tmp_path / f"data{ending}"
    if ending == ".parquet":
        frame.to_parquet(file)
    else:
        frame.to_csv(file, index=False, compression="gzip" if ending.endswith(".gz") else None)

    dataset = read_dataset(file, PROFILE, need_labels=True)

    assert dataset.labels is not None
    assert dataset.amounts is not None
    assert dataset.ids == frame["id"].tolist()
    assert accounts_of(dataset) == frame["account"].astype(str).tolist()
    np.testing.assert_array_equal(dataset.times, frame["at"].dt.as_unit("ms").astype("int64"))
    np.testing.assert_array_equal(dataset.labels, frame["fraud"])
    np.testing.assert_array_equal(dataset.amounts, frame["amount"])
    np.testing.assert_array_equal(dataset.inputs, frame[["amount", "risk", "noise"]])
    assert [str(array.dtype) for array in (dataset.labels, dataset.inputs, dataset.times)] == [
        "int8",
        "float64",
        "int64",
    ]
    assert dataset.inputs.flags.c_contiguous
    assert (dataset.found.rows, dataset.found.missing) == (200, {"risk": 2})


def test_numbers_in_csv_are_read_bit_for_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(3).integers(0, 2**64, 20_000, dtype=np.uint64).tolist()
    values = [value for value in (struct.unpack("<d", struct.pack("<Q", one))[0] for one in bits) if np.isfinite(value)]
    text = HEADER + "".join(row(risk=repr(value)) for value in values)

    read = read_text(text, tmp_path).inputs[:, 1]

    assert read.tobytes() == np.array(values).tobytes()


def test_numbers_among_other_text_are_read_bit_for_bit_too(tmp_path: Path) -> None:
    values = np.random.default_rng(3).standard_normal(1_000) * 1e17
    text = HEADER + row(risk="unknown") + "".join(row(risk=repr(value)) for value in values.tolist())

    dataset = read_text(text, tmp_path)

    assert dataset.inputs[1:, 1].tobytes() == values.tobytes()
    assert dataset.found.unparsable == {"risk": 1}
    assert dataset.found.missing == {"risk": 1}


def test_without_an_id_column_rows_are_numbered_in_the_file(tmp_path: Path) -> None:
    unnamed = msgspec.structs.replace(PROFILE, id=None)
    frame = labelled_frame(5)
    frame.loc[1, "at"] = pd.NaT

    dataset = dataset_from_frame(frame, unnamed, need_labels=True, source="table", incomplete="leave out")

    assert dataset.ids == ["0", "2", "3", "4"]
    assert (dataset.found.rows, dataset.found.without_time, dataset.found.without_label) == (5, 1, 0)


def test_an_empty_id_is_the_rows_number_in_the_file() -> None:
    dataset = dataset_from_frame(
        labelled_frame(4).assign(id=pd.Series(["a", None, "", "d"])), PROFILE, need_labels=True, source="t"
    )

    assert dataset.ids == ["a", "1", "2", "d"]
    assert dataset.take(np.array([3, 1])).ids == ["d", "1"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("dtype", ["int64", "Int32", "float64"])
def test_counted_times_are_not_taken_for_years(dtype: str, ending: str, tmp_path: Path) -> None:
    frame = labelled_frame(100).assign(at=range(1970, 2070)).astype({"at": dtype})
    if dtype == "Int32":
        frame.loc[3, "at"] = pd.NA
    file = tmp_path / f"data{ending}"
    if ending == ".parquet":
        frame.to_parquet(file)
    else:
        frame.to_csv(file, index=False)

    with pytest.raises(TimeKindWrong, match=r"'at' holds numbers.*unit and origin"):
        read_dataset(file, PROFILE, need_labels=True, incomplete="leave out")

    seconds = TimeColumn(column="at", unit="s", origin=datetime(2013, 9, 1, tzinfo=UTC))
    counted = msgspec.structs.replace(PROFILE, time=seconds)
    assert len(read_dataset(file, counted, need_labels=True, incomplete="leave out")) == 100 - (dtype == "Int32")


@pytest.mark.parametrize("account", ["007", "4111111111111111", "a b", "1e5", "NA"])
def test_accounts_keep_every_digit(account: str, tmp_path: Path) -> None:
    assert accounts_of(read_text(HEADER + row(account=account) + row(account=""), tmp_path)) == [account, None]


def test_accounts_in_parquet_with_gaps_stay_whole_numbers(tmp_path: Path) -> None:
    frame = labelled_frame(3).assign(account=pd.array([9_007_199_254_740_993, None, 5], dtype="Int64"))
    frame.to_parquet(tmp_path / "data.parquet")

    dataset = read_dataset(tmp_path / "data.parquet", PROFILE, need_labels=False)

    assert accounts_of(dataset) == ["9007199254740993", None, "5"]


def test_labels_that_are_not_needed_may_be_absent(tmp_path: Path) -> None:
    text = "id,at,account,amount,risk,noise\n" + ROW.rpartition(",")[0] + "\n"

    assert read_text(text, tmp_path, need_labels=False).labels is None


def test_segments_come_with_the_labels(tmp_path: Path) -> None:
    frame = labelled_frame(4).assign(country=pd.Series(["DE", "NA", None, "DE"]))
    frame.to_parquet(tmp_path / "data.parquet")
    segmented = msgspec.structs.replace(PROFILE, segment="country")

    dataset = read_dataset(tmp_path / "data.parquet", segmented, need_labels=True)

    assert dataset.segments == ["DE", "NA", None, "DE"]
    assert dataset.take(np.array([2, 1])).segments == [None, "NA"]
    assert read_dataset(tmp_path / "data.parquet", PROFILE, need_labels=True).segments is None
    labelled_frame(4).drop(columns="fraud").to_parquet(tmp_path / "live.parquet")
    assert read_dataset(tmp_path / "live.parquet", segmented, need_labels=False).segments is None


def test_every_row_of_a_whole_file_stands_for_itself() -> None:
    dataset = dataset_from_frame(labelled_frame(30), PROFILE, need_labels=True, source="table")

    assert dataset.weights.tolist() == [1.0] * 30
    assert dataset.take(np.arange(5)).weights.tolist() == [1.0] * 5
    assert dataset.found.sampling is None


def test_labels_may_be_truths_in_words(tmp_path: Path) -> None:
    dataset = read_text(HEADER + row(fraud="True") + row(fraud="False") + row(fraud="true"), tmp_path)

    assert dataset.labels is not None
    assert dataset.labels.tolist() == [1, 0, 1]


def test_a_cell_that_says_nothing_is_missing_whatever_else_is_in_its_column(tmp_path: Path) -> None:
    dataset = read_text(HEADER + row(risk="NA") + row(risk="null") + row(risk="high") + row(risk="1"), tmp_path)

    assert dataset.found.missing == {"risk": 3}
    assert dataset.found.unparsable == {"risk": 1}


def test_columns_may_stand_in_any_order_among_others_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    text = '\ufefffraud,noise,more,risk,amount,account,at,id\n1,3,"a\nb, c",2,1,9,2026-01-01,t9\n'

    dataset = read_text(text, tmp_path)

    assert dataset.inputs.tolist() == [[1.0, 2.0, 3.0]]
    assert dataset.ids == ["t9"]


def test_rows_without_time_or_label_are_left_out_and_counted_where_that_is_wanted() -> None:
    frame = labelled_frame(6).astype({"fraud": "object"})
    frame.loc[[0, 1], "at"] = pd.NaT
    frame.loc[[1, 2], "fraud"] = None

    dataset = dataset_from_frame(frame, PROFILE, need_labels=True, source="table", incomplete="leave out")

    assert dataset.ids == ["t3", "t4", "t5"]
    assert (dataset.found.rows, dataset.found.without_time, dataset.found.without_label) == (6, 2, 1)
    assert len(dataset.inputs) == len(dataset.times) == 3


@pytest.mark.parametrize(
    ("cells", "error", "said"),
    [
        ({"at": ""}, RowIncomplete, ["'at'", "1 of 2 rows", "first of them 1"]),
        ({"at": "soon"}, RowIncomplete, ["'at'", "1 of 2 rows"]),
        ({"fraud": ""}, RowIncomplete, ["'fraud'", "1 of 2 rows"]),
        ({"fraud": "2"}, LabelInvalid, ["2", "'fraud'", "row 1"]),
        ({"fraud": "0.5"}, LabelInvalid, ["0.5", "'fraud'", "row 1"]),
        ({"fraud": "yes"}, LabelInvalid, ["'yes'", "row 1"]),
        ({"fraud": "4111111111111111"}, LabelInvalid, ["row 1"]),
        ({"amount": "inf"}, NumberInfinite, ["inf", "'amount'", "row 1"]),
        ({"amount": "-Infinity"}, NumberInfinite, ["-inf", "'amount'", "row 1"]),
        ({"risk": "1e400"}, NumberInfinite, ["inf", "'risk'", "row 1"]),
    ],
)
def test_a_bad_cell_is_named_with_its_column_row_and_value(
    cells: dict[str, str], error: type[Mendable], said: list[str], tmp_path: Path
) -> None:
    refusal = refusal_of(HEADER + ROW + row(**cells), tmp_path)

    assert isinstance(refusal, error)
    assert all(one in str(refusal) for one in ("data.csv", *said)), refusal
    assert "41111111" not in str(refusal)


def test_a_column_in_which_nothing_is_a_number_is_refused(tmp_path: Path) -> None:
    refusal = refusal_of(HEADER + row(risk="high") + row(risk=""), tmp_path)

    assert isinstance(refusal, ColumnUnusable)
    assert "'risk'" in str(refusal)


def test_a_column_that_is_empty_throughout_is_missing(tmp_path: Path) -> None:
    dataset = read_text(HEADER + row(risk="") + row(risk="NA"), tmp_path)

    assert np.isnan(dataset.inputs[:, 1]).all()
    assert dataset.found.missing == {"risk": 2}


def test_all_absent_columns_are_named_at_once(tmp_path: Path) -> None:
    refusal = refusal_of("id,account,amount,risk\n1,2,3,4\n", tmp_path)

    assert isinstance(refusal, ColumnsAbsent)
    assert all(f"'{name}'" in str(refusal) for name in ("at", "noise", "fraud"))
    assert "'risk'" not in str(refusal)
    with pytest.raises(ColumnsAbsent, match="'fraud'"):
        dataset_from_frame(labelled_frame(3).drop(columns="fraud"), PROFILE, need_labels=True, source="table")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", DataEmpty),
        (HEADER, DataEmpty),
        ("\n\n", DataUnreadable),
        (HEADER + ROW + "4111111111111111,2\n", DataUnreadable),
        (HEADER + ROW.strip() + ",8\n", DataUnreadable),
        (HEADER + '"' + ROW, DataUnreadable),
        (HEADER.encode() + row(id="\xff").encode("latin-1"), DataUnreadable),
        (HEADER.strip() + ",risk\n" + ROW.strip() + ",8\n", DataUnreadable),
    ],
)
def test_a_file_that_is_empty_or_no_csv_is_refused(content: str | bytes, error: type[Mendable], tmp_path: Path) -> None:
    refusal = refusal_of(content, tmp_path)

    assert isinstance(refusal, error)
    assert "data.csv" in str(refusal)
    assert "4111111111111111" not in str(refusal)


def test_a_parquet_or_gzip_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    labelled_frame(200).to_parquet(tmp_path / "whole.parquet")
    whole_csv = gzip.compress(labelled_frame(200).to_csv(index=False).encode())
    cut = {"cut.parquet": (tmp_path / "whole.parquet").read_bytes()[:-50], "cut.csv.gz": whole_csv[:-500]}
    cut |= {"no.csv.gz": b"id,at\n", "no.parquet": b"id,at\n"}

    for name, content in cut.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataUnreadable, match=name):
            read_dataset(tmp_path / name, PROFILE, need_labels=True)


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    labelled_frame(0).to_parquet(tmp_path / "none.parquet")

    with pytest.raises(DataEmpty, match=r"none\.parquet"):
        read_dataset(tmp_path / "none.parquet", PROFILE, need_labels=True)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "data.xlsx").write_bytes(b"PK")

    with pytest.raises(DataMissing, match=r"none\.csv"):
        read_dataset(tmp_path / "none.csv", PROFILE, need_labels=True)
    with pytest.raises(DataUnreadable, match=r"folder\.csv"):
        read_dataset(tmp_path / "folder.csv", PROFILE, need_labels=True)
    with pytest.raises(DataUnreadable, match=r"\.csv, \.csv\.gz, \.parquet"):
        read_dataset(tmp_path / "data.xlsx", PROFILE, need_labels=True)


def test_parquet_columns_of_narrow_kinds_are_widened_exactly(tmp_path: Path) -> None:
    profile = Profile(name="narrow", label="y", time=TimeColumn(column="at"), inputs=("f", "i", "b"))
    source = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=50, freq="s"),
            "f": source.standard_normal(50).astype(np.float32),
            "i": source.integers(-100, 100, 50).astype(np.int8),
            "b": source.random(50) < 0.5,
            "y": source.random(50) < 0.5,
        }
    )
    frame.to_parquet(tmp_path / "data.parquet")

    dataset = read_dataset(tmp_path / "data.parquet", profile, need_labels=True)

    assert dataset.labels is not None
    np.testing.assert_array_equal(dataset.inputs, frame[["f", "i", "b"]].astype(np.float64))
    np.testing.assert_array_equal(dataset.labels, frame["y"])


def test_a_table_whose_index_is_a_column_in_parquet_is_read(tmp_path: Path) -> None:
    labelled_frame(4).set_index("at").to_parquet(tmp_path / "data.parquet")

    assert len(read_dataset(tmp_path / "data.parquet", PROFILE, need_labels=True)) == 4
