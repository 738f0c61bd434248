"""Raw inputs to what a model sees: impute, clip, scale. Learnt from the training rows, the same on the stream."""

from __future__ import annotations

from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.utils.validation import check_is_fitted, validate_data

# Frauds are rare, and so are the values that give them away: only what is rarer still counts as an outlier.
CLIP_QUANTILES: Final = (0.0001, 0.9999)


def new_preparation() -> Pipeline:
    """Unfitted steps from float64[n, d] with NaN to float64[n, d] without.

    A missing number becomes the training rows' median (0 where they have none), an extreme one the nearest of their
    quantiles; then each column is centred on the median and divided by the interquartile range, where there is one.
    Every step treats each cell on its own, so a row comes out the same whatever others stand beside it.
    """
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("clip", QuantileClipper(*CLIP_QUANTILES)),
            ("scale", RobustScaler()),
        ]
    )


class QuantileClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Brings what lies outside two quantiles of its column back to the nearer one.

    Args:
        lower: The lower quantile, from 0.
        upper: The upper quantile, to 1.

    Attributes:
        low_: float64[d], the lower limits learnt.
        high_: float64[d], the upper ones.
    """

    def __init__(self, lower: float, upper: float) -> None:
        self.lower = lower
        self.upper = upper

    def fit(self, rows: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 (the protocol of scikit-learn)
        """Learns the limits from float64[n, d]."""
        checked = validate_data(self, rows, dtype=np.float64)
        self.low_, self.high_ = np.quantile(checked, (self.lower, self.upper), axis=0)
        return self

    def transform(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Clips float64[n, d], of the columns learnt."""
        check_is_fitted(self)
        checked = validate_data(self, rows, dtype=np.float64, reset=False)
        clipped: NDArray[np.float64] = np.clip(checked, self.low_, self.high_)
        return clipped
