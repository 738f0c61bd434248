"""A random forest as flat arrays: the scores of scikit-learn's, and what each feature adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.scoring.kernel import KERNEL
from model.scoring.packing import PackedForest, packed

LEAF: Final = -1

# Pairs of a tree and a row that are walked at once: enough to outweigh a call of numpy, few enough for the cache.
_PAIRS: Final = 1 << 16
# Leaves are dropped from the walk once so few of its nodes are left to split: to drop them costs as much as a step.
_WORTH_DROPPING: Final = 0.7

_Nodes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Forest:
    """All trees of a fitted forest, of t trees and m nodes; a node's children stand behind it.

    Attributes:
        roots: int64[t], the nodes where the trees begin.
        feature: int32[m], what a node splits on; `LEAF` where it does not.
        threshold: float64[m]; a row goes left where its feature, as float32, is not above it.
        left: int32[m], the left child; a leaf names itself.
        right: int32[m], the right child; a leaf names itself.
        probability: float64[m], share of frauds among the training rows in a node.
        missing_left: bool[m], whether NaN goes left; None where it always does.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    probability: NDArray[np.float64]
    missing_left: NDArray[np.bool_] | None = None

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score of each row, bit for bit scikit-learn's and the same in whatever batch the row stands.

        The compiled kernel walks where it is loaded (`model.scoring.kernel`), numpy where it is not: with the same
        result, and in the first case without the interpreter's lock.

        Args:
            rows: float64[n, D], D being more than any feature that is split on; NaN goes as in training.

        Returns:
            float64[n], in [0, 1].

        Raises:
            ValueError: The rows have fewer features, or these arrays have a flaw.
        """
        if KERNEL.scores is not None:
            return self._packed.scores(rows, KERNEL.scores)
        return self._walked(rows)

    def contributions(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """What each feature adds to the score that a row has before anything is known of it.

        Along a tree's path each split changes the share of frauds; the change is credited to the feature that is split
        on (Saabas, "Interpreting random forests", 2014; Palczewska et al., "Interpreting random forest models using
        a feature contribution method", 2013). Credits are averaged over the trees.

        The compiled kernel and numpy give the same bits here too, in whatever batch a row stands.

        Args:
            rows: float64[n, D], as in `probabilities`.

        Returns:
            float64[n, D], which add up to a row's score minus the base, and the base: the mean share of frauds in the
            roots.

        Raises:
            ValueError: As in `probabilities`.
        """
        if KERNEL.credits is not None:
            return self._packed.credits(rows, KERNEL.credits), self._base
        return self._credits(rows), self._base

    def flaw(self, features: int) -> str | None:
        """Why these arrays are no forest over so many features; None where they are one.

        In a forest without a flaw every walk ends, after as many steps as there are nodes at most.
        """
        roots, count = self.roots, len(self.feature)
        if any(len(one) != count for one in self._parts):
            return "its nodes have not all their parts"
        if len(roots) == 0 or roots[0] != 0 or (roots[1:] <= roots[:-1]).any() or roots[-1] >= count:
            return "its trees do not stand one behind the other"
        if (self.feature < LEAF).any() or (self.feature >= features).any():
            return f"it splits on others than its {features} features"
        if misplaced := self._misplaced():
            return misplaced
        # A split into what is there and what is missing has an infinity.
        if np.isnan(self.threshold).any():
            return "a threshold is no number"
        return None if ((self.probability >= 0) & (self.probability <= 1)).all() else "a probability is none"

    def _misplaced(self) -> str | None:
        """Why the nodes are no trees; None where they are. Roots and features are those of a forest."""
        count, leaf = len(self.feature), self.feature == LEAF
        node, ends = np.arange(count), np.append(self.roots[1:], count)
        end = np.repeat(ends, ends - self.roots)
        for child in (self.left, self.right):
            if not np.where(leaf, child == node, (child > node) & (child < end)).all():
                return "a node's child does not stand behind it in its tree"
        reached = np.concatenate([self.roots, self.left[~leaf], self.right[~leaf]])
        alone = (np.bincount(reached, minlength=count) == 1).all()
        return None if alone else "a node is the child of none, or of two"

    def _walked(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores by numpy.

        The trees' shares are added up one after the other: the last bits of a sum depend on its order.
        """
        narrow = self._fitting(rows)
        total = np.zeros(len(rows))
        for first in range(0, len(rows), _PAIRS):
            some = narrow[first : first + _PAIRS]
            trees = max(1, _PAIRS // len(some))
            for tree in range(0, len(self.roots), trees):
                shares = self.probability.take(self._leaves(self.roots[tree : tree + trees], some))
                shares[0] += total[first : first + _PAIRS]
                total[first : first + _PAIRS] = np.add.accumulate(shares, axis=0)[-1]
        return total / len(self.roots)

    def _leaves(self, roots: NDArray[np.int64], rows: NDArray[np.float32]) -> _Nodes:
        """Where float32[n, D] end in the trees of `roots`, int64[k]: intp[k, n]."""
        leaves = np.repeat(roots, len(rows)).astype(np.intp)
        node, pairs = leaves.copy(), np.arange(len(leaves))
        cells = np.tile(np.arange(len(rows)) * rows.shape[1], len(roots))
        gaps = bool(np.isnan(rows).any())
        while True:
            feature = self._features.take(node)
            splits = feature >= 0
            left = np.count_nonzero(splits)
            if left == 0:
                break
            if left < _WORTH_DROPPING * len(node):
                leaves[pairs] = node
                kept = np.flatnonzero(splits)
                node, pairs, cells, feature = node.take(kept), pairs.take(kept), cells.take(kept), feature.take(kept)
            node = self._step(node, feature, cells, rows, gaps=gaps)
        leaves[pairs] = node
        return leaves.reshape(len(roots), len(rows))

    def _credits(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The contributions by numpy, float64[n, D]."""
        narrow = self._fitting(rows)
        total = np.zeros(narrow.shape)
        at_once = max(1, _PAIRS // len(self.roots))
        for first in range(0, len(rows), at_once):
            total[first : first + at_once] = self._changes(narrow[first : first + at_once])
        return total / len(self.roots)

    def _changes(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The changes along the paths of float32[n, D] through all trees, by feature: float64[n, D].

        They are added up step after step, in each of them tree after tree: as in the kernel, to the last bit.
        """
        total = np.zeros(rows.size)
        node = np.repeat(self.roots, len(rows)).astype(np.intp)
        cells = np.tile(np.arange(len(rows)) * rows.shape[1], len(self.roots))
        gaps = bool(np.isnan(rows).any())
        everywhere = np.arange(rows.size)
        while len(node):
            feature = self._features.take(node)
            kept = np.flatnonzero(feature >= 0)
            node, cells, feature = node.take(kept), cells.take(kept), feature.take(kept)
            child = self._step(node, feature, cells, rows, gaps=gaps)
            change = self.probability.take(child) - self.probability.take(node)
            # Counted from what there is already, as a sum of two sums has other bits.
            places, changes = np.concatenate([everywhere, cells + feature]), np.concatenate([total, change])
            total[:] = np.bincount(places, weights=changes)
            node = child
        return total.reshape(rows.shape)

    def _step(self, node: _Nodes, feature: _Nodes, cells: _Nodes, rows: NDArray[np.float32], *, gaps: bool) -> _Nodes:
        """The child that each pair goes on to; a leaf stays where it is.

        Args:
            node: intp[k].
            feature: intp[k], what the nodes split on, `LEAF` included.
            cells: intp[k], where the pairs' rows begin in `rows`.
            rows: float32[n, D], C-contiguous.
            gaps: Whether some of them are NaN.
        """
        # A leaf's -1 names the cell before the row's first; what stands there does not matter.
        values = rows.reshape(-1).take(cells + feature, mode="clip")
        right = values > self._thresholds.take(node)
        if gaps:
            right |= np.isnan(values) & self._missing_right.take(node)
        sides = node + node
        sides += right
        return self._children.take(sides)

    def _fitting(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """The rows as numpy walks them, held against the widest feature."""
        if rows.ndim != 2 or rows.shape[1] < self._width:
            message = f"expected rows of {self._width} features at least, got an array of shape {rows.shape}"
            raise ValueError(message)
        return _narrowed(rows)

    @property
    def _parts(self) -> tuple[NDArray[Any], ...]:
        """What there is of each node besides its feature."""
        parts = (self.threshold, self.left, self.right, self.probability)
        return parts if self.missing_left is None else (*parts, self.missing_left)

    @cached_property
    def _width(self) -> int:
        """Features that a row has at least."""
        return int(self.feature.max(initial=0)) + 1

    @cached_property
    def _base(self) -> float:
        """The mean share of frauds in the roots."""
        return float(np.add.accumulate(self.probability.take(self.roots))[-1] / len(self.roots))

    @cached_property
    def _packed(self) -> PackedForest:
        # The kernel believes what it is given, wherever these arrays come from.
        if flaw := self.flaw(self._width):
            message = f"these arrays are no forest: {flaw}"
            raise ValueError(message)
        return packed(
            roots=self.roots,
            feature=self.feature,
            threshold=self._thresholds,
            left=self.left,
            right=self.right,
            missing_right=self._missing_right,
            probability=self.probability,
        )

    @cached_property
    def _missing_right(self) -> NDArray[np.bool_]:
        """bool[m], False in a leaf."""
        if self.missing_left is None:
            return np.zeros(len(self.feature), np.bool_)
        return (self.feature >= 0) & ~self.missing_left

    @cached_property
    def _features(self) -> _Nodes:
        return self.feature.astype(np.intp)

    @cached_property
    def _children(self) -> _Nodes:
        """intp[2 m]: of each node the left child, then the right one."""
        return np.column_stack([self.left, self.right]).astype(np.intp).reshape(-1)

    @cached_property
    def _thresholds(self) -> NDArray[np.float32]:
        """float32[m]: the largest that is not above the threshold, which float32 cannot tell from it."""
        nearest = _narrowed(self.threshold)
        above = nearest.astype(np.float64) > self.threshold
        nearest[above] = np.nextafter(nearest[above], np.float32(-np.inf))
        return nearest


def _narrowed(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """As float32, C-contiguous, and a copy; too large a number becomes an infinity."""
    with np.errstate(over="ignore"):
        return numbers.astype(np.float32, order="C")
