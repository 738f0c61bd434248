from __future__ import annotations

import math
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model.simulation import simulate
from model.simulation_plan import SimulationPlan
from model.window_features import LABEL_DELAY, window_features

Row = dict[Hashable, Any]


def by_the_book(transactions: pd.DataFrame) -> pd.DataFrame:
    """The definition, word for word: for each transaction, look through all of them."""
    times = transactions["event_time"].dt.to_pydatetime()
    rows = [{**row, "event_time": time} for row, time in zip(transactions.to_dict("records"), times, strict=True)]
    return pd.DataFrame([_known(row, rows[: place + 1], rows) for place, row in enumerate(rows)])


def _known(row: Row, until_now: list[Row], rows: list[Row]) -> dict[str, float]:
    now: datetime = row["event_time"]
    mine = [past for past in until_now if past["account_id"] == row["account_id"]]
    here_until_now = [past for past in until_now if past["terminal_id"] == row["terminal_id"]]
    here = [other for other in rows if other["terminal_id"] == row["terminal_id"]]
    known: dict[str, float] = {"hour": now.hour, "is_night": now.hour < 6, "is_weekend": now.isoweekday() >= 6}
    for days in (1, 7, 30):
        window = timedelta(days=days)
        amounts = [past["amount"] for past in mine if past["event_time"] > now - window]
        known[f"account_count_{days}d"] = len(amounts)
        known[f"account_mean_amount_{days}d"] = math.fsum(amounts) / len(amounts)
        known[f"terminal_count_{days}d"] = sum(past["event_time"] > now - window for past in here_until_now)
        end = now - timedelta(days=7)
        labels = [other["is_fraud"] for other in here if end - window <= other["event_time"] < end]
        known[f"terminal_risk_{days}d"] = sum(labels) / len(labels) if labels else 0.0
    return known


@pytest.fixture(params=[1, 2, 3])
def transactions(request: pytest.FixtureRequest) -> pd.DataFrame:
    """Few accounts and terminals and a coarse clock: many ties, and many rows just on a window's edge."""
    rng = np.random.default_rng(request.param)
    hours = np.sort(rng.integers(0, 60 * 4, 400)) * 6
    return pd.DataFrame(
        {
            "event_time": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=int(hour)) for hour in hours],
            "account_id": rng.choice(["a", "b", "c", "d"], 400),
            "terminal_id": rng.choice(["x", "y", "z"], 400),
            "amount": rng.integers(1, 30_000, 400) / 100,
            "is_fraud": rng.integers(0, 2, 400),
        }
    )


def assert_by_the_book(transactions: pd.DataFrame) -> None:
    expected = by_the_book(transactions)
    features = window_features(transactions)
    assert set(features.columns) == set(expected.columns)
    pd.testing.assert_frame_equal(features[expected.columns], expected, check_dtype=False, rtol=1e-12, atol=0)


def test_the_features_are_those_of_the_definition(transactions: pd.DataFrame) -> None:
    assert_by_the_book(transactions)


def test_the_features_of_a_simulation_are_those_of_the_definition() -> None:
    assert_by_the_book(simulate(SimulationPlan(customers=8, terminals=5, days=50), seed=7))


def test_no_later_row_changes_an_earlier_feature(transactions: pd.DataFrame) -> None:
    features = window_features(transactions)
    for past in (1, 2, 50, 200, 399):
        pd.testing.assert_frame_equal(window_features(transactions[:past]), features[:past], check_exact=True)


def test_a_label_tells_nothing_before_its_delay_is_over(transactions: pd.DataFrame) -> None:
    features = window_features(transactions)
    for row in (0, 57, 123, 300):
        other = transactions.assign(is_fraud=transactions["is_fraud"].where(transactions.index != row, lambda y: 1 - y))
        changed = (window_features(other) != features).any(axis=1)
        unknown = transactions["event_time"] <= transactions["event_time"].iloc[row] + LABEL_DELAY
        assert not changed[unknown].any()
        assert changed[~unknown].any()


def test_an_amount_tells_nothing_before_it_is_paid(transactions: pd.DataFrame) -> None:
    features = window_features(transactions)
    other = transactions.assign(amount=transactions["amount"].where(transactions.index < 200, 9_999.99))
    pd.testing.assert_frame_equal(window_features(other)[:200], features[:200], check_exact=True)


def test_the_first_transaction_knows_only_itself(transactions: pd.DataFrame) -> None:
    first = window_features(transactions).iloc[0]
    assert first["account_count_30d"] == first["terminal_count_30d"] == 1
    assert first["account_mean_amount_30d"] == transactions["amount"].iloc[0]
    assert first["terminal_risk_30d"] == 0.0


def test_the_index_of_the_table_is_kept(transactions: pd.DataFrame) -> None:
    renamed = transactions.set_axis([f"row {number}" for number in range(400)])
    features = window_features(renamed)
    assert features.index.equals(renamed.index)
    assert features.to_numpy().tolist() == window_features(transactions).to_numpy().tolist()
