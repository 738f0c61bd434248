"""Small labelled tables from which something can be learnt, and the profile that reads them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from model.profile import Profile, TimeColumn

PROFILE = Profile(
    name="small",
    label="fraud",
    time=TimeColumn(column="at"),
    inputs=("amount", "risk", "noise"),
    id="id",
    amount="amount",
    account="account",
    currency="EUR",
)


def labelled_frame(rows: int = 600, *, seed: int = 1, fraud_share: float = 0.05) -> pd.DataFrame:
    """Rows in the order of time, a minute apart; frauds have more risk and higher amounts, but not always."""
    source = np.random.default_rng(seed)
    fraud = source.random(rows) < fraud_share
    return pd.DataFrame(
        {
            "id": [f"t{row}" for row in range(rows)],
            "at": pd.date_range("2026-01-01", periods=rows, freq="min", tz="UTC"),
            "account": source.integers(1, 40, rows),
            "amount": np.round(source.gamma(2, 20, rows) + 60 * fraud, 2),
            "risk": source.normal(0, 1, rows) + 2 * fraud,
            "noise": source.normal(0, 1e6, rows),
            "fraud": fraud.astype(np.int64),
        }
    )
