"""Candidates against each other: all fitted to the same rows, and judged by the same later ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.learning.candidates import relative_cost
from model.learning.fitting import Fit, resampled
from model.measuring.bootstrap import mean_average_precision
from model.recipes import Recipe

Worked = Callable[[float], None]

# A regression takes about as long as so many trees of a plain forest.
_REGRESSION_WORK: Final = 6.0


@dataclass(frozen=True, eq=False)
class Bout:
    """One window to be judged, prepared with what was learnt from its own training rows only.

    Attributes:
        training: float32[n, D].
        labels: int8[n].
        judged: float32[m, D].
    """

    training: NDArray[np.float32]
    labels: NDArray[np.int8]
    judged: NDArray[np.float32]


class Contender:
    """A recipe with its fit for each window.

    Attributes:
        recipe: How it is made.
        fits: One for each bout.
        trees: That each of them has by now.
        scores: float64[m], of the judged rows of all bouts; empty before it has grown.
    """

    def __init__(self, recipe: Recipe, bouts: int, *, seed: int) -> None:
        self.recipe: Final = recipe
        self.fits: Final = tuple(Fit(recipe, seed=seed) for _ in range(bouts))
        self.trees = 0
        self.scores: NDArray[np.float64] = np.empty(0)

    @property
    def size(self) -> int:
        """Coefficients or nodes of the last fit, which saw most rows."""
        return self.fits[-1].size


class Contest:
    """The windows and who has been judged by them.

    Args:
        bouts: In the order of time.
        labels: int8[m], of the judged rows of all bouts, one bout after the other.
        weights: float64[m], what each stands for.
        seed: Of every fit.
    """

    def __init__(
        self, bouts: Sequence[Bout], labels: NDArray[np.int8], weights: NDArray[np.float64], *, seed: int
    ) -> None:
        self._bouts: Final = tuple(bouts)
        self._seed: Final = seed
        self.labels: Final = labels
        self.weights: Final = weights
        self.windows: Final = np.repeat(np.arange(len(bouts), dtype=np.int32), [len(bout.judged) for bout in bouts])

    @property
    def features(self) -> int:
        """How many the rows have."""
        return int(self._bouts[0].training.shape[1])

    def enter(self, recipes: Iterable[Recipe]) -> list[Contender]:
        """New contenders, not fitted yet."""
        return [Contender(recipe, len(self._bouts), seed=self._seed) for recipe in recipes]

    def grow(self, contenders: Sequence[Contender], share: float, *, worked: Worked) -> None:
        """Lets each grow to a share of its recipe's trees, and scores with what it has then.

        Args:
            contenders: Of this contest.
            share: Above 0, at most 1.
            worked: Is told of work done, in trees of a plain forest on one window.
        """
        scores: dict[int, list[NDArray[np.float64]]] = {id(one): [] for one in contenders}
        for at, bout in enumerate(self._bouts):
            # Those with the same rows one after the other: only one resampled copy exists at a time.
            for way in sorted({one.recipe.resampling for one in contenders}):
                sample = resampled(way, bout.training, bout.labels, seed=self._seed)
                for one in (one for one in contenders if one.recipe.resampling == way):
                    one.fits[at].grow(sample, _trees(one.recipe, share))
                    scores[id(one)].append(one.fits[at].scores(bout.judged))
                    worked(self.work(one, share) / len(self._bouts))
        for one in contenders:
            one.trees = _trees(one.recipe, share)
            one.scores = np.concatenate(scores[id(one)])

    def work(self, one: Contender, share: float) -> float:
        """What it takes to grow to this share of its trees, in trees of a plain forest on one window."""
        trees = max(0, _trees(one.recipe, share) - one.trees) * relative_cost(one.recipe, features=self.features)
        regression = 0.0 if one.trees else _REGRESSION_WORK
        return len(self._bouts) * (trees if one.recipe.kind == "random_forest" else regression)

    def average_precision(self, one: Contender) -> float:
        """Its mean over the windows."""
        return mean_average_precision(self.labels, one.scores, self.windows, self.weights)

    def best(self, contenders: Iterable[Contender], count: int) -> list[Contender]:
        """The first so many by average precision; of equals, those that entered first."""
        return sorted(contenders, key=lambda one: -self.average_precision(one))[:count]


def _trees(recipe: Recipe, share: float) -> int:
    return max(1, round(share * recipe.trees))
