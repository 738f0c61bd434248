"""A preparation fitted to some rows of a dataset, and the features that it makes of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from model.data.dataset import Dataset
from model.learning.preparation import Learnt, learnt_from, new_preparation, with_times
from model.profile import Profile
from model.scoring.calendar import feature_names

_AT_ONCE: Final = 100_000  # rows; several copies of them exist while they are prepared


@dataclass(frozen=True, eq=False)
class Prepared:
    """A fitted preparation.

    Attributes:
        preparation: scikit-learn's, fitted.
        calendar: The calendar features that it makes.
        names: Of the features that come out.
    """

    preparation: Pipeline
    calendar: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def learnt(self) -> Learnt:
        """Medians, limits and scales."""
        return learnt_from(self.preparation)

    def features(self, dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """What a classifier sees of these rows of the dataset: float32[m, D]."""
        features = np.empty((len(rows), len(self.names)), np.float32)
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            raw = with_times(dataset.inputs[some], dataset.times[some], self.calendar)
            features[first : first + _AT_ONCE] = self.preparation.transform(raw)
        return features


def prepare(dataset: Dataset, rows: NDArray[np.int64], profile: Profile) -> Prepared:
    """Fits a preparation to these rows of the dataset (int64[n]) and to no others."""
    calendar = profile.calendar_features
    preparation = new_preparation(len(profile.inputs), calendar)
    preparation.fit(with_times(dataset.inputs[rows], dataset.times[rows], calendar))
    return Prepared(preparation, calendar, feature_names(profile.inputs, calendar))
