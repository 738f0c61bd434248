"""What does not belong into training: rows that are in the file twice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from model.data.dataset import Dataset
from model.profile import Profile


def without_duplicates(dataset: Dataset, profile: Profile) -> Dataset:
    """The first of each set of rows that are equal in all the columns that the profile names.

    Of a sampled file (see `model.data.dataset.read_dataset`) only the rows that were kept are compared; each that stays
    weighs as before.
    """
    columns: dict[str, object] = {f"input {at}": values for at, values in enumerate(dataset.inputs.T)}
    columns |= {
        "time": dataset.times,
        "label": dataset.labels,
        "amount": dataset.amounts,
        "account": dataset.accounts,
        "segment": dataset.segments,
    }
    if profile.id is not None:
        columns["id"] = dataset.ids
    frame = pd.DataFrame({name: values for name, values in columns.items() if values is not None})
    again = frame.duplicated().to_numpy()
    return dataset.take(np.flatnonzero(~again)) if again.any() else dataset
