from __future__ import annotations

import pytest

from model.learning.selection import Contestant, choose, explained
from model.measuring.assessment import Interval
from model.recipes import Recipe

FOREST, REGRESSION = Recipe(kind="random_forest"), Recipe(kind="logistic_regression")


def contestant(
    recipe: Recipe, size: int, precision: float, behind: float | None = None, error: float = 0
) -> Contestant:
    """Behind the best by so much, with such a standard error."""
    interval = Interval(value=precision, low=precision - 0.05, high=precision + 0.05)
    gap = None if behind is None else Interval(value=behind, low=behind - 1.96 * error, high=behind + 1.96 * error)
    return Contestant(recipe, size, interval, gap)


def test_the_best_is_taken_where_it_stands_out() -> None:
    field = [contestant(REGRESSION, 15, 0.60, 0.08, 0.02), contestant(FOREST, 9000, 0.68)]

    assert choose(field) == 1
    assert [row.why for row in explained(field, 1)] == ["the best", "behind by more than the noise"]


def test_inside_the_noise_the_simpler_one_goes() -> None:
    field = [
        contestant(FOREST, 9000, 0.68),
        contestant(FOREST, 4000, 0.67, 0.01, 0.02),
        contestant(FOREST, 2000, 0.61, 0.07, 0.02),
    ]

    assert choose(field) == 1
    rows = explained(field, 1)
    assert [row.average_precision.value for row in rows] == [0.68, 0.67, 0.61]
    assert [row.chosen for row in rows] == [False, True, False]
    assert "not the simplest" in rows[0].why
    assert "simplest of those inside the noise" in rows[1].why


def test_a_regression_is_simpler_than_any_forest() -> None:
    field = [contestant(FOREST, 10, 0.68), contestant(REGRESSION, 500, 0.675, 0.005, 0.006)]

    assert choose(field) == 1


def test_rows_as_they_are_are_simpler_than_made_up_frauds() -> None:
    made_up = Recipe(kind="random_forest", resampling="smote:0.1")

    assert choose([contestant(made_up, 10, 0.68), contestant(FOREST, 9000, 0.675, 0.005, 0.006)]) == 1
    assert choose([contestant(FOREST, 10, 0.6, 0.08, 0.02), contestant(made_up, 9000, 0.68)]) == 1


@pytest.mark.parametrize(("behind", "chosen"), [(0.019, 1), (0.021, 0)])
def test_the_noise_is_one_standard_error(behind: float, chosen: int) -> None:
    assert choose([contestant(FOREST, 9000, 0.68), contestant(FOREST, 10, 0.66, behind, 0.02)]) == chosen
