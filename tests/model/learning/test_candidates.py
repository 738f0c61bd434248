from __future__ import annotations

import pytest

from model.learning.candidates import (
    SMOTE_RATIOS,
    ResamplingUnknown,
    parse_resampling,
    points,
    relative_cost,
    table,
)
from model.recipes import Recipe


def test_the_table_has_both_kinds_with_every_way_of_resampling() -> None:
    ways = ["none", "weights", *(f"smote:{ratio}" for ratio in SMOTE_RATIOS)]

    recipes = table("auto", trees=32)

    assert len(SMOTE_RATIOS) > 1
    assert [(one.kind, one.resampling) for one in recipes] == [
        (kind, way) for kind in ("logistic_regression", "random_forest") for way in ways
    ]
    assert [(one.kind, one.resampling) for one in table("smote:0.2", trees=32)] == [
        ("logistic_regression", "smote:0.2"),
        ("random_forest", "smote:0.2"),
    ]


def test_points_are_reproducible_and_none_comes_twice() -> None:
    first = points(30, features=16, resamplings=["none", "weights"], trees=100, seed=7)

    assert len(set(first)) == 30
    assert first == points(30, features=16, resamplings=["none", "weights"], trees=100, seed=7)
    assert first != points(30, features=16, resamplings=["none", "weights"], trees=100, seed=8)
    assert {one.resampling for one in first} == {"none", "weights"}
    assert not set(first[4:]) & set(points(26, features=16, resamplings=["none"], trees=100, seed=7, bracket=1)[:1])


def test_points_keep_to_the_resampling_that_was_asked_for() -> None:
    assert {one.resampling for one in points(12, features=16, resamplings=["smote:0.1"], trees=10, seed=1)} == {
        "smote:0.1"
    }


def test_random_splits_get_twice_the_trees() -> None:
    trees = {one.splits: one.trees for one in points(12, features=16, resamplings=["none"], trees=50, seed=1)}

    assert trees == {"random": 100, "best": 50}


def test_what_would_take_far_too_long_is_not_tried() -> None:
    for features in (4, 100):
        tried = points(12, features=features, resamplings=["none", "smote:0.5"], trees=100, seed=1)

        assert len(tried) == 12
        assert all(relative_cost(one, features=features) * one.trees <= 200 for one in tried)


def test_costs_rise_with_what_a_tree_has_to_look_at() -> None:
    plain = Recipe(kind="random_forest")

    assert relative_cost(plain, features=25) == 1
    assert relative_cost(Recipe(kind="random_forest", max_features=0.4), features=25) == 2
    assert relative_cost(Recipe(kind="random_forest", splits="random"), features=25) < 1
    assert relative_cost(Recipe(kind="random_forest", resampling="smote:0.5"), features=25) == 1.5
    assert relative_cost(Recipe(kind="logistic_regression"), features=25) == 0


@pytest.mark.parametrize("text", ["auto", "none", "weights", "smote:0.1", "smote:1"])
def test_known_ways_are_let_through(text: str) -> None:
    assert parse_resampling(text) == text


@pytest.mark.parametrize("text", ["", "smote", "smote:", "smote:0", "smote:1.5", "smote:x", "adasyn:0.1", "smote:nan"])
def test_unknown_ways_are_named_with_those_that_are_known(text: str) -> None:
    with pytest.raises(ResamplingUnknown, match=f"'{text}'.*smote:R"):
        parse_resampling(text)


def test_labels_say_what_differs_from_the_usual() -> None:
    assert Recipe(kind="random_forest").label == "random forest, none"
    unusual = Recipe(kind="random_forest", resampling="weights", splits="random", trees=50, min_samples_leaf=3)
    assert unusual.label == "random forest with random splits, weights, trees 50, leaf 3"
    assert Recipe(kind="logistic_regression", penalty=0.5).label == "logistic regression, none, C=0.5"
