from __future__ import annotations

import hashlib
import itertools
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from model.learning.export import forest_of
from model.scoring import forest as walking
from model.scoring import kernel
from model.scoring.forest import Forest
from model.scoring.kernel import KERNEL, Kernel, load

FOLDER = Path(kernel.__file__).parent
COMPILED = pytest.mark.skipif(KERNEL.scores is None, reason=str(KERNEL.reason))
NUMPY = Kernel(reason="numpy is asked to walk")
# Fewer than the paths of a step, as many, one more; a block, and one more.
_COUNTS = (1, 2, 7, 8, 9, 31, 256, 257, 300)


@pytest.fixture(params=[pytest.param("c", marks=COMPILED), "numpy"])
def walk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(walking, "KERNEL", KERNEL if request.param == "c" else NUMPY)
    return str(request.param)


def _narrow(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return rows.astype(np.float32)


def _by_trees(fitted: RandomForestClassifier, rows: NDArray[np.float64]) -> bytes:
    """What `predict_proba` does, without its refusal of infinities."""
    total = np.zeros(len(rows))
    for tree in (estimator.tree_ for estimator in fitted.estimators_):
        total += tree.value[tree.apply(_narrow(rows)), 0, 1]
    return (total / len(fitted.estimators_)).tobytes()


def _credits_by_trees(fitted: RandomForestClassifier, rows: NDArray[np.float64]) -> bytes:
    """The paths as a tree has them from its leaves on, then step after step, and in each of them tree after tree."""
    total = np.zeros(rows.shape)
    paths = [_paths(estimator.tree_, rows) for estimator in fitted.estimators_]
    for at, credited in enumerate(total):
        for steps in itertools.zip_longest(*(one[at] for one in paths), fillvalue=(0, 0.0)):
            for feature, change in steps:
                credited[feature] += change
    return (total / len(fitted.estimators_)).tobytes()


def _paths(tree: Any, rows: NDArray[np.float64]) -> list[list[tuple[int, float]]]:
    """Of each row what the steps through a tree are owed to, and the change of the share of frauds in each."""
    share = tree.value[:, 0, 1]
    parents = {
        int(child): parent
        for children in (tree.children_left, tree.children_right)
        for parent, child in enumerate(children)
        if child >= 0
    }
    paths = []
    for leaf in tree.apply(_narrow(rows)).tolist():
        path, node = list[tuple[int, float]](), leaf
        while node in parents:
            child, node = node, parents[node]
            path.append((int(tree.feature[node]), float(share[child] - share[node])))
        paths.append(path[::-1])
    return paths


def _one_of(source: np.random.Generator, *choices: Any) -> Any:
    return choices[source.integers(len(choices))]


def _drawn(seed: int) -> tuple[RandomForestClassifier, Forest, NDArray[np.float64]]:
    """A forest of any shape, the same as arrays, and rows of everything that a double can be."""
    source = np.random.default_rng(seed)
    width, count = int(source.choice([1, 2, 5, 30, 300])), int(source.integers(20, 400))
    table = source.normal(0, 1, (count, width)) * 10.0 ** source.choice([-41, -6, 0, 6, 37], width)
    table[:, ::2] = np.round(table[:, ::2], 1)
    odds = table[:, 0] / (np.abs(table[:, 0]).mean() + 1e-300) + source.normal(0, 1, count)
    labels = (odds > np.quantile(odds, 0.7)).astype(np.int64)
    if seed % 3 == 0:
        table[source.random(table.shape) < 0.2] = np.nan
        # A feature whose absence alone tells something: split into what is there and what is not.
        table[:, -1] = np.where(labels ^ (source.random(count) < 0.1), np.nan, 1.0)
    kind = _one_of(source, RandomForestClassifier, ExtraTreesClassifier)
    fitted = kind(
        n_estimators=int(source.choice([1, 2, 7, 8, 9, 16, 33])),
        max_depth=_one_of(source, None, None, 1, 4),
        max_leaf_nodes=_one_of(source, None, None, 2, 11, 60),
        min_samples_leaf=int(source.choice([1, 1, 5, count])),
        max_features=_one_of(source, None, "sqrt", 1),
        class_weight=_one_of(source, None, "balanced"),
        bootstrap=bool(source.integers(2)),
        random_state=seed,
    )
    # scikit-learn adds all numbers up, to see whether one is missing.
    with np.errstate(over="ignore", invalid="ignore"):
        fitted.fit(table, labels)
    forest = forest_of(fitted)

    asked = table[source.integers(0, count, 300)] * source.choice([1, 1.0001, -3], (300, 1))
    splits = np.flatnonzero(forest.feature >= 0)
    for row, node in zip(asked, source.permutation(splits)[:150], strict=False):
        on = forest.threshold[node]
        row[forest.feature[node]] = source.choice([on, np.nextafter(on, np.inf), np.nextafter(np.float32(on), np.inf)])
    odd = [np.nan, np.inf, -np.inf, 1e300, -1e300, 3.4028235677973366e38, 5e-324, -1e-45, 1e-40, 0.0, -0.0]
    strange = source.random(asked.shape) < source.choice([0, 0.02, 0.5], (300, 1))
    asked[strange] = source.choice(odd, np.count_nonzero(strange))
    return fitted, forest, asked


@pytest.mark.parametrize("seed", range(60))
def test_forests_of_all_shapes_score_all_numbers_as_scikit_learn_does(seed: int, walk: str) -> None:
    fitted, forest, rows = _drawn(seed)
    assert forest.flaw(rows.shape[1]) is None

    for count in _COUNTS:
        assert forest.probabilities(rows[-count:]).tobytes() == _by_trees(fitted, rows[-count:])


@pytest.mark.parametrize("seed", range(60))
def test_forests_of_all_shapes_credit_all_numbers_as_one_step_after_the_other_does(seed: int, walk: str) -> None:
    fitted, forest, rows = _drawn(seed)

    for count in (1, 7, 8, 13):
        assert forest.contributions(rows[-count:])[0].tobytes() == _credits_by_trees(fitted, rows[-count:])


@COMPILED
@pytest.mark.parametrize("seed", range(60))
def test_the_kernel_explains_to_the_last_bit_as_numpy_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, forest, rows = _drawn(seed)
    compiled = [forest.contributions(rows[-count:]) for count in _COUNTS]

    monkeypatch.setattr(walking, "KERNEL", NUMPY)
    for count, (credited, base) in zip(_COUNTS, compiled, strict=True):
        expected, expected_base = forest.contributions(rows[-count:])
        assert (credited.tobytes(), base) == (expected.tobytes(), expected_base)


def test_the_forests_drawn_have_all_that_a_forest_can_have() -> None:
    forests = [(forest, rows) for _, forest, rows in map(_drawn, range(60))]
    splits = [forest.feature >= 0 for forest, _ in forests]

    assert any(not any(split) for split in splits)
    assert any(np.isinf(forest.threshold).any() for forest, _ in forests)
    strays = [forest.missing_left[split] for (forest, _), split in zip(forests, splits, strict=True)]  # type: ignore[index]
    assert any(some.any() and not some.all() for some in strays)
    assert {rows.shape[1] for _, rows in forests} == {1, 2, 5, 30, 300}
    assert any(np.isinf(rows).any() and np.isnan(rows).any() for _, rows in forests)


def test_gaps_in_training_and_later_have_their_way(walk: str) -> None:
    for seed in range(0, 30, 3):
        fitted, forest, rows = _drawn(seed)
        finite = np.where(np.isfinite(_narrow(rows)), rows, np.nan)

        with np.errstate(over="ignore", invalid="ignore"):
            expected = np.ascontiguousarray(fitted.predict_proba(finite)[:, 1])
        assert forest.probabilities(finite).tobytes() == expected.tobytes()
        credited, base = forest.contributions(finite)
        np.testing.assert_allclose(base + credited.sum(axis=1), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("count", [4096, 5000])
def test_many_rows_are_scored_as_they_are_alone(count: int, walk: str) -> None:
    fitted, forest, rows = _drawn(9)
    many = rows[np.random.default_rng(1).integers(0, len(rows), count)]

    together = forest.probabilities(many)

    assert together.tobytes() == _by_trees(fitted, many)
    alone = [forest.probabilities(many[at : at + 1]) for at in range(40)]
    assert np.concatenate(alone).tobytes() == together[:40].tobytes()


def test_no_rows_and_rows_in_another_order_of_memory(walk: str) -> None:
    _, forest, rows = _drawn(5)

    assert forest.probabilities(rows[:0]).shape == (0,)
    assert forest.probabilities(np.asfortranarray(rows)).tobytes() == forest.probabilities(rows).tobytes()
    assert forest.probabilities(rows[::3]).tobytes() == forest.probabilities(rows)[::3].tobytes()
    credited, _ = forest.contributions(rows)
    assert forest.contributions(rows[:0])[0].shape == (0, rows.shape[1])
    assert forest.contributions(np.asfortranarray(rows))[0].tobytes() == credited.tobytes()
    assert forest.contributions(rows[::3])[0].tobytes() == credited[::3].tobytes()


def test_rows_are_never_read_beyond_their_width(walk: str) -> None:
    _, forest, rows = next(drawn for drawn in map(_drawn, range(60)) if drawn[1].feature.max() > 3)
    narrow = np.ascontiguousarray(rows[:, : forest.feature.max()])

    for walked in (forest.probabilities, forest.contributions):
        for unfit in (narrow, rows[0]):
            with pytest.raises(ValueError, match="features at least"):
                walked(unfit)
    just = rows[:, : forest.feature.max() + 1]
    assert forest.probabilities(just).tobytes() == forest.probabilities(rows).tobytes()
    credited, _ = forest.contributions(rows)
    assert forest.contributions(just)[0].tobytes() == credited[:, : just.shape[1]].tobytes()
    assert not credited[:, just.shape[1] :].any()


@COMPILED
@pytest.mark.parametrize(
    ("left", "right", "feature"),
    [
        ([1, 1, 10**6], [2, 1, 2], [0, -1, -1]),
        ([0, 1, 2], [2, 1, 2], [0, -1, -1]),
        ([1, 1, 2], [1, 1, 2], [0, -1, -1]),
        ([1, 1, 2], [2, 1, 2], [0, -1, -7]),
    ],
    ids=["beyond", "in a circle", "twice the same child", "no feature"],
)
def test_the_kernel_walks_in_no_forest_with_a_flaw(left: list[int], right: list[int], feature: list[int]) -> None:
    forest = Forest(
        np.array([0]),
        np.array(feature, np.int32),
        np.zeros(3),
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array([0.5, 0.0, 1.0]),
    )

    for walked in (forest.probabilities, forest.contributions):
        with pytest.raises(ValueError, match="no forest"):
            walked(np.zeros((9, 1)))


@COMPILED
def test_other_threads_run_while_the_kernel_walks() -> None:
    _, forest, rows = _drawn(9)
    many, scored = np.tile(rows, (1000, 1)), list[Any]()
    begun, seen, ended = threading.Event(), threading.Event(), threading.Event()
    forest.probabilities(many[:1])

    def score() -> None:
        begun.set()
        # On a busy machine the other thread may not get a core within one walk.
        for _ in range(1000):
            scored[:] = [forest.probabilities(many)]
            if seen.is_set():
                break
        ended.set()

    before = sys.getswitchinterval()
    # No thread is interrupted: another one runs only where this one lets go.
    sys.setswitchinterval(1000)
    try:
        thread = threading.Thread(target=score)
        thread.start()
        begun.wait()
        ran_meanwhile = not ended.is_set()
        seen.set()
    finally:
        sys.setswitchinterval(before)
    thread.join()

    assert ran_meanwhile
    assert scored[0].tobytes() == np.tile(forest.probabilities(rows), 1000).tobytes()


def _copied(folder: Path) -> Path:
    for name in ("kernel.c", "libkernel.so", "libkernel.sha256"):
        shutil.copy(FOLDER / name, folder)
    return folder


def _sealed(folder: Path) -> None:
    digests = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in ("kernel.c", "libkernel.so")]
    (folder / "libkernel.sha256").write_text("".join(digests))


def _append(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + content)


def _cut(folder: Path) -> None:
    library = folder / "libkernel.so"
    library.write_bytes(library.read_bytes()[:5000])


def _of_something_else(folder: Path) -> None:
    shutil.copy(str(msgspec._core.__file__), folder / "libkernel.so")  # noqa: SLF001
    _sealed(folder)


def _no_library(folder: Path) -> None:
    (folder / "libkernel.so").write_bytes(b"no library")
    _sealed(folder)


def _with_scores_alone(folder: Path) -> None:
    library = folder / "libkernel.so"
    library.write_bytes(library.read_bytes().replace(b"forest_credits", b"forest_nothing"))
    _sealed(folder)


@COMPILED
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "libkernel.so").unlink(), "libkernel.so is missing"),
        (lambda folder: (folder / "libkernel.sha256").unlink(), "libkernel.sha256 is missing"),
        (lambda folder: (folder / "kernel.c").unlink(), "kernel.c is missing"),
        (lambda folder: (folder / "libkernel.sha256").write_bytes(b"\xff\xfe"), "cannot be read"),
        (_append("kernel.c", b"\n"), "was not compiled from this kernel.c"),
        (_append("libkernel.so", b"\n"), "was not compiled from this kernel.c"),
        (_cut, "was not compiled from this kernel.c"),
        (_no_library, "does not load"),
        (_of_something_else, "does not load"),
        (_with_scores_alone, "forest_credits"),
    ],
)
def test_a_library_that_is_absent_stale_or_damaged_is_left_alone(
    damage: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    # Not loaded before: what a process has opened must not be written to.
    damage(_copied(tmp_path))

    loaded = load(tmp_path)

    assert (loaded.name, loaded.scores, loaded.credits) == ("numpy", None, None)
    assert reason in str(loaded.reason)


@COMPILED
def test_a_library_is_loaded_from_where_it_is(tmp_path: Path) -> None:
    loaded = load(_copied(tmp_path))

    assert (loaded.name, loaded.reason) == ("c", None)


def test_where_there_is_a_compiler_the_kernel_is_there() -> None:
    assert kernel.NAME == "c" or not any(map(shutil.which, ("cc", "gcc", "clang"))), KERNEL.reason
