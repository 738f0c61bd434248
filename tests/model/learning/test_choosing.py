from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import msgspec
import numpy as np
import pytest

from model.learning.candidates import table
from model.learning.choosing import Choice, SearchPlan, choose_recipe
from model.learning.contest import Bout, Contest
from model.recipes import Recipe

SOURCE = np.random.default_rng(11)


def bout(rows: int, judged: int) -> tuple[Bout, np.ndarray]:
    features = SOURCE.normal(size=(rows + judged, 4)).astype(np.float32)
    # A fraud is where two features agree: no line parts it from the others.
    labels = ((features[:, 0] * features[:, 1] + 0.3 * SOURCE.normal(size=len(features))) > 1.6).astype(np.int8)
    return Bout(training=features[:rows], labels=labels[:rows], judged=features[rows:]), labels[rows:]


BOUTS = [bout(800, 400), bout(1000, 500)]


def contest() -> Contest:
    labels = np.concatenate([labels for _, labels in BOUTS])
    return Contest([one for one, _ in BOUTS], labels, np.ones(len(labels)), seed=3)


def chosen(plan: SearchPlan, timer: Callable[[], float] = lambda: 0.0) -> tuple[Choice, list[tuple[str, float]]]:
    told: list[tuple[str, float]] = []
    choice = choose_recipe(contest(), plan, progress=lambda doing, share: told.append((doing, share)), timer=timer)
    return choice, told


@pytest.fixture(scope="module")
def searched() -> tuple[Choice, list[tuple[str, float]]]:
    return chosen(SearchPlan(trees=60, seed=3))


def test_the_table_is_whole_and_the_finalists_have_the_same_trees(
    searched: tuple[Choice, list[tuple[str, float]]],
) -> None:
    choice, _ = searched

    stages = {stage: [row for row in choice.candidates if row.stage == stage] for stage in ("table", "search")}
    assert {row.recipe for row in stages["table"]} == set(table("auto", trees=24))
    assert {
        (row.recipe.splits, row.recipe.trees) for row in stages["search"] if row.recipe.kind == "random_forest"
    } <= {
        ("best", 33),
        ("random", 66),
    }
    (chosen_row,) = (row for row in choice.candidates if row.chosen)
    assert msgspec.structs.replace(chosen_row.recipe, trees=choice.recipe.trees) == choice.recipe
    for rows in stages.values():
        assert sum(row.behind is None for row in rows) == 1
        precisions = [row.average_precision.value for row in rows]
        assert precisions == sorted(precisions, reverse=True)


def test_what_no_line_can_part_goes_to_a_forest(searched: tuple[Choice, list[tuple[str, float]]]) -> None:
    choice, _ = searched

    assert choice.recipe.kind == "random_forest"
    assert choice.other.kind == "logistic_regression"
    assert len(choice.scores) == len(choice.other_scores) == 900


def test_progress_rises_to_the_end(searched: tuple[Choice, list[tuple[str, float]]]) -> None:
    _, told = searched

    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] > 0.7
    assert {doing for doing, _ in told} == {
        "comparing candidates",
        "searching",
        "growing finalists",
        "growing the forest",
    }


def test_the_same_seed_chooses_the_same(searched: tuple[Choice, list[tuple[str, float]]]) -> None:
    choice, _ = searched

    again, _ = chosen(SearchPlan(trees=60, seed=3))

    assert again.recipe == choice.recipe
    assert again.candidates == choice.candidates
    assert again.scores.tobytes() == choice.scores.tobytes()


def test_without_a_budget_only_the_table_is_tried() -> None:
    choice, _ = chosen(SearchPlan(trees=12, budget_s=0, seed=3))

    finalists = [row.recipe for row in choice.candidates if row.stage == "search"]
    assert {recipe.kind for recipe in finalists} == {"random_forest", "logistic_regression"}
    assert len(finalists) == 2
    assert "not searched" in choice.notes[0]


def test_a_budget_is_kept_to_and_a_larger_one_tries_more() -> None:
    def clock() -> Callable[[], float]:
        ticks: Iterator[int] = count()
        return lambda: float(next(ticks))  # a second at each look

    def tried(budget_s: float) -> int:
        choice, _ = chosen(SearchPlan(trees=12, budget_s=budget_s, seed=3), clock())
        return int(choice.notes[0].split(": ")[1].split()[0])

    assert 0 <= tried(2) < tried(12)


def test_one_way_of_resampling_may_be_asked_for() -> None:
    choice, _ = chosen(SearchPlan(resampling="smote:0.3", trees=9, budget_s=0, seed=3))

    assert {row.recipe.resampling for row in choice.candidates} == {"smote:0.3"}


def test_a_contest_measures_each_window_by_itself() -> None:
    running = contest()
    one, two = running.enter([Recipe(kind="random_forest", trees=9), Recipe(kind="logistic_regression")])

    running.grow([one, two], 1.0, worked=lambda _: None)

    assert running.windows.tolist() == [0] * 400 + [1] * 500
    assert running.best([two, one], 1) == [one]
    assert running.average_precision(one) > running.average_precision(two)
    assert one.trees == 9
    assert one.size == sum(tree.tree_.node_count for tree in one.fits[-1].classifier.estimators_)
