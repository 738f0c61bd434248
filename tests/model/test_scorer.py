from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.artifact import load_scorer
from model.dataset import dataset_from_frame
from model.manifest import read_manifest
from model.scorer import Scorer
from tests.harness.labelled import PROFILE, labelled_frame


@pytest.fixture
def scorer(saved: Path) -> Scorer:
    return load_scorer(saved)


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float64]:
    """Rows that the model has not seen, some with gaps, some beyond all limits."""
    frame = labelled_frame(400, seed=9)
    frame.loc[::5, "risk"] = np.nan
    frame.loc[::31, "noise"] = 1e308
    return dataset_from_frame(frame, PROFILE, need_labels=False, source="table").inputs


def test_a_row_has_one_probability_in_whatever_batch_it_stands(scorer: Scorer, rows: NDArray[np.float64]) -> None:
    together = scorer.score(rows)

    alone = np.concatenate([scorer.score(rows[at : at + 1]) for at in range(len(rows))])
    mixed = np.random.default_rng(1).permutation(len(rows))
    in_batches = np.concatenate([scorer.score(batch) for batch in np.array_split(rows[mixed], 7)])

    assert alone.tobytes() == together.tobytes()
    assert in_batches.tobytes() == together[mixed].tobytes()
    assert scorer.score(np.asfortranarray(rows)).tobytes() == together.tobytes()
    assert len(np.unique(together)) > 5


def test_the_largest_doubles_are_scored_without_a_warning(scorer: Scorer) -> None:
    largest = np.finfo(np.float64).max
    rows = np.array([[largest, 1.0, 0.0], [largest, 1.0, -largest], [-largest, np.nan, -largest]] * 50)

    scores = scorer.score(rows)

    assert np.isfinite(scores).all()
    assert scorer.score(rows[:1]).tobytes() == scores[:1].tobytes()


def test_it_is_what_was_trained(scorer: Scorer, saved: Path) -> None:
    manifest = read_manifest(saved)

    assert scorer.inputs == PROFILE.inputs == tuple(one.name for one in manifest.inputs)
    assert (scorer.name, scorer.version, scorer.threshold) == (manifest.name, manifest.version, manifest.threshold)


def test_probabilities_are_doubles_between_0_and_1(scorer: Scorer, rows: NDArray[np.float64]) -> None:
    scores = scorer.score(rows)

    assert (scores.dtype, scores.shape) == (np.dtype(np.float64), (400,))
    assert 0 <= scores.min() <= scores.max() <= 1


def test_an_empty_batch_has_no_probabilities(scorer: Scorer) -> None:
    assert scorer.score(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (0, 2)])
def test_rows_of_another_width_are_refused(shape: tuple[int, ...], scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="3 inputs"):
        scorer.score(np.zeros(shape))


def test_infinities_are_refused(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="infinity"):
        scorer.score(np.array([[1.0, np.inf, 0.0]]))
