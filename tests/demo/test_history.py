"""The model learns from the past only, and the stream is what came after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from demo.history import ProfileNotNamed, TooShort, cut_history, earlier_rows, fitting_profile
from model.data.dataset import read_dataset
from model.profile import load_profile

SIMULATED = load_profile("simulated")


def transactions(times: list[str]) -> pd.DataFrame:
    columns: dict[str, object] = {name: np.arange(len(times)) / 3 for name in SIMULATED.inputs}
    columns["transaction_id"] = [f"t{number}" for number in range(len(times))]
    columns["account_id"] = ["007"] * len(times)
    columns["event_time"] = times
    columns["is_fraud"] = [number % 2 for number in range(len(times))]
    columns["not_named"] = 1
    return pd.DataFrame(columns)


def days(count: int) -> list[str]:
    return [str(day) for day in pd.date_range("2026-01-01", periods=count, tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_a_file_is_cut_in_time_and_nothing_is_changed(tmp_path: Path, ending: str) -> None:
    data = tmp_path / f"data{ending}"
    table = transactions(days(20)).sample(frac=1, random_state=7)
    table.to_parquet(data) if ending == ".parquet" else table.to_csv(data, index=False)
    history = cut_history(data, SIMULATED, live_rows=4, most_past_rows=100, into=tmp_path)
    assert (history.past_rows, history.live_rows) == (16, 4)
    whole = read_dataset(data, SIMULATED, need_labels=True)
    past, live = (read_dataset(path, SIMULATED, need_labels=True) for path in (history.past, history.live))
    assert past.times.max() < live.times.min()
    assert sorted([*past.ids, *live.ids]) == sorted(whole.ids)
    row_of = {name: row for row, name in enumerate(whole.ids)}
    for part in (past, live):
        rows = [row_of[name] for name in part.ids]
        assert part.inputs.tobytes() == whole.inputs[rows].tobytes()
        assert part.times.tolist() == whole.times[rows].tolist()
        assert part.accounts is not None
        assert [part.account_names[code] for code in part.accounts] == ["007"] * len(part)


def test_rows_of_one_moment_are_not_torn_apart() -> None:
    times = np.array([1, 2, 3, 4, 5, 6, 7, 8, 8, 9], dtype=np.int64)
    past = earlier_rows(times, np.ones(10, dtype=np.bool_), live_rows=2)
    assert times[~past].tolist() == [9]


def test_at_most_a_fifth_is_streamed() -> None:
    times = np.arange(10, dtype=np.int64)
    assert (~earlier_rows(times, np.ones(10, dtype=np.bool_), live_rows=8000)).sum() == 2


def test_of_a_long_past_only_the_latest_is_learnt_from(tmp_path: Path) -> None:
    data = tmp_path / "data.parquet"
    transactions(days(20)[::-1]).to_parquet(data)
    history = cut_history(data, SIMULATED, live_rows=4, most_past_rows=3, into=tmp_path)
    assert (history.earlier_rows, history.past_rows, history.live_rows) == (16, 3, 4)
    past = read_dataset(history.past, SIMULATED, need_labels=True)
    assert sorted(past.ids) == ["t4", "t5", "t6"]


def test_rows_without_a_time_are_in_neither_part() -> None:
    usable = np.array([True] * 9 + [False])
    past = earlier_rows(np.arange(10, dtype=np.int64), usable, live_rows=1)
    assert past.tolist() == [True] * 8 + [False] * 2


def test_a_file_of_one_moment_cannot_be_cut(tmp_path: Path) -> None:
    data = tmp_path / "data.parquet"
    transactions(days(1) * 20).to_parquet(data)
    with pytest.raises(TooShort, match="cannot be cut in time: 20 rows"):
        cut_history(data, SIMULATED, live_rows=4, most_past_rows=100, into=tmp_path)


def test_the_profile_is_told_from_the_columns(tmp_path: Path) -> None:
    transactions(days(3)).to_parquet(tmp_path / "simulated.parquet")
    ulb = load_profile("ulb")
    pd.DataFrame({name: [0.0] for name in [*ulb.inputs, "Class"]}).to_csv(tmp_path / "card.csv", index=False)
    assert fitting_profile(tmp_path / "simulated.parquet") == "simulated"
    assert fitting_profile(tmp_path / "card.csv") == "ulb"


def test_a_file_like_no_profile_asks_for_one(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(ProfileNotNamed, match="none of the profiles handbook, simulated, ulb"):
        fitting_profile(tmp_path / "other.csv")
