from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

import model
from model.simulation import CARD_SHARE, CURRENCY, FRAUD_KINDS, simulate
from model.simulation_plan import ImpossiblePlan, SimulationPlan

SMALL = SimulationPlan(customers=40, terminals=60, days=20)
HONEST = replace(SMALL, over_limit_rate=0.0, terminal_compromise_rate=0.0, card_compromise_rate=0.0)


@pytest.fixture(scope="module")
def default() -> pd.DataFrame:
    return simulate(SimulationPlan(), seed=7)


def shipped_inputs() -> list[str]:
    profile = Path(model.__file__).parent / "profiles" / "simulated.toml"
    inputs: list[str] = tomllib.loads(profile.read_text())["inputs"]
    return inputs


def test_the_default_plan_is_of_the_size_promised(default: pd.DataFrame) -> None:
    assert 55_000 < len(default) < 65_000
    assert 0.01 < default["is_fraud"].mean() < 0.02


def test_the_raw_columns_are_what_the_profile_reads(default: pd.DataFrame) -> None:
    assert default["transaction_id"].is_unique
    assert default["transaction_id"].iloc[12] == "sim-0000012"
    assert str(default["event_time"].dt.tz) == "UTC"
    assert default["event_time"].is_monotonic_increasing
    assert default["event_time"].iloc[0].date() == date(2026, 1, 1)
    assert default["event_time"].iloc[-1].date() == date(2026, 3, 31)
    assert (default["currency"] == CURRENCY).all()
    assert set(default["is_fraud"]) == {0, 1}
    assert not default.isna().to_numpy().any()


def test_the_profile_takes_every_feature_and_no_label_in_any_form(default: pd.DataFrame) -> None:
    others = {"transaction_id", "event_time", "account_id", "terminal_id", "currency", "is_fraud", "fraud_kind"}
    assert set(shipped_inputs()) == set(default.columns) - others
    # A boolean is no number in the transaction contract.
    assert {default[name].dtype for name in shipped_inputs()} == {np.dtype(np.int64), np.dtype(np.float64)}


def test_the_same_seed_gives_the_same_transactions_and_another_seed_others() -> None:
    first = simulate(SMALL, seed=7)
    pd.testing.assert_frame_equal(first, simulate(SMALL, seed=7))
    assert not first["amount"].equals(simulate(SMALL, seed=8)["amount"])


def test_seed_7_gives_these_transactions_on_every_machine() -> None:
    transactions = simulate(SMALL, seed=7)
    raw = ["transaction_id", "event_time", "account_id", "terminal_id", "amount", "fraud_kind"]
    assert [tuple(map(str, row)) for row in transactions[raw].iloc[[0, 423, -1]].to_numpy()] == [
        ("sim-0000000", "2026-01-01 00:31:19+00:00", "account-000015", "terminal-000001", "80.04", ""),
        ("sim-0000423", "2026-01-06 11:11:14+00:00", "account-000033", "terminal-000056", "495.15", "card"),
        ("sim-0001503", "2026-01-20 22:52:59+00:00", "account-000038", "terminal-000040", "36.01", "terminal"),
    ]
    assert len(transactions) == 1504
    assert transactions["amount"].sum() == pytest.approx(86_823.22)


def test_another_rate_of_fraud_leaves_who_pays_when_and_where() -> None:
    changed = replace(SMALL, over_limit_rate=0.1, card_compromise_rate=0.01)
    unfraudulent = ["transaction_id", "event_time", "account_id", "terminal_id", "hour", "terminal_count_7d"]
    before, after = simulate(SMALL, seed=7), simulate(changed, seed=7)
    pd.testing.assert_frame_equal(before[unfraudulent], after[unfraudulent])
    assert after["is_fraud"].sum() > before["is_fraud"].sum()


def test_the_label_and_the_kind_of_fraud_say_the_same(default: pd.DataFrame) -> None:
    assert set(default["fraud_kind"]) == set(FRAUD_KINDS)
    assert ((default["fraud_kind"] != "") == (default["is_fraud"] == 1)).all()


def test_without_fraud_there_is_none() -> None:
    transactions = simulate(HONEST, seed=7)
    assert transactions["is_fraud"].sum() == 0
    assert transactions["terminal_risk_30d"].sum() == 0.0


def test_only_frauds_are_over_the_limit(default: pd.DataFrame) -> None:
    by_kind = default.groupby("fraud_kind")["amount"]
    limit = SimulationPlan().amount_limit
    assert by_kind.min()["amount"] > limit
    assert by_kind.max()["amount"] <= 2 * limit
    assert by_kind.max()[["", "terminal"]].max() <= limit
    assert default["amount"].min() > 0


