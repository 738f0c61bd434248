"""Card precision top-k, against its definition over a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model.measuring.card_precision import card_precision_at


def handbook(table: pd.DataFrame, k: int) -> float:
    """As chapter 4.5 of the handbook describes it, day after day."""
    detected: list[int] = []
    precisions = []
    for day in sorted(table["TX_TIME_DAYS"].unique()):
        of_day = table[(table["TX_TIME_DAYS"] == day) & ~table["CUSTOMER_ID"].isin(detected)]
        cards = of_day.groupby("CUSTOMER_ID")[["predictions", "TX_FRAUD"]].max()
        first = cards.sort_values("predictions", ascending=False).head(k)
        compromised = first.index[first["TX_FRAUD"] == 1].tolist()
        precisions.append(len(compromised) / k)
        detected.extend(compromised)
    return float(np.mean(precisions))


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_the_handbooks(seed: int, k: int) -> None:
    source = np.random.default_rng(seed)
    accounts = source.integers(0, 250, 3_000)
    days = source.integers(20_000, 20_007, 3_000)
    labels = (source.random(3_000) < 0.05).astype(np.int8)
    probabilities = source.random(3_000) * 0.5 + 0.3 * labels
    table = pd.DataFrame(
        {"CUSTOMER_ID": accounts, "TX_TIME_DAYS": days, "TX_FRAUD": labels, "predictions": probabilities}
    )

    assert card_precision_at(labels, probabilities, accounts, days, k) == handbook(table, k)


def test_a_found_account_makes_room_for_others() -> None:
    labels = np.array([1, 0, 1, 1], dtype=np.int8)
    probabilities = np.array([0.9, 0.1, 0.9, 0.2])
    accounts, days = np.array([7, 8, 7, 8]), np.array([1, 1, 2, 2])

    # Account 7 is found on the first day; on the second the only one left is 8.
    assert card_precision_at(labels, probabilities, accounts, days, k=1) == 1.0


def test_an_account_found_without_fraud_comes_again() -> None:
    labels = np.array([0, 1], dtype=np.int8)

    assert card_precision_at(labels, np.array([0.9, 0.9]), np.array([7, 7]), np.array([1, 2]), k=1) == 0.5


def test_rows_without_account_do_not_count() -> None:
    labels, probabilities = np.array([1, 1], dtype=np.int8), np.array([0.9, 0.8])

    assert card_precision_at(labels, probabilities, np.array([-1, 3]), np.array([1, 2]), k=1) == 1.0
    assert card_precision_at(labels, probabilities, np.array([-1, -1]), np.array([1, 2]), k=1) is None
