"""Raw inputs to what a model sees: impute, clip, scale. Learnt from the training rows, the same on the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from model.scoring.calendar import calendar_features

# Frauds are rare, and so are the values that give them away: only what is rarer still counts as an outlier.
CLIP_QUANTILES: Final = (0.0001, 0.9999)

# Nobody's figures are larger; up to here sums and differences of a column do not overflow.
_LARGEST: Final = 1e300
# Far inside what a forest, which computes with 32 bits, tells apart from infinity.
_FARTHEST: Final = 1e9


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a fitted preparation knows of its d inputs, and of its D features.

    Attributes:
        medians: float64[d], what a missing cell becomes.
        low: float64[d], the lower clipping limits.
        high: float64[d], the upper ones.
        centre: float64[d], what is taken off.
        scale: float64[d], what is then divided by, above 0.
        means: float64[D], of the training rows, prepared.
    """

    medians: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    means: NDArray[np.float64]


def new_preparation(inputs: int, calendar: Sequence[str]) -> Pipeline:
    """Unfitted steps from the rows of `with_times` to float64[n, D] without a NaN.

    A missing number becomes the training rows' median (0 where they have none), an extreme one the nearest of their
    quantiles; then each column is centred on the median and divided by the interquartile range, where there is one.
    The time becomes the calendar features, unscaled.
    Every step treats each cell on its own, so a row comes out the same whatever others stand beside it.

    Args:
        inputs: How many.
        calendar: Features of `model.scoring.calendar.CALENDAR`; may be empty.
    """
    numbers = Pipeline(
        [
            ("bound", Bound()),
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("clip", QuantileClipper(*CLIP_QUANTILES)),
            ("scale", BoundedScaler()),
        ]
    )
    columns: list[tuple[str, object, slice]] = [("numbers", numbers, slice(0, inputs))]
    if calendar:
        columns.append(("calendar", Calendar(tuple(calendar)), slice(inputs, inputs + 1)))
    return Pipeline([("columns", ColumnTransformer(columns))])


def with_times(inputs: NDArray[np.float64], times: NDArray[np.int64], calendar: Sequence[str]) -> NDArray[np.float64]:
    """The rows that a preparation takes: the inputs and, where there are calendar features, the time behind them.

    Args:
        inputs: float64[n, d].
        times: int64[n], epoch milliseconds UTC.
        calendar: As in `new_preparation`.

    Returns:
        float64[n, d], `inputs` itself, without calendar features; else float64[n, d + 1].
    """
    return np.column_stack([inputs, times.astype(np.float64)]) if calendar else inputs


def learnt_from(preparation: Pipeline) -> Learnt:
    """What a fitted `new_preparation` has learnt."""
    columns = preparation.named_steps["columns"]
    steps = columns.named_transformers_["numbers"].named_steps
    means = [steps["scale"].mean_]
    if "calendar" in columns.named_transformers_:
        means.append(columns.named_transformers_["calendar"].mean_)
    return Learnt(
        medians=steps["impute"].statistics_,
        low=steps["clip"].low_,
        high=steps["clip"].high_,
        centre=steps["scale"].center_,
        scale=steps["scale"].scale_,
        means=np.concatenate(means),
    )


class Bound(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Keeps numbers so far from the largest that 64 bits can hold that those who compute with them do not overflow."""

    def fit(self, rows: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 (the protocol of scikit-learn)
        """Learns the width of float64[n, d]; NaN is allowed, an infinity is not."""
        self._checked(rows, reset=True)
        return self

    def transform(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Bounds float64[n, d]; NaN stays, an infinity is refused."""
        check_is_fitted(self, "n_features_in_")
        bounded: NDArray[np.float64] = np.clip(self._checked(rows, reset=False), -_LARGEST, _LARGEST)
        return bounded

    def _checked(self, rows: ArrayLike, *, reset: bool) -> NDArray[np.float64]:
        # scikit-learn would add up all cells to see if they are finite, which warns where the sum is not.
        checked: NDArray[np.float64] = validate_data(self, rows, dtype=np.float64, ensure_all_finite=False, reset=reset)
        if np.isinf(checked).any():
            message = "an input is an infinity"
            raise ValueError(message)
        return checked


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


class BoundedScaler(RobustScaler):  # type: ignore[misc]  # sklearn is untyped
    """A `RobustScaler` that brings no training row beyond 1e9, however narrow the middle half of its column is.

    Attributes:
        mean_: float64[d], of the training rows, scaled.
    """

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: N803 (the protocol of scikit-learn)
        """Learns centre, scale and mean from float64[n, d]."""
        super().fit(X, y)
        reach = np.abs(np.asarray(X, dtype=np.float64) - self.center_).max(axis=0)
        self.scale_: NDArray[np.float64] = np.maximum(self.scale_, reach / _FARTHEST)
        self.mean_ = self.transform(X).mean(axis=0)
        return self


class Calendar(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn is untyped
    """Makes calendar features of a column of moments.

    Args:
        names: Of `model.scoring.calendar.CALENDAR`.

    Attributes:
        mean_: float64[len(names)], of the training rows.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def fit(self, rows: ArrayLike, y: object = None) -> Self:  # noqa: ARG002 (the protocol of scikit-learn)
        """Learns the means from float64[n, 1], epoch milliseconds UTC."""
        checked = validate_data(self, rows, dtype=np.float64)
        self.mean_ = calendar_features(checked[:, 0].astype(np.int64), self.names).mean(axis=0)
        return self

    def transform(self, rows: ArrayLike) -> NDArray[np.float64]:
        """The features of float64[n, 1]: float64[n, len(names)]."""
        check_is_fitted(self)
        checked = validate_data(self, rows, dtype=np.float64, reset=False)
        return calendar_features(checked[:, 0].astype(np.int64), self.names)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002 (as above)
        """The names, as scikit-learn asks for them."""
        return np.array(self.names, dtype=object)
