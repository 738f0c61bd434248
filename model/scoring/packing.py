"""A forest as the compiled walk wants it: twelve bytes a node, the two children of a node side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# `struct node` of kernel.c.
_NODE: Final = np.dtype([("threshold", np.float32), ("feature", np.int32), ("left", np.int32)])
# Rows that go through all trees before the next ones do: few enough for the processor's caches to hold them.
_BLOCK: Final = 256


@dataclass(frozen=True, eq=False)
class PackedForest:
    """The nodes of t trees, m of them, as bytes that nobody changes once they are checked.

    Attributes:
        nodes: m times threshold, feature and left child; the right child stands behind the left one.
        missing_right: uint8[m], 1 where NaN goes right.
        probability: float64[m].
        roots: int64[t].
        trees: t.
        width: Features that a row has at least.
    """

    nodes: bytes
    missing_right: bytes
    probability: bytes
    roots: bytes
    trees: int
    width: int

    def scores(self, rows: NDArray[np.float64], kernel: Callable[..., Any]) -> NDArray[np.float64]:
        """The score of each row.

        Args:
            rows: float64[n, D], D being `width` or more.
            kernel: `forest_scores` of kernel.c.

        Returns:
            float64[n], in [0, 1].

        Raises:
            ValueError: `rows` is no matrix of so many columns.
        """
        rows = self._fitting(rows)
        count, width = rows.shape
        narrow = np.empty(min(count, _BLOCK) * width, np.float32)
        scores = np.empty(count)
        kernel(
            self.nodes,
            self.missing_right,
            self.probability,
            self.roots,
            self.trees,
            rows.ctypes.data,
            count,
            width,
            _BLOCK,
            narrow.ctypes.data,
            scores.ctypes.data,
        )
        return scores

    def credits(self, rows: NDArray[np.float64], kernel: Callable[..., Any]) -> NDArray[np.float64]:
        """What each feature adds to the score of each row.

        Args:
            rows: float64[n, D], as in `scores`.
            kernel: `forest_credits` of kernel.c.

        Returns:
            float64[n, D].

        Raises:
            ValueError: As in `scores`.
        """
        rows = self._fitting(rows)
        count, width = rows.shape
        narrow, at = np.empty(width, np.float32), np.empty(self.trees, np.int32)
        credited = np.empty((count, width))
        kernel(
            self.nodes,
            self.missing_right,
            self.probability,
            self.roots,
            self.trees,
            rows.ctypes.data,
            count,
            width,
            narrow.ctypes.data,
            at.ctypes.data,
            credited.ctypes.data,
        )
        return credited

    def _fitting(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rows as the kernel reads them, held against the widest feature."""
        rows = np.ascontiguousarray(rows, np.float64)
        if rows.ndim != 2 or rows.shape[1] < self.width:
            message = f"expected rows of {self.width} features at least, got an array of shape {rows.shape}"
            raise ValueError(message)
        return rows


def packed(
    *,
    roots: NDArray[np.int64],
    feature: NDArray[np.int32],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    missing_right: NDArray[np.bool_],
    probability: NDArray[np.float64],
) -> PackedForest:
    """A forest without a flaw, laid out anew: the children of a tree's splits in the order of the splits.

    Args:
        roots: int64[t].
        feature: int32[m], below 0 in a leaf.
        threshold: float32[m].
        left: int32[m].
        right: int32[m].
        missing_right: bool[m], False in a leaf.
        probability: float64[m].
    """
    count, splits = len(feature), np.flatnonzero(feature >= 0)
    ends = np.append(roots[1:], count)
    tree = np.repeat(np.arange(len(roots)), ends - roots)[splits]
    # Splits of the trees before: each has two children, and each tree a root.
    before = np.searchsorted(splits, roots)
    place = np.empty(count, np.int64)
    place[roots] = roots
    place[left[splits]] = roots[tree] + 1 + 2 * (np.arange(len(splits)) - before[tree])
    place[right[splits]] = place[left[splits]] + 1

    nodes = np.empty(count, _NODE)
    nodes["threshold"], nodes["feature"] = np.inf, 0
    nodes["left"] = np.arange(count)
    nodes["threshold"][place[splits]] = threshold[splits]
    nodes["feature"][place[splits]] = feature[splits]
    nodes["left"][place[splits]] = place[left[splits]]
    strays, shares = np.empty(count, np.uint8), np.empty(count)
    strays[place], shares[place] = missing_right, probability
    return PackedForest(
        nodes=nodes.tobytes(),
        missing_right=strays.tobytes(),
        probability=shares.tobytes(),
        roots=roots.astype(np.int64).tobytes(),
        trees=len(roots),
        # A leaf looks at the first feature too.
        width=int(feature.max(initial=0)) + 1,
    )
