"""Golden rows: nobody's, the same bytes for the same seed, and found out where a score differs."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.scoring.scorer import Scorer
from model.versions.golden import GoldenRows, GoldenRowsDamaged, GoldenRowsDiffer, golden_rows, replay
from tests.harness.small_model import SmallModel


def made(dataset: Dataset, trained: SmallModel, *, seed: int = 3) -> GoldenRows:
    assert dataset.labels is not None
    score = trained.serving.probabilities
    return golden_rows(dataset.inputs, dataset.times, dataset.labels, seed=seed, score=score)


@pytest.fixture(scope="module")
def golden(dataset: Dataset, trained: SmallModel) -> GoldenRows:
    return made(dataset, trained)


@pytest.fixture(scope="module")
def scorer(trained: SmallModel) -> Scorer:
    return Scorer(trained.serving, threshold=0.5, name="small", version="0123456789ab")


def test_no_row_is_anybodys_transaction(golden: GoldenRows, dataset: Dataset) -> None:
    real = {tuple(row) for row in dataset.inputs.tolist()}

    assert golden.rows.shape == (64, 3)
    assert not any(tuple(row) in real for row in golden.rows.tolist())


def test_they_reach_low_scores_and_high_ones_gaps_and_extremes(golden: GoldenRows, dataset: Dataset) -> None:
    scores = golden.probabilities

    assert scores[:24].mean() > 3 * scores[24:48].mean()
    assert np.isnan(golden.rows).all(axis=1).any()
    assert np.isnan(golden.rows).any(axis=1).sum() >= 8
    assert (np.abs(golden.rows) > 100 * np.abs(dataset.inputs).max(axis=0)).any(axis=1).sum() >= 7
    assert np.isfinite(scores).all()
    assert not np.isinf(golden.rows).any()


def test_columns_that_are_empty_or_as_large_as_numbers_go_have_golden_rows_too() -> None:
    largest = np.finfo(np.float64).max
    inputs = np.array([[np.nan, largest], [np.nan, -largest], [np.nan, 0.0]])
    labels = np.array([0, 1, 0], np.int8)

    def score(rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.full(len(rows), 0.5)

    golden = golden_rows(inputs, np.zeros(3, np.int64), labels, seed=1, score=score)

    assert not np.isinf(golden.rows).any()


def test_the_same_seed_gives_the_same_bytes(golden: GoldenRows, dataset: Dataset, trained: SmallModel) -> None:
    assert made(dataset, trained).encode() == golden.encode()
    assert made(dataset, trained, seed=4).encode() != golden.encode()


def test_what_is_encoded_is_decoded_bit_for_bit(golden: GoldenRows) -> None:
    again = GoldenRows.decode(golden.encode(), source="golden.npz")

    assert again.rows.tobytes() == golden.rows.tobytes()
    assert again.times.tobytes() == golden.times.tobytes()
    assert again.probabilities.tobytes() == golden.probabilities.tobytes()


def saved_arrays(**arrays: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # whatever an attacker likes
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a zip file",
        pickle.dumps({"rows": 1}),
        saved_arrays(rows=np.zeros((2, 3))),
        saved_arrays(rows=np.zeros((2, 3)), times=np.zeros(2), probabilities=np.zeros(2)),
        saved_arrays(rows=np.zeros((2, 3)), times=np.zeros(3, np.int64), probabilities=np.zeros(2)),
        saved_arrays(rows=np.zeros(2), times=np.zeros(2, np.int64), probabilities=np.zeros(2)),
        saved_arrays(rows=np.array([object()]), times=np.zeros(1, np.int64), probabilities=np.zeros(1)),
    ],
)
def test_what_holds_no_golden_rows_is_refused(content: bytes) -> None:
    with pytest.raises(GoldenRowsDamaged, match=r"'model/golden\.npz'"):
        GoldenRows.decode(content, source="model/golden.npz")


def test_a_model_scores_its_golden_rows_as_before(golden: GoldenRows, scorer: Scorer) -> None:
    replay(golden, scorer, source="golden.npz")


def test_another_machines_last_bits_are_forgiven(golden: GoldenRows, scorer: Scorer) -> None:
    almost = GoldenRows(golden.rows, golden.times, np.nextafter(golden.probabilities, 0))

    replay(almost, scorer, source="golden.npz")


@pytest.mark.parametrize("score", [0.123, np.nan])
def test_another_score_is_said_with_file_row_and_both_scores(score: float, golden: GoldenRows, scorer: Scorer) -> None:
    probabilities = golden.probabilities.copy()
    probabilities[5] = score
    right = float(golden.probabilities[5])

    with pytest.raises(GoldenRowsDiffer, match=rf"1 of the 64 rows of 'golden\.npz'.*row 5.*{right}.*{score}"):
        replay(GoldenRows(golden.rows, golden.times, probabilities), scorer, source="golden.npz")
