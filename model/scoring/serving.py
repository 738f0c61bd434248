"""A model as the stream holds it: plain arrays that nobody has to unpickle, and the same scores as in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import Mendable
from model.scoring.arrays import NotTheArrays, pack, unpack
from model.scoring.calendar import calendar_features, feature_names
from model.scoring.calibration import Calibration, Method
from model.scoring.explanation import Explanation, summing_to
from model.scoring.forest import Forest
from model.scoring.linear import Linear

_OF_INPUTS: Final = ("medians", "low", "high", "centre", "scale")
_OF_FORESTS: Final = ("roots", "feature", "threshold", "left", "right", "probability")
_DOUBLES: Final = np.dtype("<f8")
# Models of before had no such array: no row with NaN comes to a forest, since preparing fills the gaps.
_MISSING_LEFT: Final = "forest_missing_left"
# All others are always in the file, without an element where the model has no such part.
_ARRAYS: Final[dict[str, np.dtype[Any]]] = {
    "about": np.dtype("u1"),
    **dict.fromkeys(_OF_INPUTS, _DOUBLES),
    "forest_roots": np.dtype("<i8"),
    "forest_feature": np.dtype("<i4"),
    "forest_threshold": _DOUBLES,
    "forest_left": np.dtype("<i4"),
    "forest_right": np.dtype("<i4"),
    "forest_probability": _DOUBLES,
    _MISSING_LEFT: np.dtype("u1"),
    **dict.fromkeys(("linear_coefficients", "linear_intercept", "linear_centre"), _DOUBLES),
    **dict.fromkeys(("calibration_knots", "calibration_values", "calibration_line"), _DOUBLES),
}


class ServingDamaged(Mendable):
    """Bytes that are no serving form of a model."""


class _About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What of a model is no array of numbers."""

    inputs: tuple[str, ...]
    calendar: tuple[Literal["hour", "night", "weekend"], ...]
    classifier: Literal["forest", "linear"]
    calibration: Method


