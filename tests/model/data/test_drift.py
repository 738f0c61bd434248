"""Features that moved are named with how far, and none other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike, NDArray

from model.data.drift import drift, drift_findings, following_time
from model.measuring.assessment import Drift

SOURCE = np.random.default_rng(8)


def index(before: ArrayLike, after: ArrayLike, **weights: NDArray[np.float64]) -> float:
    old, new = (np.asarray(values, dtype=np.float64).reshape(-1, 1) for values in (before, after))
    (found,) = drift(old, new, ["x"], **weights)
    return found.psi


def rank_correlation(values: NDArray[np.float64], times: NDArray[np.int64]) -> float:
    return float(pd.Series(values).corr(pd.Series(times), method="spearman"))


def test_the_index_of_two_values_is_the_one_that_can_be_reckoned_by_hand() -> None:
    expected = 0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5)

    assert index([0.0, 1.0] * 50, [0.0] * 80 + [1.0] * 20) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5, 0.95, 0.98])
def test_a_flag_that_becomes_another_is_seen_however_common_it_was(share: float) -> None:
    before, after = SOURCE.random(5_000) < share, SOURCE.random(5_000) < 1 - abs(share - 0.4)

    assert index(before, after) > 0.1


def test_of_deciles_the_index_is_that_of_their_shares() -> None:
    before, after = SOURCE.normal(0, 1, 20_000), SOURCE.normal(0.5, 1, 20_000)
    edges = np.quantile(before, np.arange(1, 10) / 10)
    old, new = (np.bincount(np.searchsorted(edges, values), minlength=10) / 20_000 for values in (before, after))

    assert index(before, after) == pytest.approx(((new - old) * np.log(new / old)).sum(), rel=0.01)


def test_the_same_rows_do_not_drift_and_other_ones_of_the_kind_hardly() -> None:
    before, after = SOURCE.gamma(2, 20, (20_000, 3)), SOURCE.gamma(2, 20, (20_000, 3))

    assert {one.psi for one in drift(before, before, "abc")} == {0.0}
    assert max(one.psi for one in drift(before, after, "abc")) < 0.01


def test_missing_cells_are_a_value_of_their_own() -> None:
    values = SOURCE.normal(0, 1, 10_000)
    gaps = np.where(SOURCE.random(10_000) < 0.5, np.nan, values)
    nothing = np.full(10_000, np.nan)

    assert index(values, gaps) > 1.0
    assert index(gaps, values) > 1.0
    assert index(nothing, nothing) == 0.0
    assert np.isfinite([index(nothing, values), index(values, nothing), index([1.0], [2.0])]).all()


def test_weights_stand_for_rows() -> None:
    before, after = SOURCE.normal(0, 1, 300), SOURCE.normal(1, 1, 200)
    heavy_before, heavy_after = SOURCE.integers(1, 5, 300), SOURCE.integers(1, 5, 200)

    weighted = index(
        before,
        after,
        weights_before=heavy_before.astype(np.float64),
        weights_after=heavy_after.astype(np.float64),
    )

    assert weighted == pytest.approx(index(np.repeat(before, heavy_before), np.repeat(after, heavy_after)), abs=1e-12)


def test_the_largest_comes_first() -> None:
    before = SOURCE.normal(0, 1, (2_000, 3))
    found = drift(before, before + np.array([0.1, 3.0, 1.0]), ["little", "most", "much"])

    assert [one.feature for one in found] == ["most", "much", "little"]


def test_what_follows_time_is_told_apart_from_what_does_not() -> None:
    times = np.sort(SOURCE.integers(0, 10**9, 3_000))
    columns = {
        "seconds": times / 1000,
        "left": -np.exp(times / 1e9),
        "gaps": np.where(SOURCE.random(3_000) < 0.3, np.nan, times / 1000),
        "trend": times / 1e9 + SOURCE.normal(0, 0.3, 3_000),
        "constant": np.ones(3_000),
        "nothing": np.full(3_000, np.nan),
        "hour": times // 3_600_000 % 24,
    }

    found = following_time(np.column_stack(list(columns.values())), times, list(columns))

    assert found == ("seconds", "left", "gaps")
    assert 0.5 < rank_correlation(columns["trend"], times) < 0.999


def test_the_limit_is_that_of_the_rank_correlation_of_pandas() -> None:
    times = np.arange(1_000)
    for wobble in np.linspace(5, 60, 40):
        values = times + SOURCE.normal(0, wobble, 1_000).round()
        expected = rank_correlation(values, times) > 0.999
        assert (following_time(values.reshape(-1, 1), times, ["x"]) == ("x",)) == expected


def drifts(**indices: float) -> tuple[Drift, ...]:
    return tuple(Drift(feature=name, psi=psi) for name, psi in indices.items())


def test_little_drift_is_no_finding() -> None:
    assert drift_findings(drifts(a=0.25, b=0.1), expected=()) == ()


def test_much_drift_is_one_finding_with_the_five_largest() -> None:
    far = {f"f{number}": 0.9 - number / 100 for number in range(7)}

    (finding,) = drift_findings(drifts(**far, near=0.1), expected=())

    assert (finding.kind, finding.column) == ("drift", None)
    assert "'f0' (0.90)" in finding.text
    assert "'f4' (0.86) and 2 more" in finding.text
    assert "'f5'" not in finding.text
    assert "means little" not in finding.text


def test_very_much_drift_says_what_the_evaluation_is_worth() -> None:
    (finding,) = drift_findings(drifts(a=1.2), expected=())

    assert finding.column == "a"
    assert "the evaluation means little" in finding.text


def test_a_feature_that_follows_time_has_words_of_its_own() -> None:
    others, with_time = drift_findings(drifts(Time=8.3, a=0.4), expected=("Time",))

    assert (others.column, with_time.column) == ("a", "Time")
    assert "means little" not in others.text
    assert "time itself" in with_time.text
