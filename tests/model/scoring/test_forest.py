from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from model.learning.export import forest_of
from model.scoring import forest as walking
from model.scoring.forest import Forest
from model.scoring.kernel import KERNEL, Kernel

_SHAPES = [
    {"n_estimators": 1, "max_depth": 1},
    {"n_estimators": 1, "bootstrap": False},
    {"n_estimators": 7, "max_depth": 2, "class_weight": "balanced"},
    {"n_estimators": 9, "max_leaf_nodes": 13},
    {"n_estimators": 13, "min_samples_leaf": 20, "criterion": "entropy"},
    {"n_estimators": 20, "min_samples_leaf": 3, "max_features": None, "class_weight": {0: 1, 1: 37.5}},
    {"n_estimators": 31, "criterion": "log_loss", "max_samples": 0.3},
    {"n_estimators": 60, "class_weight": "balanced_subsample"},
]


@pytest.fixture(autouse=True, params=["c", "numpy"])
def _walk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test by the compiled kernel, and by numpy."""
    if request.param == "c" and KERNEL.scores is None:
        pytest.skip(str(KERNEL.reason))
    monkeypatch.setattr(walking, "KERNEL", KERNEL if request.param == "c" else Kernel(reason="numpy is asked to walk"))


def _table(seed: int, rows: int = 300) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows of up to 40 features: coarse, fine, of all sizes, and between two others as SMOTE makes them."""
    source = np.random.default_rng(seed)
    table = source.normal(0, 1, (rows, int(source.integers(1, 41)))) * 10.0 ** source.integers(-6, 7)
    table[:, ::3] = np.round(source.normal(0, 2, table[:, ::3].shape))
    table[::5] += source.random((len(table[::5]), 1)) * (np.roll(table, 1, axis=0)[::5] - table[::5])
    odds = table[:, 0] / (np.abs(table[:, 0]).mean() + 1e-9) + source.normal(0, 1, rows)
    return table, (odds > np.quantile(odds, 0.8)).astype(np.int64)


def _pair(seed: int, **shape: Any) -> tuple[RandomForestClassifier, Forest, NDArray[np.float64]]:
    """A fitted forest, the same as arrays, and rows that are none of its own, some of them on its thresholds."""
    rows, labels = _table(seed)
    fitted = RandomForestClassifier(random_state=seed, n_jobs=1, **shape).fit(rows, labels)
    forest = forest_of(fitted)
    source = np.random.default_rng(seed + 1000)
    asked = rows[source.permutation(len(rows))[:160]] * source.choice([1, 1.0001, -3], (160, 1))
    splits = np.flatnonzero(forest.feature >= 0)
    for row, node in zip(asked, source.permutation(splits)[:80], strict=False):
        row[forest.feature[node]] = forest.threshold[node]
    return fitted, forest, asked


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_those_of_scikit_learn_to_the_last_bit(shape: dict[str, Any], seed: int) -> None:
    fitted, forest, rows = _pair(seed, **shape)

    assert forest.probabilities(rows).tobytes() == np.ascontiguousarray(fitted.predict_proba(rows)[:, 1]).tobytes()
    assert forest.flaw(rows.shape[1]) is None


def test_rows_between_two_32_bit_numbers_and_beyond_all_of_them_fall_as_in_scikit_learn() -> None:
    source = np.random.default_rng(4)
    coarse = source.integers(0, 3, (400, 2)) * np.spacing(np.float32(1)) + 1.0
    fitted = RandomForestClassifier(12, random_state=1).fit(coarse, (coarse[:, 0] > 1).astype(int))
    between = 1.0 + source.random((500, 2)) * 3 * float(np.spacing(np.float32(1)))
    largest = float(np.finfo(np.float32).max)
    rows = np.vstack([between, [[largest, -largest], [0.0, -0.0], [1e-300, -1e-300]]])

    assert forest_of(fitted).probabilities(rows).tobytes() == fitted.predict_proba(rows)[:, 1].copy().tobytes()


def test_a_threshold_beyond_32_bits_divides_as_it_does_with_64() -> None:
    rows = np.array([[-3e38], [0.0], [3e38], [1e300]])
    for threshold, expected in ((1e39, [0.0, 0.0, 0.0, 1.0]), (-1e39, [1.0, 1.0, 1.0, 1.0])):
        stump = Forest(
            np.array([0]),
            np.array([0, -1, -1], np.int32),
            np.array([threshold, 0, 0]),
            np.array([1, 1, 2], np.int32),
            np.array([2, 1, 2], np.int32),
            np.array([0.5, 0.0, 1.0]),
        )

        assert stump.probabilities(rows).tolist() == expected


