"""How far measures could be from what they are, had other transactions of the same kind come.

Poisson bootstrap: each row counts as often as a Poisson(1) number says, anew in every round. Rows that no measure can
tell apart (same label, same weight, between the same neighbouring scores of frauds) are drawn together, as their
number of draws is Poisson of how many they are: the same in distribution, and for rare frauds a hundred times faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Interval
from model.measuring.ranking import Cells, average_precision, average_precision_of, cells, roc_auc_of

Measure = Literal["average_precision", "roc_auc", "brier_score"]
MEASURES: Final[tuple[Measure, ...]] = ("average_precision", "roc_auc", "brier_score")

_LEVELS: Final = (0.025, 0.975)
_DRAWS_AT_ONCE: Final = 4_000_000
# So many slices of like squared errors; what differs within one hardly adds to the spread of the mean of all.
_SLICES: Final = 500


def mean_average_precision(
    labels: NDArray[np.int8],
    scores: NDArray[np.float64],
    windows: NDArray[np.int32] | None,
    weights: NDArray[np.float64],
) -> float:
    """Average precision within each window, and the mean of that over the windows, in which each fraud counts alike.

    A window of few frauds says little, and so has little say.

    Args:
        labels: int8[n], 0 or 1, both in one window at least.
        scores: float64[n].
        windows: int32[n], a code for each window; None is one window. One without both classes does not count.
        weights: float64[n], above 0.
    """
    found = [average_precision(labels[rows], scores[rows], weights[rows]) for rows in _rows_of(windows, len(labels))]
    frauds = [float(weights[rows] @ labels[rows]) for rows in _rows_of(windows, len(labels))]
    return float(
        np.average(
            [one for one in found if one is not None],
            weights=[count for one, count in zip(found, frauds, strict=True) if one is not None],
        )
    )


def bootstrap_intervals(
    labels: NDArray[np.int8],
    scores: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    windows: NDArray[np.int32] | None = None,
    measures: Sequence[Measure] = MEASURES,
    rounds: int,
    seed: int,
) -> dict[str, Interval]:
    """Measures with their 95 % percentile intervals; of several windows the mean, weighted with their frauds.

    Args:
        labels: int8[n], 0 or 1, both in one window at least.
        scores: float64[n]; in [0, 1] where the Brier score is asked for.
        weights: float64[n], above 0.
        windows: int32[n], a code for each window, resampled each by itself; None is one window. One without both
            classes does not count.
        measures: Which.
        rounds: Of the bootstrap; a thousand give the ends to about a twentieth of the interval's width.
        seed: Of the draws.
    """
    samples = [
        _Sample.of(labels[rows], weights[rows], [scores[rows]], errors="brier_score" in measures)
        for rows in _rows_of(windows, len(labels))
        if 0 < labels[rows].sum() < len(rows)
    ]
    shares = [one.frauds for one in samples]
    values = _mean([[one.measured(name, one.once()) for name in measures] for one in samples], shares)
    source = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            _mean([[one.measured(name, draws) for name in measures] for one, draws in parts], shares)
            for parts in _drawn(samples, rounds, source)
        ],
        axis=-1,
    )
    return {name: _interval(float(values[at, 0]), drawn[at]) for at, name in enumerate(measures)}


def paired_difference(
    labels: NDArray[np.int8],
    scores_a: NDArray[np.float64],
    scores_b: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    windows: NDArray[np.int32] | None = None,
    rounds: int,
    seed: int,
) -> Interval:
    """By how much the average precision of `scores_b` is above that of `scores_a`, with the 95 % interval.

    Both are measured with the same draws: chance that hits both alike cancels out.

    Args:
        labels: int8[n], 0 or 1, both in one window at least.
        scores_a: float64[n].
        scores_b: float64[n].
        weights: float64[n], above 0.
        windows: int32[n], as for `bootstrap_intervals`.
        rounds: Of the bootstrap.
        seed: Of the draws.
    """
    samples = [
        _Sample.of(labels[rows], weights[rows], [scores_a[rows], scores_b[rows]])
        for rows in _rows_of(windows, len(labels))
        if 0 < labels[rows].sum() < len(rows)
    ]
    shares = [one.frauds for one in samples]
    value = _mean([one.gained(one.once()) for one in samples], shares)
    source = np.random.default_rng(seed)
    drawn = [_mean([one.gained(draws) for one, draws in parts], shares) for parts in _drawn(samples, rounds, source)]
    return _interval(float(value[0]), np.concatenate(drawn))


@dataclass(frozen=True, eq=False)
class _Sample:
    """Rows of one window, those that cannot be told apart as one atom.

    Attributes:
        labels: int8[m].
        weights: float64[m], of each of an atom's rows.
        rows: int64[m], how many.
        errors: float64[m], mean squared error of an atom's rows; empty where nobody asks.
        cells: For each ranking the cells of the atoms.
    """

    labels: NDArray[np.int8]
    weights: NDArray[np.float64]
    rows: NDArray[np.int64]
    errors: NDArray[np.float64]
    cells: tuple[Cells, ...]

    @property
    def frauds(self) -> float:
        """How many frauds the window's rows stand for."""
        return float((self.labels * self.weights) @ self.rows)

    @classmethod
    def of(
        cls,
        labels: NDArray[np.int8],
        weights: NDArray[np.float64],
        rankings: Sequence[NDArray[np.float64]],
        *,
        errors: bool = False,
    ) -> _Sample:
        where = [cells(labels, scores) for scores in rankings]
        keys = [labels.astype(np.int64), np.unique(weights, return_inverse=True)[1], *(one.of for one in where)]
        if errors:
            order = np.argsort(rankings[0], kind="stable")
            slices = np.empty(len(order), dtype=np.int64)
            slices[order] = np.arange(len(order)) * _SLICES // len(order)
            keys.append(slices)
        first, atom, rows = _alike(keys)
        squared = (rankings[0] - labels) ** 2 if errors else None
        return cls(
            labels=labels[first],
            weights=weights[first],
            rows=rows,
            errors=np.bincount(atom, squared) / rows if squared is not None else np.empty(0),
            cells=tuple(Cells(one.of[first], one.groups) for one in where),
        )

    def once(self) -> NDArray[np.float64]:
        """float64[1, m], the rows as they are."""
        return self.rows[None, :].astype(np.float64)

    def measured(self, name: Measure, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[r] of float64[r, m]; NaN in rounds that define none."""
        if name == "brier_score":
            mass = draws * self.weights
            with np.errstate(invalid="ignore"):
                score: NDArray[np.float64] = (mass * self.errors).sum(axis=1) / mass.sum(axis=1)
            return score
        held = self._held(0, draws)
        return roc_auc_of(*held) if name == "roc_auc" else average_precision_of(*held)

    def gained(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average precision by the second ranking less that by the first: float64[r] of float64[r, m]."""
        before, after = (average_precision_of(*self._held(ranking, draws)) for ranking in (0, 1))
        return after - before

    def _held(self, ranking: int, draws: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weight of the frauds and of the others in each cell: float64[r, 2 * groups + 1] each."""
        where = self.cells[ranking]
        frauds, others = (np.zeros((len(draws), 2 * where.groups + 1)) for _ in range(2))
        for label, held in ((1, frauds), (0, others)):
            atoms = np.flatnonzero(self.labels == label)
            atoms = atoms[np.argsort(where.of[atoms], kind="stable")]
            occupied, starts = np.unique(where.of[atoms], return_index=True)
            held[:, occupied] = np.add.reduceat(draws[:, atoms] * self.weights[atoms], starts, axis=1)
        return frauds, others


def _alike(
    keys: Sequence[NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows with equal keys: the first row of each kind, the kind of each row, and how many rows it has."""
    joined = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        # Numbered anew after each key, so that the product stays far from 2**63.
        joined = np.unique(joined * (int(key.max()) + 1) + key, return_inverse=True)[1]
    _, first, rows = np.unique(joined, return_index=True, return_counts=True)
    return first, joined, rows


def _drawn(
    samples: Sequence[_Sample], rounds: int, source: np.random.Generator
) -> Iterator[list[tuple[_Sample, NDArray[np.float64]]]]:
    """The samples with their draws, float64[r, m] each, in parts that fit into memory."""
    atoms = sum(len(one.rows) for one in samples)
    at_once = max(1, _DRAWS_AT_ONCE // atoms)
    for start in range(0, rounds, at_once):
        count = min(at_once, rounds - start)
        yield [(one, source.poisson(one.rows, (count, len(one.rows))).astype(np.float64)) for one in samples]


def _rows_of(windows: NDArray[np.int32] | None, rows: int) -> list[NDArray[np.int64]]:
    """The rows of each window, in the order of the codes."""
    if windows is None:
        return [np.arange(rows)]
    return [np.flatnonzero(windows == one) for one in np.unique(windows)]


def _mean(windows: Any, shares: Sequence[float]) -> NDArray[np.float64]:
    """Over the first axis with these weights, of the windows that define a value in a round; NaN where none does."""
    values: NDArray[np.float64] = np.asarray(windows)
    weights = np.reshape(shares, (-1, *(1,) * (values.ndim - 1))) * ~np.isnan(values)
    weight = weights.sum(axis=0)
    total: NDArray[np.float64] = (np.nan_to_num(values) * weights).sum(axis=0)
    means: NDArray[np.float64] = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    return means


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    low, high = np.nanquantile(drawn, _LEVELS)
    return Interval(value=value, low=float(low), high=float(high))
