from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.scoring.calendar import CALENDAR
from model.scoring.scorer import Reason, Scorer
from tests.harness.served import ISOTONIC, served, table


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    serving = served(3, calendar=CALENDAR, calibration=ISOTONIC)
    return Scorer(serving, threshold=0.25, name="small", version="0123456789ab")


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float64]:
    """Rows that the model has not seen, some with gaps, some beyond all limits."""
    rows = table(3, rows=400, seed=9)[0]
    rows[::31, 2] = 1e308
    return rows


@pytest.fixture(scope="module")
def times() -> NDArray[np.int64]:
    return table(3, rows=400, seed=9)[1]


def test_a_row_has_one_probability_in_whatever_batch_it_stands(
    scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]
) -> None:
    together = scorer.score(rows, times)

    alone = np.concatenate([scorer.score(rows[at : at + 1], times[at : at + 1]) for at in range(len(rows))])
    mixed = np.random.default_rng(1).permutation(len(rows))
    in_batches = np.concatenate([scorer.score(rows[batch], times[batch]) for batch in np.array_split(mixed, 7)])

    assert alone.tobytes() == together.tobytes()
    assert in_batches.tobytes() == together[mixed].tobytes()
    assert scorer.score(np.asfortranarray(rows), times).tobytes() == together.tobytes()
    assert len(np.unique(together)) > 20


def test_the_largest_doubles_are_scored_without_a_warning(scorer: Scorer) -> None:
    largest = np.finfo(np.float64).max
    rows = np.array([[largest, 1.0, 0.0], [largest, 1.0, -largest], [-largest, np.nan, -largest]] * 50)
    times = np.zeros(150, np.int64)

    scores = scorer.score(rows, times)

    assert np.isfinite(scores).all()
    assert scorer.score(rows[:1], times[:1]).tobytes() == scores[:1].tobytes()


def test_the_time_of_a_row_counts(scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]) -> None:
    assert (scorer.score(rows, times) != scorer.score(rows, times + 12 * 3_600_000)).any()


def test_it_is_called_as_it_was_made(scorer: Scorer) -> None:
    assert (scorer.name, scorer.version, scorer.threshold) == ("small", "0123456789ab", 0.25)
    assert scorer.inputs == ("V1", "V2", "V3")
    assert scorer.features == ("V1", "V2", "V3", *CALENDAR)


def test_probabilities_are_doubles_between_0_and_1(
    scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]
) -> None:
    scores = scorer.score(rows, times)

    assert (scores.dtype, scores.shape) == (np.dtype(np.float64), (400,))
    assert 0 <= scores.min() <= scores.max() <= 1


def test_an_empty_batch_has_no_probabilities_and_no_reasons(scorer: Scorer) -> None:
    nothing, never = np.empty((0, 3)), np.empty(0, np.int64)

    assert scorer.score(nothing, never).shape == (0,)
    assert scorer.reasons(nothing, never, most=5) == []


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3,), (0, 2)])
def test_rows_of_another_width_are_refused(shape: tuple[int, ...], scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="3 inputs"):
        scorer.score(np.zeros(shape), np.zeros(shape[0], np.int64))


@pytest.mark.parametrize("times", [np.zeros(1, np.int64), np.zeros((2, 1), np.int64), np.zeros(2)])
def test_times_of_another_shape_or_kind_are_refused(times: NDArray[np.int64], scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="2 times"):
        scorer.score(np.zeros((2, 3)), times)


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinities_are_refused(infinity: float, scorer: Scorer) -> None:
    rows, times = np.array([[1.0, infinity, 0.0]]), np.zeros(1, np.int64)

    for refused in (scorer.score, scorer.explain, lambda *batch: scorer.reasons(*batch, most=1)):
        with pytest.raises(ValueError, match="infinity"):
            refused(rows, times)


def test_reasons_are_what_raised_the_probability_most_the_strongest_first(
    scorer: Scorer, rows: NDArray[np.float64], times: NDArray[np.int64]
) -> None:
    told = scorer.explain(rows, times)

    for most in (1, 2, 6, 9):
        for at, reasons in enumerate(scorer.reasons(rows, times, most=most)):
            raised = {
                name: added for name, added in zip(scorer.features, told.contributions[at], strict=True) if added > 0
            }
            expected = sorted(raised.values(), reverse=True)[:most]
            assert [reason.contribution for reason in reasons] == expected
            assert all(raised[reason.feature] == reason.contribution for reason in reasons)


def test_a_reason_says_what_came_and_nothing_where_it_was_missing(scorer: Scorer) -> None:
    rows, times, _ = table(3)
    columns = {**dict(zip(scorer.inputs, rows.T, strict=True)), "hour": times // 3_600_000 % 24}
    seen = set()

    for at, reasons in enumerate(scorer.reasons(rows, times, most=6)):
        for reason in reasons:
            assert [type(part) for part in reason] in ([str, float, float], [str, type(None), float])
            if reason.feature in columns:
                came = columns[reason.feature][at]
                assert reason.value == (None if np.isnan(came) else came)
                seen.add((reason.feature, reason.value is None))

    assert {("V1", False), ("V1", True), ("V3", True), ("hour", False)} <= seen
    assert isinstance(reasons[0], Reason)
