"""Rows with their scores, saved with a model: whoever loads it scores them again and must find the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from model.errors import Mendable
from model.scoring.arrays import NotTheArrays, pack, unpack

Score = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]]

# Another machine's exponential function may differ in the last bits; another model differs in the first.
_TOLERANCE: Final = 1e-12
_OF_EACH_CLASS: Final = 24
_WITH_GAPS: Final = 8
_EXTREME: Final = 8
_BEYOND: Final = 1e3  # times the largest number of a column
_ARRAYS: Final = {"rows": np.float64, "times": np.int64, "probabilities": np.float64}


class GoldenRowsDamaged(Mendable):
    """A file of golden rows that holds something else."""


class GoldenRowsDiffer(Mendable):
    """A model that does not score as it did where it was saved."""


class _Scores(Protocol):
    def score(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]: ...


@dataclass(frozen=True, eq=False)
class GoldenRows:
    """Made-up rows, and what the model said of them.

    Attributes:
        rows: float64[k, d], finite or NaN (missing), columns as the model's inputs.
        times: int64[k], epoch milliseconds UTC.
        probabilities: float64[k], in [0, 1].
    """

    rows: NDArray[np.float64]
    times: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def encode(self) -> bytes:
        """As an uncompressed .npz; the same rows give the same bytes."""
        return pack({"rows": self.rows, "times": self.times, "probabilities": self.probabilities})

    @staticmethod
    def decode(content: bytes, *, source: str) -> GoldenRows:
        """From what `encode` gave; nothing in it is ever executed.

        Args:
            content: Of a .npz file.
            source: Names it in errors.

        Raises:
            GoldenRowsDamaged: It holds something else.
        """
        try:
            found = GoldenRows(**unpack(content, _ARRAYS))
            if found.rows.ndim != 2 or not found.times.shape == found.probabilities.shape == found.rows.shape[:1]:
                raise NotTheArrays("its arrays do not fit together")
            if len(found.rows) == 0 or np.isinf(found.rows).any():
                raise NotTheArrays("it has no rows, or infinite numbers")
            if not ((found.probabilities >= 0) & (found.probabilities <= 1)).all():
                raise NotTheArrays("its probabilities are none")
        except NotTheArrays as refusal:
            raise GoldenRowsDamaged(f"'{source}' holds no golden rows ({refusal})", remedy="train again") from refusal
        return found


def golden_rows(
    inputs: NDArray[np.float64], times: NDArray[np.int64], labels: NDArray[np.int8], *, seed: int, score: Score
) -> GoldenRows:
    """Makes up rows that look like the data, but are nobody's, and scores them.

    Each cell comes from a transaction of its own, drawn at random: some rows from frauds, some from legitimate
    transactions, then some with gaps, and some far beyond the data.

    Args:
        inputs: float64[n, d], finite or NaN (missing).
        times: int64[n], epoch milliseconds UTC.
        labels: int8[n], both classes.
        seed: From 0; the same gives the same rows.
        score: Rows and times to probabilities, float64[k].

    Returns:
        64 rows.
    """
    source = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == one) for one in (1, 0)]

    def drawn(members: NDArray[np.int64], count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        columns = [inputs[source.choice(members, count), column] for column in range(inputs.shape[1])]
        return np.column_stack(columns), times[source.choice(members, count)]

    parts = [drawn(members, _OF_EACH_CLASS) for members in classes]
    anybody, gaps_at = drawn(np.arange(len(labels)), _WITH_GAPS)
    gaps = np.where(_some(anybody.shape, source), np.nan, anybody)
    gaps[0] = np.nan
    ordinary, extremes_at = drawn(np.arange(len(labels)), _EXTREME)
    parts += [(gaps, gaps_at), (_with_extremes(ordinary, inputs, source), extremes_at)]
    rows = np.ascontiguousarray(np.concatenate([part for part, _ in parts]))
    moments = np.concatenate([at for _, at in parts])
    return GoldenRows(rows=rows, times=moments, probabilities=score(rows, moments))


def replay(golden: GoldenRows, scorer: _Scores, *, source: str) -> None:
    """Scores the golden rows again.

    Args:
        golden: As saved.
        scorer: As loaded.
        source: Names the golden rows' file in errors.

    Raises:
        GoldenRowsDiffer: A score is another than where the model was saved.
    """
    scores = scorer.score(golden.rows, golden.times)
    differ = ~(np.abs(scores - golden.probabilities) <= _TOLERANCE)
    if differ.any():
        row = int(np.argmax(differ))
        raise GoldenRowsDiffer(
            f"the model scores {int(differ.sum())} of the {len(scores)} rows of '{source}' otherwise than where it was "
            f"saved, row {row} (from 0) with {scores[row]!s} instead of {golden.probabilities[row]!s}",
            remedy="install the versions of numpy and of this product that the manifest names, or train again",
        )


def _with_extremes(
    rows: NDArray[np.float64], inputs: NDArray[np.float64], source: np.random.Generator
) -> NDArray[np.float64]:
    """Some cells far above or below the data; the first two rows wholly, as far as doubles go."""
    largest = np.where(np.isfinite(inputs), np.abs(inputs), 0).max(axis=0)
    far = np.clip(largest, 1, np.finfo(np.float64).max / _BEYOND) * _BEYOND * source.choice([-1.0, 1.0], rows.shape)
    extreme = np.where(_some(rows.shape, source), far, rows)
    extreme[0], extreme[1] = np.finfo(np.float64).max, np.finfo(np.float64).min
    return extreme


def _some(shape: tuple[int, ...], source: np.random.Generator) -> NDArray[np.bool_]:
    """About every second cell, and one of each row at least."""
    chosen = source.random(shape) < 0.5
    rows, columns = shape
    chosen[np.arange(rows), np.arange(rows) % columns] = True
    return chosen
