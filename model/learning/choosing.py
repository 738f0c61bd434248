"""The choice of a recipe: the fixed table, a search of hyper-parameters, and a final among the best of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.learning.candidates import AUTO, points, table
from model.learning.contest import Contender, Contest
from model.learning.selection import Contestant, choose, explained, is_as_good
from model.measuring.assessment import Candidate, Interval
from model.measuring.bootstrap import bootstrap_intervals, paired_difference
from model.recipes import Recipe

# Enough to tell ways of resampling apart: the table's forests differ in nothing else.
_TABLE_TREES: Final = 24
# What is compared in the end: from here on more trees change little in who is the best.
_FINAL_TREES: Final = 33
_FIRST_TREES: Final = 11
_BRACKET: Final = 8
_LEFT: Final = 2
_ROUNDS: Final = 1000
# What is estimated from what has been seen so far is out by about that.
_MARGIN: Final = 1.25


@dataclass(frozen=True)
class SearchPlan:
    """How much is tried.

    Attributes:
        resampling: As `model.learning.candidates.parse_resampling` lets through.
        trees: In a finished forest; fewer are enough to compare.
        budget_s: Seconds for table and search; 0 searches nothing; None is one bracket of eight, however long it
            takes: only that is the same on every machine.
        seed: Of every random choice.
    """

    resampling: str = AUTO
    trees: int = 200
    budget_s: float | None = None
    seed: int = 7


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen and why.

    Attributes:
        recipe: The chosen one.
        other: The best recipe of the other kind of model, for comparison.
        scores: float64[m], of the chosen one on the judged rows, uncalibrated.
        other_scores: float64[m], of the other.
        candidates: The table and the finalists, best first within each.
        notes: What did not go as usual.
    """

    recipe: Recipe
    other: Recipe
    scores: NDArray[np.float64]
    other_scores: NDArray[np.float64]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


@dataclass
class _Clock:
    """How much is done and how long that took, to tell how long the rest will take."""

    timer: Callable[[], float]
    budget_s: float | None
    tell: Callable[[str, float], None]
    total: float = 1.0
    done: float = 0.0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.timer()

    def has_time_for(self, work: float) -> bool:
        if self.budget_s is None:
            return True
        spent = self.timer() - self.started
        return spent + _MARGIN * work * spent / max(self.done, 1.0) <= self.budget_s

    def worked(self, doing: str, work: float) -> None:
        self.done += work
        self.tell(doing, min(self.done / self.total, 1.0))


def choose_recipe(
    contest: Contest,
    plan: SearchPlan,
    *,
    progress: Callable[[str, float], None],
    timer: Callable[[], float] = time.monotonic,
) -> Choice:
    """Compares, searches, and takes the best, or a simpler one that is as good as far as can be seen.

    Args:
        contest: The windows before the test window.
        plan: How much to try.
        progress: Is told what is being done and the share of all that is done.
        timer: Monotonic seconds.
    """
    clock = _Clock(timer, plan.budget_s, progress)
    fixed = contest.enter(table(plan.resampling, trees=plan.trees))
    clock.total = sum(contest.work(one, _share(plan, _TABLE_TREES)) for one in fixed) + _work_ahead(contest, plan)
    contest.grow(fixed, _share(plan, _TABLE_TREES), worked=lambda work: clock.worked("comparing candidates", work))
    rows = _table_rows(contest, fixed, seed=plan.seed)
    regressions = [one for one in fixed if one.recipe.kind == "logistic_regression"]
    forests = contest.best((one for one in fixed if one.recipe.kind == "random_forest"), len(fixed))

    found, notes = _search(contest, plan, clock, [one.recipe.resampling for one in forests])
    # The best default forest is a finalist as well, with as many trees as the others.
    contest.grow(forests[:1], _share(plan, _FINAL_TREES), worked=lambda work: clock.worked("growing finalists", work))
    finalists = [forests[0], *found, *contest.best(regressions, 1)]
    contestants = _contestants(contest, finalists, seed=plan.seed)
    at = choose(contestants)
    chosen, other = finalists[at], _best_of_another_kind(contest, finalists, finalists[at])
    # Only now, as more trees change less the more there are: scores of all windows from whole forests.
    contest.grow([chosen, other], 1.0, worked=lambda work: clock.worked("growing the forest", work))
    return Choice(
        recipe=chosen.recipe,
        other=other.recipe,
        scores=chosen.scores,
        other_scores=other.scores,
        candidates=(*rows, *explained(contestants, at)),
        notes=(*notes, *dict.fromkeys(note for one in (*fixed, *finalists) for fit in one.fits for note in fit.notes)),
    )


