"""What a batch costs is measured by judging one: all sizes, real bytes, and a forest as large as was asked for."""

from __future__ import annotations

import time

import numpy as np
import pytest

from model.scoring.forest import LEAF
from stream.scoring_costs import judging_costs, made_up_forest, made_up_scorer


def test_each_size_of_batch_is_measured() -> None:
    scorer = made_up_scorer(5, 4, 3, random=np.random.default_rng(1))

    found = judging_costs(
        scorer, random=np.random.default_rng(2), timer=time.perf_counter, batches=(1, 40), seconds=0.0
    )

    assert [batch for batch, _ in found.points] == [1, 40]
    assert all(seconds > 0 for _, seconds in found.points)
    assert 100 < found.record_bytes < 400
    assert found.verdict_bytes > 200


def test_a_made_up_model_tells_rows_apart_and_calls_few_transactions_frauds() -> None:
    random = np.random.default_rng(3)
    scorer = made_up_scorer(20, 8, 30, random=random)

    probabilities = scorer.score(random.normal(size=(5_000, 30)), np.zeros(5_000, np.int64))

    assert len(scorer.inputs) == 30
    assert len(np.unique(probabilities)) > 1_000, "rows reach different leaves"
    assert 0 < (probabilities >= scorer.threshold).mean() < 0.02


@pytest.mark.parametrize(("trees", "depth", "inputs"), [(1, 1, 1), (7, 3, 2), (2, 12, 40)])
def test_a_made_up_forest_has_the_size_that_was_asked_for(trees: int, depth: int, inputs: int) -> None:
    forest = made_up_forest(trees, depth, inputs, random=np.random.default_rng(4))

    assert forest.flaw(inputs) is None
    assert len(forest.roots) == trees
    assert (forest.feature == LEAF).sum() == trees * 2**depth
