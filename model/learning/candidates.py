"""Which recipes are tried: a fixed table, always the same, and points of a space of hyper-parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from model.errors import Mendable
from model.recipes import Recipe

SMOTE_RATIOS: Final = ("0.05", "0.1", "0.5")
AUTO: Final = "auto"

# In plain forests of as many trees.
_MOST_COST: Final = 2.0

# Good starting points on published card data, tried before anything random: many features a split and leaves of a
# few rows where features were made with care; random splits and weights where they were not.
_FIRST_TRIED: Final[tuple[dict[str, object], ...]] = (
    {"splits": "random", "max_features": 1.0, "min_samples_leaf": 3},
    {"splits": "random", "max_features": 0.5},
    {"splits": "random", "max_features": 0.5, "min_samples_leaf": 5, "resampling": "weights"},
    {"max_features": 0.5, "min_samples_leaf": 5},
)
_SPACE: Final[dict[str, tuple[object, ...]]] = {
    "splits": ("best", "random"),
    "criterion": ("gini", "entropy"),
    "max_depth": (None, None, 20, 12),
    "min_samples_leaf": (1, 2, 3, 5, 10),
    "max_features": (None, 0.35, 0.5, 0.7, 1.0),
}


class ResamplingUnknown(Mendable):
    """A way of resampling that does not exist."""


def parse_resampling(text: str) -> str:
    """The text as given: one of "auto", "none", "weights" and "smote:R".

    Raises:
        ResamplingUnknown: It is none of them, or R is no number above 0 and at most 1.
    """
    method, _, ratio = text.partition(":")
    if text in {AUTO, "none", "weights"} or (method == "smote" and _is_ratio(ratio)):
        return text
    raise ResamplingUnknown(
        f"resampling {text!r} is not known",
        remedy="give auto, none, weights, or smote:R with 0 < R <= 1 frauds for each legitimate row, as in smote:0.1",
    )


def table(resampling: str, *, trees: int) -> tuple[Recipe, ...]:
    """The recipes that are always compared: both kinds of model with every way of resampling, or with the one given.

    Args:
        resampling: As `parse_resampling` lets through.
        trees: In each forest.
    """
    ways = ["none", "weights", *(f"smote:{ratio}" for ratio in SMOTE_RATIOS)] if resampling == AUTO else [resampling]
    kinds: tuple[Literal["logistic_regression", "random_forest"], ...] = ("logistic_regression", "random_forest")
    return tuple(Recipe(kind=kind, resampling=way, trees=trees) for kind in kinds for way in ways)


def points(
    count: int, *, features: int, resamplings: Sequence[str], trees: int, seed: int, bracket: int = 0
) -> tuple[Recipe, ...]:
    """Forests of the search space: in the first bracket a few known to be good, then random ones, none twice.

    Args:
        count: How many at most.
        features: That rows have; what would take far longer than a plain forest is not tried.
        resamplings: Ways of resampling to draw from; the likelier, the earlier it stands.
        trees: In each of best splits; of random splits, whose trees cost less and differ more, there are twice as many.
        seed: The same gives the same.
        bracket: Another number gives others.
    """
    random = np.random.default_rng((seed, bracket))
    found: dict[Recipe, None] = {}
    if bracket == 0:
        for tried in _FIRST_TRIED:
            recipe = _forest({"resampling": resamplings[0], **tried}, trees)
            if recipe.resampling in resamplings and _is_affordable(recipe, features, trees):
                found[recipe] = None
    for _ in range(50 * count):
        if len(found) >= count:
            break
        drawn = {name: values[random.integers(len(values))] for name, values in _SPACE.items()}
        way = resamplings[min(int(random.geometric(0.5)) - 1, len(resamplings) - 1)]
        recipe = _forest({"resampling": way, **drawn}, trees)
        if _is_affordable(recipe, features, trees):
            found[recipe] = None
    return tuple(found)[:count]


def relative_cost(recipe: Recipe, *, features: int) -> float:
    """What a tree of the recipe takes in time, roughly, where one of a plain forest takes 1."""
    if recipe.kind == "logistic_regression":
        return 0.0
    share = 1.0 if recipe.max_features is None else max(1.0, recipe.max_features * features) / features**0.5
    method, _, ratio = recipe.resampling.partition(":")
    rows = 1 + float(ratio) if method == "smote" else 1.0
    split = 0.25 if recipe.splits == "random" else 1.0
    return share * split * rows * (1.3 if recipe.criterion == "entropy" else 1.0)


def _forest(chosen: dict[str, object], trees: int) -> Recipe:
    grown = 2 * trees if chosen.get("splits") == "random" else trees
    return msgspec.convert({"kind": "random_forest", "trees": grown, **chosen}, Recipe)


def _is_affordable(recipe: Recipe, features: int, trees: int) -> bool:
    return relative_cost(recipe, features=features) * recipe.trees <= _MOST_COST * trees


def _is_ratio(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False
