from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from model.data.cleaning import without_duplicates
from model.data.dataset import dataset_from_frame, read_dataset
from tests.harness.labelled import PROFILE, labelled_frame

UNNAMED = msgspec.structs.replace(PROFILE, id=None, segment="country")


def test_of_equal_rows_the_first_stays() -> None:
    frame = labelled_frame(6).assign(country="DE", risk=[0.5, np.nan, 0.5, 0.5, np.nan, 0.5])
    twice = frame.iloc[[0, 1, 2, 0, 1, 3]]
    dataset = dataset_from_frame(twice, UNNAMED, need_labels=True, source="table")

    assert without_duplicates(dataset, UNNAMED).rows.tolist() == [0, 1, 2, 5]
    named = msgspec.structs.replace(UNNAMED, id="id")
    other_ids = dataset_from_frame(twice.assign(id=list("abcdef")), named, need_labels=True, source="table")
    assert len(without_duplicates(other_ids, named)) == 6


def test_rows_that_differ_in_one_named_column_are_not_equal() -> None:
    frame = pd.concat([labelled_frame(1).assign(country="DE")] * 6, ignore_index=True)
    frame["account"] = frame["account"].astype("Int64")
    for row, (name, cell) in enumerate(
        {"at": pd.Timestamp("2026-02-01", tz="UTC"), "account": None, "risk": 9.0, "fraud": 1, "country": "FR"}.items()
    ):
        frame.loc[row, name] = cell
    dataset = dataset_from_frame(frame, UNNAMED, need_labels=True, source="table")

    assert len(without_duplicates(dataset, UNNAMED)) == 6


def test_what_is_not_there_twice_is_passed_on_as_it_is() -> None:
    dataset = dataset_from_frame(labelled_frame(50), PROFILE, need_labels=True, source="table")

    assert without_duplicates(dataset, PROFILE) is dataset


def test_rows_of_a_sampled_file_keep_their_weights(tmp_path: Path) -> None:
    frame = labelled_frame(2_000).assign(country="DE")
    pd.concat([frame] * 5, ignore_index=True).to_parquet(tmp_path / "data.parquet")
    dataset = read_dataset(tmp_path / "data.parquet", UNNAMED, need_labels=True, most_rows=2_000)

    clean = without_duplicates(dataset, UNNAMED)

    assert len(clean) < len(dataset)
    assert set(clean.weights) == set(dataset.weights) > {1.0}
    assert len(set(clean.times.tolist())) == len(clean)
