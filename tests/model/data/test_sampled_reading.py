"""Of a large file every fraud is kept and some of the rest, and the rest stand for all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from model.data.columns import TimeKindWrong
from model.data.dataset import Dataset, read_dataset
from model.data.row_checks import LabelInvalid, NumberInfinite, RowIncomplete
from model.data.row_sampling import RowLottery
from tests.harness.labelled import PROFILE, labelled_frame

ROWS = 70_000  # more than one piece of either format
MOST = 6_000
SEGMENTED = msgspec.structs.replace(PROFILE, segment="country")


def large_frame() -> pd.DataFrame:
    """With gaps everywhere, and in no order of time."""
    source = np.random.default_rng(4)
    frame = labelled_frame(ROWS, fraud_share=0.02).assign(country=source.choice(["DE", "FR", ""], ROWS))
    frame = frame.iloc[source.permutation(ROWS)].reset_index(drop=True)
    frame["account"] = frame["account"].astype("Int64").mask(source.random(ROWS) < 0.1)
    frame["fraud"] = frame["fraud"].astype("Int64").mask(source.random(ROWS) < 0.01)
    frame["at"] = frame["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").mask(source.random(ROWS) < 0.01)
    frame["risk"] = frame["risk"].mask(source.random(ROWS) < 0.05)
    return frame


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory, frame = tmp_path_factory.mktemp("large"), large_frame()
    frame.to_csv(directory / "large.csv", index=False)
    frame.to_parquet(directory / "large.parquet", row_group_size=9_999)
    return {ending: directory / f"large.{ending}" for ending in ("csv", "parquet")}


def read(file: Path, *, most_rows: int | None = None, seed: int = 0) -> Dataset:
    return read_dataset(file, SEGMENTED, need_labels=True, incomplete="leave out", most_rows=most_rows, seed=seed)


def assert_same_rows(one: Dataset, other: Dataset) -> None:
    for name in ("rows", "times", "labels", "amounts", "inputs"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.ids == other.ids
    assert one.segments == other.segments
    assert accounts_of(one) == accounts_of(other)


def accounts_of(dataset: Dataset) -> list[str | None]:
    assert dataset.accounts is not None
    return [None if code < 0 else dataset.account_names[code] for code in dataset.accounts.tolist()]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_sampled_reading_is_the_whole_reading_without_some_legitimate_rows(
    ending: str, files: dict[str, Path]
) -> None:
    whole, sampled = read(files[ending]), read(files[ending], most_rows=MOST)

    assert whole.labels is not None
    assert sampled.labels is not None
    assert len(sampled) == MOST
    assert_same_rows(sampled, whole.take(np.flatnonzero(np.isin(whole.rows, sampled.rows))))
    assert sampled.labels.sum() == whole.labels.sum() > 1_000
    for name in ("rows", "without_time", "without_label", "missing", "unparsable"):
        assert getattr(sampled.found, name) == getattr(whole.found, name)
    assert sampled.found.rows == ROWS


def test_the_rows_kept_stand_for_those_that_are_not(files: dict[str, Path]) -> None:
    whole, sampled = read(files["parquet"]), read(files["parquet"], most_rows=MOST)

    assert whole.labels is not None
    assert sampled.labels is not None
    assert sampled.found.sampling is not None
    assert sampled.found.sampling.rows_in_file == ROWS
    assert set(sampled.weights[sampled.labels == 1]) == {1.0}
    assert set(sampled.weights[sampled.labels == 0]) == {1 / sampled.found.sampling.legitimate_kept}
    assert sampled.weights.sum() == pytest.approx(len(whole))
    assert np.average(sampled.times, weights=sampled.weights) == pytest.approx(whole.times.mean(), rel=1e-4)
    legitimate_mean = np.nanmean(whole.inputs[whole.labels == 0, 1])
    assert np.nanmean(sampled.inputs[sampled.labels == 0, 1]) == pytest.approx(legitimate_mean, abs=0.06)


def test_who_is_kept_depends_on_the_seed_alone(files: dict[str, Path]) -> None:
    csv, parquet = read(files["csv"], most_rows=MOST, seed=3), read(files["parquet"], most_rows=MOST, seed=3)
    other = read(files["parquet"], most_rows=MOST, seed=4)

    assert_same_rows(csv, parquet)
    assert set(parquet.rows) != set(other.rows)


def test_a_file_with_no_more_rows_than_may_be_kept_is_kept_whole(files: dict[str, Path]) -> None:
    whole, kept = read(files["parquet"]), read(files["parquet"], most_rows=ROWS)

    assert_same_rows(whole, kept)
    assert kept.found.sampling is None
    assert set(kept.weights) == {1.0}


def test_frauds_are_kept_also_where_they_are_too_many(files: dict[str, Path]) -> None:
    whole, sampled = read(files["parquet"]), read(files["parquet"], most_rows=200)

    assert whole.labels is not None
    assert sampled.labels is not None
    assert sampled.labels.sum() == whole.labels.sum()
    assert (sampled.labels == 0).sum() == 20
    assert sampled.weights.sum() == pytest.approx(len(whole))


def test_without_labels_some_of_all_the_rows_are_kept(files: dict[str, Path]) -> None:
    sampled = read_dataset(files["parquet"], PROFILE, need_labels=False, incomplete="leave out", most_rows=500)

    assert (len(sampled), sampled.labels) == (500, None)
    assert sampled.weights.sum() == pytest.approx(ROWS - sampled.found.without_time)


def test_a_bad_cell_is_refused_by_its_row_in_the_file_also_where_the_row_would_not_be_kept(tmp_path: Path) -> None:
    frame, late = labelled_frame(ROWS), 69_000

    def refused(**cells: str | float) -> str:
        bad = frame.astype(dict.fromkeys(cells, "object"))
        for name, cell in cells.items():
            bad.loc[late, name] = cell
        bad.astype({name: "str" for name in cells if name != "risk"}).to_parquet(tmp_path / "bad.parquet")
        with pytest.raises((LabelInvalid, NumberInfinite, RowIncomplete)) as refusal:
            read_dataset(tmp_path / "bad.parquet", PROFILE, need_labels=True, most_rows=10)
        return str(refusal.value)

    assert f"row {late} (from 0)" in refused(fraud="2")
    assert f"row {late} (from 0)" in refused(risk=np.inf)
    assert f"1 of {ROWS} rows, the first of them {late}" in refused(at="soon")
    # The same mistake is told whichever comes first in the file.
    assert "label '2'" in refused(fraud="2", risk=np.inf, at="soon")


def test_a_time_column_is_judged_by_all_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    years = labelled_frame(ROWS).assign(at="2026")
    years.to_parquet(file)

    with pytest.raises(TimeKindWrong, match="holds numbers"):
        read_dataset(file, PROFILE, need_labels=True)

    years.loc[69_000, "at"] = "2026-01-02"
    years.to_parquet(file)
    assert len(read_dataset(file, PROFILE, need_labels=True)) == ROWS


@pytest.mark.parametrize("piece", [1, 7, 1_000, 5_000])
def test_the_lottery_does_not_depend_on_how_rows_are_cut_and_how_often_losers_go(piece: int) -> None:
    frauds = np.random.default_rng(1).random(5_000) < 0.02
    complete = np.random.default_rng(2).random(5_000) < 0.9
    draws, is_fraud, rows = np.empty(0), np.empty(0, np.bool_), np.empty(0, np.int64)
    lottery = RowLottery(300, seed=9)
    for first in range(0, 5_000, piece):
        drawn = lottery.draw(frauds[first : first + piece], complete[first : first + piece])
        entered = np.flatnonzero(~np.isnan(drawn))
        draws = np.concatenate([draws, drawn[entered]])
        is_fraud = np.concatenate([is_fraud, frauds[first + entered]])
        rows = np.concatenate([rows, first + entered])
        kept = lottery.keep(draws, is_fraud)
        draws, is_fraud, rows = draws[kept], is_fraud[kept], rows[kept]

    numbers = np.random.default_rng(9).random(5_000)
    legitimate = np.flatnonzero(complete & ~frauds)
    best = legitimate[np.argsort(numbers[legitimate])[: 300 - (complete & frauds).sum()]]
    assert sorted(rows) == sorted([*np.flatnonzero(complete & frauds), *best])
