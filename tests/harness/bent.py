"""A labelled table for which a forest is chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.harness.labelled import labelled_frame


def bent_frame() -> pd.DataFrame:
    """Rows of `labelled_frame` whose frauds lie on both sides of the others: no line parts them."""
    frame = labelled_frame()
    side = np.where(frame.index % 2 == 0, 3.0, -3.0)
    return frame.assign(risk=np.random.default_rng(5).normal(0, 1, len(frame)) + side * frame["fraud"])
