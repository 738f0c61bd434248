"""What many delays come to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.delays import delays_of, drawn


def test_quantiles_are_delays_that_were_seen() -> None:
    found = delays_of(np.random.default_rng(1).permutation(np.arange(1.0, 1001.0)))

    assert (found.count, found.longest) == (1000, 1000.0)
    assert found.p50 in (500.0, 501.0)
    assert found.p99 == 991.0
    assert found.p999 == 1000.0


def test_one_delay_is_all_of_them() -> None:
    found = delays_of(np.array([7.5]))

    assert (found.p50, found.p99, found.p999, found.longest) == (7.5, 7.5, 7.5, 7.5)
    assert [count for _, count in found.histogram] == [1]


def test_every_delay_is_in_the_bar_that_ends_at_or_after_it() -> None:
    delays = np.array([0.0, 0.05, 0.1, 3.0, 3.1, 40.0, 1_000.0])

    bars = delays_of(delays).histogram

    assert sum(count for _, count in bars) == len(delays)
    assert bars[0] == (0.1, 3)
    assert bars[-1][0] == pytest.approx(1_000, rel=0.25)
    assert bars[-1][0] >= 1_000
    for (before, _), (edge, count) in itertools.pairwise(bars):
        assert count == np.count_nonzero((delays > before) & (delays <= edge))


def test_a_bar_of_one_shows_beside_one_of_many() -> None:
    many, one, none = drawn([(1.0, 100_000), (1.25, 1), (1.563, 0)])

    assert many.count("█") == 50
    assert one.count("█") == 1
    assert none.count("█") == 0
    assert "100000" in many
