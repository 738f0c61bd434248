"""Small labelled files with the columns of a profile."""

from __future__ import annotations

import numpy as np
import pandas as pd

from model.profile import Profile

# Not on whole minutes or seconds: what the stream makes of the time must be the same to the millisecond.
_STEP_MS = 271_113


def file_for(profile: Profile, rows: int = 800, *, seed: int = 4) -> pd.DataFrame:
    """Rows in the order of time of which one in twelve is a fraud, some with gaps; three inputs tell the frauds.

    Args:
        profile: Names the columns; its time counts seconds or is a timestamp.
        rows: How many; they cover about three minutes each a row.
        seed: The same gives the same.
    """
    source = np.random.default_rng(seed)
    fraud = source.random(rows) < 1 / 12
    numbers = source.normal(0, 1, (rows, len(profile.inputs)))
    numbers[:, :3] += 1.5 * fraud[:, np.newaxis]
    numbers *= 10.0 ** (np.arange(len(profile.inputs)) % 5 - 1)
    frame = pd.DataFrame(numbers, columns=list(profile.inputs))
    frame = frame.mask(source.random(frame.shape) < 0.05)
    after_ms = np.arange(rows) * _STEP_MS
    start = pd.Timestamp("2026-01-02T03:04:05.678Z")
    frame[profile.time.column] = after_ms / 1000 if profile.time.unit else start + pd.to_timedelta(after_ms, unit="ms")
    frame[profile.label] = fraud.astype(np.int64)
    if profile.id is not None:
        frame[profile.id] = [f"t{row}" for row in range(rows)]
    if profile.account is not None:
        frame[profile.account] = source.integers(1, 60, rows)
    if profile.amount is not None:
        frame[profile.amount] = np.round(source.gamma(2, 20, rows) + 30 * fraud, 2)
    return frame
