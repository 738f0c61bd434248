"""What the clock and the calendar say of a moment, in UTC: the features that a model gets besides a row's inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

CALENDAR: Final = ("hour", "night", "weekend")
NIGHT_ENDS: Final = 6  # the last hour of the night, as in the Fraud Detection Handbook, chapter 3

_HOUR_MS: Final = 3_600_000
_EPOCH_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday; Monday is 0
_SATURDAY: Final = 5

_Integers = NDArray[np.int64]


def calendar_features(times: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.float64]:
    """The calendar features of moments, by integer arithmetic.

    `hour` is 0 to 23, `night` 1 from midnight until 6:59, `weekend` 1 on Saturday and Sunday. Night and weekend follow
    the Fraud Detection Handbook, chapter 3, "Baseline feature transformation" (Le Borgne, Siblini, Lebichot, Bontempi:
    "Reproducible Machine Learning for Credit Card Fraud Detection - Practical Handbook", ULB, 2022).

    Args:
        times: int64[n], epoch milliseconds UTC, from 0.
        names: Of `CALENDAR`, in the order wanted.

    Returns:
        float64[n, len(names)], C-contiguous.

    Raises:
        KeyError: A name is none of `CALENDAR`.
    """
    features = np.empty((len(times), len(names)))
    for column, name in enumerate(names):
        features[:, column] = _FEATURES[name](times)
    return features


def feature_names(inputs: Sequence[str], calendar: Sequence[str]) -> tuple[str, ...]:
    """What the columns are that a classifier sees: the inputs, then the calendar features.

    A calendar feature that is called like an input is prefixed with "event_".
    """
    taken, named = set(inputs), list(inputs)
    for feature in calendar:
        name = feature
        while name in taken:
            name = f"event_{name}"
        named.append(name)
        taken.add(name)
    return tuple(named)


def _hour(times: _Integers) -> _Integers:
    return times // _HOUR_MS % 24


def _night(times: _Integers) -> NDArray[np.bool_]:
    return _hour(times) <= NIGHT_ENDS


def _weekend(times: _Integers) -> NDArray[np.bool_]:
    return (times // (24 * _HOUR_MS) + _EPOCH_WEEKDAY) % 7 >= _SATURDAY


_FEATURES: Final[dict[str, Callable[[_Integers], NDArray[np.int64] | NDArray[np.bool_]]]] = {
    "hour": _hour,
    "night": _night,
    "weekend": _weekend,
}
