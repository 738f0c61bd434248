"""Which data a model learnt from, in 64 characters."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import numpy as np

from model.data.dataset import Dataset

_ROWS_AT_ONCE: Final = 65_536


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 of the times, labels and inputs, in their order, as hexadecimal digits.

    Of equal numbers it is equal, whatever the machine and the file's format; a missing number is a missing number,
    whichever NaN stands for it.
    """
    digest = sha256(f"{len(dataset)} rows, {dataset.inputs.shape[1]} inputs".encode())
    digest.update(dataset.times.astype("<i8").tobytes())
    if dataset.labels is not None:
        digest.update(dataset.labels.astype("<i1").tobytes())
    for first in range(0, len(dataset), _ROWS_AT_ONCE):
        rows = dataset.inputs[first : first + _ROWS_AT_ONCE]
        digest.update(np.where(np.isnan(rows), np.nan, rows).astype("<f8").tobytes())
    return digest.hexdigest()