def test_a_row_has_one_score_in_whatever_batch_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    _, forest, rows = _pair(5, n_estimators=37)
    together = forest.probabilities(rows)
    credited, base = forest.contributions(rows)

    for pairs, size in itertools.product((1, 100, 1 << 16), (1, 7, 160)):
        monkeypatch.setattr(walking, "_PAIRS", pairs)
        parts = [rows[at : at + size] for at in range(0, len(rows), size)]
        assert np.concatenate([forest.probabilities(part) for part in parts]).tobytes() == together.tobytes()
        explained = [forest.contributions(part) for part in parts]
        assert np.concatenate([part for part, _ in explained]).tobytes() == credited.tobytes()
        assert {part_base for _, part_base in explained} == {base}
    assert forest.probabilities(np.asfortranarray(rows)).tobytes() == together.tobytes()
    assert len(np.unique(together)) > 20


def test_no_rows_have_no_scores() -> None:
    _, forest, rows = _pair(6, n_estimators=3)

    assert forest.probabilities(rows[:0]).shape == (0,)
    assert forest.contributions(rows[:0])[0].shape == (0, rows.shape[1])


@pytest.mark.parametrize("shape", _SHAPES)
def test_contributions_lead_from_the_base_to_the_score(shape: dict[str, Any]) -> None:
    fitted, forest, rows = _pair(7, **shape)

    credited, base = forest.contributions(rows)

    np.testing.assert_allclose(base + credited.sum(axis=1), forest.probabilities(rows), rtol=0, atol=1e-12)
    assert base == pytest.approx(np.mean([tree.tree_.value[0, 0, 1] for tree in fitted.estimators_]), abs=1e-12)


def test_a_feature_is_credited_with_the_changes_at_its_own_splits() -> None:
    fitted, forest, rows = _pair(8, n_estimators=5, max_depth=4)
    expected = np.zeros(rows.shape)
    for tree in (estimator.tree_ for estimator in fitted.estimators_):
        for at, row in enumerate(rows.astype(np.float32)):
            node = 0
            while tree.children_left[node] >= 0:
                feature = tree.feature[node]
                goes_left = row[feature] <= tree.threshold[node]
                child = (tree.children_left if goes_left else tree.children_right)[node]
                expected[at, feature] += (tree.value[child, 0, 1] - tree.value[node, 0, 1]) / 5
                node = child

    np.testing.assert_allclose(forest.contributions(rows)[0], expected, rtol=0, atol=1e-15)


def test_a_forest_without_a_split_says_the_same_of_every_row() -> None:
    rows, labels = _table(9)
    forest = forest_of(RandomForestClassifier(11, random_state=1, min_samples_leaf=200).fit(rows, labels))

    credited, base = forest.contributions(rows)

    assert not credited.any()
    assert set(forest.probabilities(rows).tolist()) == {base}


def _changed(array: NDArray[Any], at: int, value: float) -> NDArray[Any]:
    changed = array.copy()
    changed[at] = value
    return changed


@pytest.mark.parametrize(
    ("part", "at", "value", "flaw"),
    [
        ("feature", 0, 99, "splits on others"),
        ("feature", 0, -2, "splits on others"),
        ("left", 0, 0, "does not stand behind"),
        ("right", 0, 10**9, "does not stand behind"),
        ("left", -1, 0, "does not stand behind"),
        ("threshold", 0, np.nan, "threshold"),
        ("probability", 0, 1.5, "probability"),
        ("probability", 0, np.nan, "probability"),
        ("roots", 0, 1, "one behind the other"),
        ("roots", 1, 0, "one behind the other"),
        ("roots", -1, 10**12, "one behind the other"),
    ],
)
def test_arrays_that_are_no_forest_are_told_apart(part: str, at: int, value: float, flaw: str) -> None:
    _, forest, rows = _pair(10, n_estimators=3)
    changed = replace(forest, **{part: _changed(getattr(forest, part), at, value)})

    assert flaw in (changed.flaw(rows.shape[1]) or "")


def test_a_child_in_another_tree_is_a_flaw() -> None:
    _, forest, rows = _pair(10, n_estimators=3)
    changed = replace(forest, right=_changed(forest.right, 0, int(forest.roots[1])))

    assert "in its tree" in (changed.flaw(rows.shape[1]) or "")
    twice = replace(forest, left=_changed(forest.left, 0, int(forest.right[0])))
    assert twice.flaw(rows.shape[1]) == "a node is the child of none, or of two"
    assert forest.missing_left is not None
    assert replace(forest, missing_left=forest.missing_left[:-1]).flaw(rows.shape[1]) is not None
    assert replace(forest, left=forest.left[:-1]).flaw(rows.shape[1]) == "its nodes have not all their parts"
    assert replace(forest, roots=forest.roots[:0]).flaw(rows.shape[1]) is not None
    around = np.array([0, 2**63 - 1, -(2**63), -1, 5])
    assert replace(forest, roots=around).flaw(rows.shape[1]) == "its trees do not stand one behind the other"