def _search(
    contest: Contest, plan: SearchPlan, clock: _Clock, ways: Sequence[str]
) -> tuple[list[Contender], tuple[str, ...]]:
    """The best of all brackets, and a note where time ran out.

    Each bracket is one of successive halving (Jamieson and Talwalkar, AISTATS 2016) with two rungs.
    """
    found: list[Contender] = []
    if plan.budget_s == 0:
        return found, ("hyper-parameters were not searched, as the budget is 0",)
    # The two best ways of resampling the default forest, and both that need no made-up frauds.
    resamplings = list(dict.fromkeys([*ways[:2], *(way for way in ways if not way.startswith("smote"))]))
    seen: set[Recipe] = set()
    bracket = 0
    while plan.budget_s is not None or bracket == 0:
        new = [recipe for recipe in _points(contest, plan, resamplings, bracket) if recipe not in seen]
        if not new:
            return found, (f"the search ended before its budget: nothing new after {len(seen)} forests",)
        running = contest.enter(new)
        for trees, left in ((_FIRST_TREES, len(running)), (_FINAL_TREES, _LEFT)):
            share = _share(plan, trees)
            running = running if running[0].trees == 0 else contest.best(running, left)
            work = sum(contest.work(one, share) for one in running)
            if not clock.has_time_for(work):
                tried = len(seen) + (len(new) if running[0].trees else 0)
                return found, (f"the search ended with its budget of {plan.budget_s:g} s: {tried} forests tried",)
            contest.grow(running, share, worked=lambda work: clock.worked("searching", work))
        found = contest.best([*found, *running], _LEFT)
        seen.update(new)
        bracket += 1
    return found, ()


def _points(contest: Contest, plan: SearchPlan, resamplings: Sequence[str], bracket: int) -> tuple[Recipe, ...]:
    return points(
        _BRACKET,
        features=contest.features,
        resamplings=resamplings,
        trees=plan.trees,
        seed=plan.seed,
        bracket=bracket,
    )


def _share(plan: SearchPlan, trees: int) -> float:
    """Of a recipe's trees."""
    return min(1.0, trees / plan.trees)


def _work_ahead(contest: Contest, plan: SearchPlan) -> float:
    """After the table, before it is known what will be in it."""
    plain = contest.enter([Recipe(kind="random_forest", trees=plan.trees)])[0]
    work = contest.work(plain, 1.0)
    if plan.budget_s == 0:
        return work
    running = contest.enter(_points(contest, plan, ["none"], 0))
    first, final = (
        [contest.work(one, _share(plan, trees)) for one in running] for trees in (_FIRST_TREES, _FINAL_TREES)
    )
    return work + sum(first) + _LEFT * (sum(final) - sum(first)) / len(running)


def _contestants(contest: Contest, contenders: Sequence[Contender], *, seed: int) -> list[Contestant]:
    best = contest.best(contenders, 1)[0]
    return [
        Contestant(_grown(one), one.size, _precision(contest, one, seed), _behind(contest, one, best, seed))
        for one in contenders
    ]


def _table_rows(contest: Contest, fixed: Sequence[Contender], *, seed: int) -> tuple[Candidate, ...]:
    rows = [
        Candidate(
            recipe=_grown(one),
            average_precision=row.average_precision,
            behind=row.behind,
            stage="table",
            chosen=False,
            why=_standing(row),
        )
        for one, row in zip(fixed, _contestants(contest, fixed, seed=seed), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -row.average_precision.value))


def _standing(one: Contestant) -> str:
    if one.behind is None:
        return "the best of the table"
    return "inside the noise of the best" if is_as_good(one) else "behind by more than the noise"


def _precision(contest: Contest, one: Contender, seed: int) -> Interval:
    return bootstrap_intervals(
        contest.labels,
        one.scores,
        weights=contest.weights,
        windows=contest.windows,
        measures=("average_precision",),
        rounds=_ROUNDS,
        seed=seed,
    )["average_precision"]


def _behind(contest: Contest, one: Contender, best: Contender, seed: int) -> Interval | None:
    if one is best:
        return None
    return paired_difference(
        contest.labels,
        one.scores,
        best.scores,
        weights=contest.weights,
        windows=contest.windows,
        rounds=_ROUNDS,
        seed=seed,
    )


def _best_of_another_kind(contest: Contest, finalists: Sequence[Contender], chosen: Contender) -> Contender:
    return contest.best((one for one in finalists if one.recipe.kind != chosen.recipe.kind), 1)[0]


def _grown(one: Contender) -> Recipe:
    """As it was when it was compared."""
    return msgspec.structs.replace(one.recipe, trees=one.trees)