def test_all_that_is_paid_at_a_compromised_terminal_is_fraud_for_28_days() -> None:
    plan = replace(HONEST, customers=100, terminals=40, days=120, terminal_compromise_rate=0.002)
    transactions = simulate(plan, seed=7)
    by_day = transactions.groupby(["terminal_id", transactions["event_time"].dt.date])["is_fraud"]
    assert by_day.nunique().max() == 1
    per_day = by_day.max().unstack(fill_value=-1).to_numpy()
    runs = [len(run) for terminal in per_day for run in _fraudulent_runs(terminal.tolist())]
    assert max(runs) >= 28
    assert 28 in runs


def test_a_third_of_a_compromised_cards_payments_are_fraud_of_five_times_the_amount() -> None:
    transactions = simulate(replace(HONEST, card_compromise_rate=1.0), seed=7)
    honest = simulate(HONEST, seed=7)
    frauds = transactions["fraud_kind"] == "card"
    assert abs(frauds.mean() - CARD_SHARE) < 0.03
    np.testing.assert_allclose(transactions["amount"], honest["amount"] * np.where(frauds, 5, 1))


def test_compromises_were_under_way_before_the_first_day() -> None:
    transactions = simulate(SimulationPlan(customers=400, terminals=600, days=1), seed=7)
    assert set(transactions["fraud_kind"]) >= {"terminal", "card"}


def test_nights_are_quiet_and_weekends_busy(default: pd.DataFrame) -> None:
    assert default["is_night"].mean() < 0.1  # of the time, a quarter
    days = default.groupby([default["event_time"].dt.date, "is_weekend"]).size().groupby("is_weekend").mean()
    assert days[1] > 1.05 * days[0]
    late = default["hour"] >= 22
    assert late[default["is_weekend"] == 1].mean() > late[default["is_weekend"] == 0].mean()


def test_customers_differ_in_what_and_how_often_they_spend(default: pd.DataFrame) -> None:
    honest = default[default["is_fraud"] == 0].groupby("account_id")["amount"].agg(["mean", "count"])
    assert honest["mean"].quantile(0.9) > 3 * honest["mean"].quantile(0.1)
    assert honest["count"].quantile(0.9) > 3 * honest["count"].quantile(0.1)


def test_customers_pay_within_their_radius_or_at_the_nearest_terminal() -> None:
    terminals = {
        radius: simulate(replace(SMALL, radius=radius), seed=7).groupby("account_id")["terminal_id"].nunique()
        for radius in (0.0, 20.0, 200.0)
    }
    assert terminals[0.0].max() == 1
    assert 1 < terminals[20.0].mean() < terminals[200.0].mean() / 2


def test_a_plain_forest_finds_each_kind_of_fraud_in_later_days() -> None:
    plan = SimulationPlan(
        customers=150, terminals=200, days=90, terminal_compromise_rate=0.001, card_compromise_rate=0.002
    )
    transactions = simulate(plan, seed=7)
    cut = int(0.7 * len(transactions))
    train, test = transactions[:cut], transactions[cut:]
    forest = RandomForestClassifier(50, random_state=0).fit(train[shipped_inputs()], train["is_fraud"])
    found = pd.Series(forest.predict(test[shipped_inputs()]) == 1, index=test.index)
    recall = found.groupby(test["fraud_kind"]).mean()
    # Modest, for a small forest on few frauds: chance would find as many of them as of the honest ones.
    assert recall["amount"] > 0.9
    assert recall["terminal"] > 0.2
    assert recall["card"] > 0.2
    assert recall[""] < 0.02


def test_progress_rises_to_the_whole() -> None:
    told: list[float] = []
    simulate(SMALL, seed=7, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_simulation_in_which_nobody_pays_is_empty_and_has_all_columns() -> None:
    plan = SimulationPlan(customers=1, terminals=1, days=1)
    empty = next(frame for frame in (simulate(plan, seed=seed) for seed in range(100)) if frame.empty)
    assert empty.columns.to_list() == simulate(SMALL, seed=7).columns.to_list()
    assert empty.dtypes.to_dict() == simulate(SMALL, seed=7).dtypes.to_dict()


def test_all_mistakes_of_a_plan_are_named_at_once() -> None:
    with pytest.raises(ImpossiblePlan) as refused:
        simulate(SimulationPlan(customers=0, terminals=-3, radius=float("nan"), over_limit_rate=1.5), seed=-1)
    for mistake in ("customers=0", "terminals=-3", "radius=nan", "over_limit_rate=1.5", "seed=-1"):
        assert mistake in refused.value.problem


def _fraudulent_runs(days: list[int]) -> list[list[int]]:
    """Stretches of fraudulent days, bounded by honest days on which something was paid; quiet days belong to either."""
    runs: list[list[int]] = [[]]
    for day, label in enumerate(days):
        if label == 0:
            runs.append([])
        elif label == 1:
            runs[-1].append(day)
    return [list(range(run[0], run[-1] + 1)) for run in runs if run]
