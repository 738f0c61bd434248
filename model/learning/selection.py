"""Which candidate is taken: the best, unless a simpler one is as good as far as the noise lets one see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from model.measuring.assessment import Candidate, Interval
from model.recipes import Recipe

# A 95 % interval of a normal quantity is so many standard errors wide.
_ERRORS_WIDE: Final = 3.92
_KINDS: Final = ("logistic_regression", "random_forest")


@dataclass(frozen=True)
class Contestant:
    """A candidate as far as the choice needs to know it.

    Attributes:
        recipe: How it is made.
        size: Its coefficients or nodes.
        average_precision: On the validation windows.
        behind: By how much the best is ahead, paired; None for the best itself.
    """

    recipe: Recipe
    size: int
    average_precision: Interval
    behind: Interval | None


def choose(contestants: Sequence[Contestant]) -> int:
    """Its place among `contestants`, one at least.

    The rule of one standard error (Breiman, Friedman, Olshen, Stone, "Classification and Regression Trees", 1984):
    of those that are behind the best by no more than the standard error of that difference, the simplest. A
    regression is simpler than a forest, then the rows as they are than made-up frauds among them, then fewer nodes
    than more.
    """
    near = [at for at, one in enumerate(contestants) if is_as_good(one)]
    return min(near, key=lambda at: (*_complexity(contestants[at]), at))


def is_as_good(one: Contestant) -> bool:
    """Whether it is the best, or behind by no more than one standard error."""
    if one.behind is None:
        return True
    return one.behind.value <= (one.behind.high - one.behind.low) / _ERRORS_WIDE


def _complexity(one: Contestant) -> tuple[int, bool, int]:
    return _KINDS.index(one.recipe.kind), one.recipe.resampling.startswith("smote"), one.size


def explained(contestants: Sequence[Contestant], chosen: int) -> tuple[Candidate, ...]:
    """The finalists' rows of the table, best first."""
    rows = [
        Candidate(
            recipe=one.recipe,
            average_precision=one.average_precision,
            behind=one.behind,
            stage="search",
            chosen=at == chosen,
            why=_why(one, chosen=at == chosen),
        )
        for at, one in enumerate(contestants)
    ]
    return tuple(sorted(rows, key=lambda row: -row.average_precision.value))


def _why(one: Contestant, *, chosen: bool) -> str:
    if chosen:
        return "the best" if one.behind is None else "the simplest of those inside the noise"
    if one.behind is None:
        return "the best, but inside the noise and not the simplest"
    return "inside the noise, but not the simplest" if is_as_good(one) else "behind by more than the noise"