@dataclass(frozen=True, eq=False)
class ServingModel:
    """Everything that makes a probability out of a row and its time.

    Attributes:
        inputs: What the d columns of a row are, in order.
        calendar: The calendar features that the model sees besides, of `model.scoring.calendar.CALENDAR`.
        medians: float64[d], what a missing input becomes.
        low: float64[d], the lower clipping limits.
        high: float64[d], the upper ones.
        centre: float64[d], what is taken off.
        scale: float64[d], what is then divided by, above 0.
        classifier: Over D features: the inputs prepared, then the calendar features as they are.
        calibration: From the classifier's scores to probabilities.
    """

    inputs: tuple[str, ...]
    calendar: tuple[str, ...]
    medians: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    classifier: Forest | Linear
    calibration: Calibration

    @property
    def features(self) -> tuple[str, ...]:
        """What the classifier sees, D names."""
        return feature_names(self.inputs, self.calendar)

    def prepare(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the classifier sees of each row, bit for bit what the fitted preparation gives.

        Args:
            rows: float64[n, d], finite or NaN (missing), columns as in `inputs`.
            times: int64[n], epoch milliseconds UTC.

        Returns:
            float64[n, D], finite, C-contiguous.
        """
        width = len(self.inputs)
        prepared = np.empty((len(rows), width + len(self.calendar)))
        numbers = prepared[:, :width]
        np.clip(np.where(np.isnan(rows), self.medians, rows), self.low, self.high, out=numbers)
        numbers -= self.centre
        numbers /= self.scale
        prepared[:, width:] = calendar_features(times, self.calendar)
        return prepared

    def raw_scores(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the classifier says of each row, uncalibrated: float64[n], in [0, 1]; takes what `prepare` takes."""
        return self.classifier.probabilities(self.prepare(rows, times))

    def probabilities(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        """The calibrated probability of fraud of each row: float64[n], in [0, 1]; takes what `prepare` takes."""
        return self.calibration.apply(self.raw_scores(rows, times))

    def explain(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> Explanation:
        """What each feature adds to the calibrated probability of each row.

        The contributions are the classifier's own, each row's multiplied by one factor above 0 so that they add up to
        its probability minus the base: the calibration only ever increases, so that signs and order are kept.

        Args:
            rows: float64[n, d], as in `prepare`.
            times: int64[n], epoch milliseconds UTC.
        """
        prepared = self.prepare(rows, times)
        contributions, base_score = self.classifier.contributions(prepared)
        base = float(self.calibration.apply(np.array([base_score]))[0])
        gaps = self.calibration.apply(self.classifier.probabilities(prepared)) - base
        values = np.column_stack([rows, calendar_features(times, self.calendar)])
        return Explanation(base, summing_to(gaps, contributions), values)

    def encode(self) -> bytes:
        """The model as the bytes of an uncompressed .npz file, the same for the same model."""
        classifier, calibration = self.classifier, self.calibration
        about = _About(
            inputs=self.inputs,
            calendar=self.calendar,  # type: ignore[arg-type]  # msgspec holds it against the names when it is read
            classifier="forest" if isinstance(classifier, Forest) else "linear",
            calibration=calibration.method,
        )
        arrays: dict[str, Any] = dict.fromkeys(_ARRAYS, ())
        arrays |= {name: getattr(self, name) for name in _OF_INPUTS}
        arrays |= {"calibration_knots": calibration.knots, "calibration_values": calibration.values}
        arrays |= {"calibration_line": (calibration.slope, calibration.intercept)}
        arrays |= {"about": np.frombuffer(msgspec.json.encode(about), np.uint8)}
        if isinstance(classifier, Forest):
            arrays |= {f"forest_{name}": getattr(classifier, name) for name in _OF_FORESTS}
            arrays |= {_MISSING_LEFT: () if classifier.missing_left is None else classifier.missing_left}
        else:
            arrays |= {"linear_coefficients": classifier.coefficients, "linear_centre": classifier.centre}
            arrays |= {"linear_intercept": (classifier.intercept,)}
        return pack({name: np.ascontiguousarray(arrays[name], kind) for name, kind in _ARRAYS.items()})

    @classmethod
    def decode(cls, content: bytes) -> ServingModel:
        """The model in what `encode` gave.

        Whatever the bytes are, nothing in them is executed, nothing larger than they are is made of them, and what
        comes of them scores a row in no more steps than it has nodes.

        Raises:
            ServingDamaged: They are no model, or one that contradicts itself.
        """
        try:
            arrays = unpack(content, _ARRAYS, optional=(_MISSING_LEFT,))
            about = msgspec.json.decode(arrays["about"].tobytes(), type=_About)
        except (NotTheArrays, msgspec.DecodeError, UnicodeDecodeError) as refusal:
            raise _damaged(str(refusal)) from refusal
        if odd := [name for name, array in arrays.items() if array.ndim != 1]:
            raise _damaged(f"array {odd[0]!r} is no list of numbers")
        if len(arrays["calibration_line"]) != 2 or len(arrays["linear_intercept"]) != (about.classifier == "linear"):
            raise _damaged("it lacks an intercept, or has one too many")
        model = cls(
            inputs=about.inputs,
            calendar=about.calendar,
            **{name: arrays[name] for name in _OF_INPUTS},
            classifier=_classifier(about, arrays),
            calibration=Calibration(
                about.calibration,
                arrays["calibration_knots"],
                arrays["calibration_values"],
                *arrays["calibration_line"].tolist(),
            ),
        )
        flaw = _flaw_of_inputs(model) or model.classifier.flaw(len(model.features)) or _flaw_of(model.calibration)
        if flaw:
            raise _damaged(flaw)
        return model


def _classifier(about: _About, arrays: dict[str, NDArray[Any]]) -> Forest | Linear:
    if about.classifier == "forest":
        strays = arrays.get(_MISSING_LEFT, np.empty(0))
        of_nodes = {name: arrays[f"forest_{name}"] for name in _OF_FORESTS}
        return Forest(**of_nodes, missing_left=strays.astype(np.bool_) if len(strays) else None)
    return Linear(arrays["linear_coefficients"], float(arrays["linear_intercept"][0]), arrays["linear_centre"])


def _flaw_of_inputs(model: ServingModel) -> str | None:
    """Why no row can be prepared with a model; None where it can."""
    width = len(model.inputs)
    if width == 0 or len(set(model.inputs)) < width or len(set(model.calendar)) < len(model.calendar):
        return "it has no inputs, or two of one name"
    learnt = [getattr(model, name) for name in _OF_INPUTS]
    if any(len(array) != width for array in learnt):
        return f"it has not learnt {width} inputs"
    if not all(np.isfinite(array).all() for array in learnt):
        return "what it has learnt of the inputs is not finite"
    if (model.low > model.high).any() or (model.scale <= 0).any():
        return "it clips or scales by impossible limits"
    with np.errstate(over="ignore"):
        extremes = (np.array([model.low, model.high]) - model.centre) / model.scale
    return None if np.isfinite(extremes).all() else "it scales inputs to infinity"


def _flaw_of(calibration: Calibration) -> str | None:
    """Why a calibration does not only ever increase, from [0, 1] to [0, 1]; None where it does."""
    knots, values = calibration.knots, calibration.values
    if not (np.isfinite([calibration.slope, calibration.intercept]).all() and calibration.slope > 0):
        return "its calibration does not increase"
    if calibration.method != "isotonic":
        return "its calibration has knots" if len(knots) or len(values) else None
    if len(knots) < 2 or len(values) != len(knots) or knots[0] != 0 or knots[-1] != 1:
        return "its calibration does not reach from 0 to 1"
    rising = (np.diff(knots) > 0).all() and (np.diff(values) > 0).all()
    return None if rising and values[0] >= 0 and values[-1] <= 1 else "its calibration does not increase"


def _damaged(flaw: str) -> ServingDamaged:
    return ServingDamaged(
        f"the arrays of the model are damaged ({flaw})", remedy="copy the model's directory anew, or train again"
    )
