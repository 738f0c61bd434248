"""Inputs that are the label in another form: a model that gets one judges well here and nothing later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from model.data.dataset import Dataset
from model.errors import Mendable
from model.profile import Profile

LEAST_ROC_AUC: Final = 0.9999
LEAST_ROWS: Final = 10  # of frauds and of legitimate rows; of fewer, good luck may separate some
MOST_CATEGORIES: Final = 20
_ROWS_A_CATEGORY: Final = 5  # of the rarer class, at least, or it were pure by chance
_MOST_LEGITIMATE: Final = 200_000
_MOST_FOR_RANGES: Final = 50_000
_RANGES: Final = 4
_LARGEST: Final = 1e38  # of the 32 bits that a tree computes with


@dataclass(frozen=True)
class Leak:
    """An input that tells the label by itself.

    Attributes:
        column: The input.
        roc_auc: Of what tells it, from `LEAST_ROC_AUC` to 1.
        how: What tells it, as a phrase.
    """

    column: str
    roc_auc: float
    how: str

    def __str__(self) -> str:
        return f"{self.column!r} ({self.how}, ROC AUC {self.roc_auc:.4f})"


class LabelLeaks(Mendable):
    """Inputs that tell the label by themselves, all at once."""

    def __init__(self, leaks: Sequence[Leak]) -> None:
        super().__init__(
            f"these inputs tell fraud from legitimate by themselves: {'; '.join(map(str, leaks))}",
            remedy="take them out of the profile's inputs, or, where they are known when a transaction is judged, "
            "allow them with --allow-leaks",
        )


def leaks(dataset: Dataset, profile: Profile) -> tuple[Leak, ...]:
    """The inputs by which alone frauds can be told, in the profile's order.

    Told by the values, from high to low or from low to high; by whether there is a value; or by categories
    (`MOST_CATEGORIES` at most) each of which stands in frauds only or in legitimate rows only; or by a few ranges. Of
    more than 200,000 legitimate rows, so many are looked at, always the same.

    Args:
        dataset: With labels. With fewer than `LEAST_ROWS` rows of either class there is nothing to find.
        profile: It was read with.
    """
    assert dataset.labels is not None, "read with need_labels=True"
    is_fraud = dataset.labels == 1
    frauds, legitimate = np.flatnonzero(is_fraud), np.flatnonzero(~is_fraud)
    if len(legitimate) > _MOST_LEGITIMATE:
        legitimate = np.sort(np.random.default_rng(0).choice(legitimate, _MOST_LEGITIMATE, replace=False))
    if min(len(frauds), len(legitimate)) < LEAST_ROWS:
        return ()
    found = (
        _leak(name, dataset.inputs[frauds, at], dataset.inputs[legitimate, at])
        or _told_by_category(name, dataset.inputs[:, at], is_fraud)
        or _told_by_ranges(name, dataset.inputs[frauds, at], dataset.inputs[legitimate[:_MOST_FOR_RANGES], at])
        for at, name in enumerate(profile.inputs)
    )
    return tuple(leak for leak in found if leak is not None)


def _leak(name: str, frauds: NDArray[np.float64], legitimate: NDArray[np.float64]) -> Leak | None:
    there, there_too = ~np.isnan(frauds), ~np.isnan(legitimate)
    if min(there.sum(), there_too.sum()) >= LEAST_ROWS:
        higher = _roc_auc(frauds[there], legitimate[there_too])
        if max(higher, 1 - higher) >= LEAST_ROC_AUC:
            how = f"its {'high' if higher > 0.5 else 'low'} values are the frauds'"
            return Leak(name, max(higher, 1 - higher), how)
    given = _roc_auc(there.astype(np.float64), there_too.astype(np.float64))
    if max(given, 1 - given) >= LEAST_ROC_AUC:
        how = f"it has a value in {'frauds' if given > 0.5 else 'legitimate rows'} only"
        return Leak(name, max(given, 1 - given), how)
    return None


def _told_by_category(name: str, values: NDArray[np.float64], is_fraud: NDArray[np.bool_]) -> Leak | None:
    """Looks at every row, since a category of which one row is missed would seem pure."""
    if len(np.unique(values[: 100 * MOST_CATEGORIES])) > MOST_CATEGORIES:
        return None
    categories, of_row = np.unique(values, return_inverse=True)
    rarer = min(int(is_fraud.sum()), int((~is_fraud).sum()))
    if len(categories) > min(MOST_CATEGORIES, rarer // _ROWS_A_CATEGORY):
        return None
    frauds = np.bincount(of_row, weights=is_fraud, minlength=len(categories))
    rows = np.bincount(of_row, minlength=len(categories))
    if ((frauds > 0) & (frauds < rows)).any():
        return None
    return Leak(name, 1.0, f"each of its {len(categories)} values stands in frauds only or in legitimate rows only")


def _told_by_ranges(name: str, frauds: NDArray[np.float64], legitimate: NDArray[np.float64]) -> Leak | None:
    """By a tree of a few leaves: a band in the middle, say, which the order of the values does not show."""
    values = np.concatenate([frauds, legitimate])
    if np.isnan(values).all():
        return None
    rows = np.nan_to_num(values, nan=np.nanmin(values) - 1, posinf=None, neginf=None)[:, np.newaxis]
    labels = np.repeat([1, 0], [len(frauds), len(legitimate)])
    tree = DecisionTreeClassifier(max_leaf_nodes=_RANGES, min_samples_leaf=_ROWS_A_CATEGORY, random_state=0)
    with np.errstate(over="ignore"):
        rows = np.clip(rows, -_LARGEST, _LARGEST)
    scores = tree.fit(rows, labels).predict_proba(rows)[:, 1]
    area = _roc_auc(scores[: len(frauds)], scores[len(frauds) :])
    return Leak(name, area, "a few ranges of its values are the frauds'") if area >= LEAST_ROC_AUC else None


def _roc_auc(frauds: NDArray[np.float64], legitimate: NDArray[np.float64]) -> float:
    """The share of pairs in which the fraud has the higher value, ties counting half."""
    in_order = np.sort(legitimate)
    below = np.searchsorted(in_order, frauds, side="left").sum() + np.searchsorted(in_order, frauds, side="right").sum()
    return float(below) / (2 * len(frauds) * len(legitimate))
