"""How far each feature moved between two windows of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Drift, Finding

MUCH: Final = 0.25
TOO_MUCH: Final = 1.0

_QUANTILES: Final = np.arange(1, 10) / 10
_LEAST_SHARE: Final = 1e-4  # of an empty bin, or the index were infinite
_WITH_TIME: Final = 0.999
_MOST_RANKED: Final = 100_000
_MOST_NAMED: Final = 5


def drift(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    names: Sequence[str],
    *,
    weights_before: NDArray[np.float64] | None = None,
    weights_after: NDArray[np.float64] | None = None,
) -> tuple[Drift, ...]:
    """The population stability index of each feature, the largest first.

    That is the sum of (a - b) ln(a / b) over bins, with b and a the shares of the rows before and after (Siddiqi,
    "Credit Risk Scorecards", 2006). The bins are cut at the deciles before; a value on which several deciles fall has
    a bin of its own, and so have missing cells. No share counts as less than 0.0001.

    Args:
        before: float64[n, d], NaN where missing, one row at least.
        after: float64[m, d], the same, one row at least.
        names: Of the d features.
        weights_before: float64[n], what the rows stand for; None where each stands for itself.
        weights_after: float64[m], the same.
    """
    found = [
        Drift(feature=name, psi=_index(old, new, weights_before, weights_after))
        for name, old, new in zip(names, before.T, after.T, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: -one.psi))


def following_time(inputs: NDArray[np.float64], times: NDArray[np.int64], names: Sequence[str]) -> tuple[str, ...]:
    """The features that rise or fall with time itself (rank correlation beyond 0.999): they drift in any data.

    Args:
        inputs: float64[n, d], NaN where missing. Of more than 100,000 rows, so many are looked at.
        times: int64[n], epoch milliseconds.
        names: Of the d features.
    """
    some = np.linspace(0, len(times) - 1, min(len(times), _MOST_RANKED)).astype(np.int64)
    return tuple(
        name
        for name, values in zip(names, inputs[some].T, strict=True)
        if abs(_rank_correlation(values, times[some])) > _WITH_TIME
    )


def drift_findings(drifts: Sequence[Drift], *, expected: Sequence[str]) -> tuple[Finding, ...]:
    """Warnings of features that moved far: one of those that follow time, one of the others.

    Args:
        drifts: The largest first.
        expected: Features that follow time, see `following_time`.
    """
    far = [one for one in drifts if one.psi > MUCH]
    with_time = [one for one in far if one.feature in expected]
    others = [one for one in far if one.feature not in expected]
    findings = []
    if others:
        much = (
            "so far that the evaluation means little"
            if others[0].psi > TOO_MUCH
            else "measures on the test window may differ from those to come"
        )
        findings.append(_finding(others, f"moved from training to test by more than {MUCH:g} (PSI), {much}"))
    if with_time:
        findings.append(_finding(with_time, "goes with time itself and so drifts in any data: later values are new"))
    return tuple(findings)


def _finding(drifts: Sequence[Drift], what: str) -> Finding:
    named = ", ".join(f"{one.feature!r} ({one.psi:.2f})" for one in drifts[:_MOST_NAMED])
    more = f" and {len(drifts) - _MOST_NAMED} more" if len(drifts) > _MOST_NAMED else ""
    column = drifts[0].feature if len(drifts) == 1 else None
    return Finding(kind="drift", column=column, text=f"{named}{more}: {what}")


def _index(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    weights_before: NDArray[np.float64] | None,
    weights_after: NDArray[np.float64] | None,
) -> float:
    edges = _edges(before, weights_before)
    old, new = _shares(before, edges, weights_before), _shares(after, edges, weights_after)
    return float(np.sum((new - old) * np.log(new / old)))


def _edges(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The upper ends of the bins but the last, float64[k] rising."""
    there = ~np.isnan(values)
    if not there.any():
        return np.empty(0)
    weights_there = None if weights is None else weights[there]
    deciles = np.quantile(values[there], _QUANTILES, method="inverted_cdf", weights=weights_there)
    distinct, times = np.unique(deciles, return_counts=True)
    return np.unique(np.concatenate([distinct, np.nextafter(distinct[times > 1], -np.inf)]))


def _shares(
    values: NDArray[np.float64], edges: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Of the weight, in each bin and, last, missing: float64[k + 2]."""
    bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    found = np.bincount(bins, weights=weights, minlength=len(edges) + 2)
    shares: NDArray[np.float64] = np.maximum(found / found.sum(), _LEAST_SHARE)
    return shares


def _rank_correlation(values: NDArray[np.float64], times: NDArray[np.int64]) -> float:
    """Spearman's, among the rows with a value; 0 where it is not defined."""
    there = ~np.isnan(values)
    ranks, ranks_of_time = _ranks(values[there]), _ranks(times[there])
    spread = ranks.std() * ranks_of_time.std() if there.any() else 0.0
    if spread == 0:
        return 0.0
    return float(((ranks - ranks.mean()) * (ranks_of_time - ranks_of_time.mean())).mean() / spread)


def _ranks(values: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """From 0.5 on, ties sharing their mean."""
    _, of_row, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - counts / 2)[of_row]
    return ranks
