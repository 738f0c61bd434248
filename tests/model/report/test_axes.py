"""Ticks that people can read, and values in their places."""

from __future__ import annotations

import numpy as np
import pytest

from model.report.axes import linear_axis, log_axis, share_axis, short_count, short_share


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (0.69, 0.81, ["0.675", "0.700", "0.725", "0.750", "0.775", "0.800", "0.825"]),
        (-0.01, 0.3, ["\u22120.1", "0.0", "0.1", "0.2", "0.3"]),
        (0, 45_000, ["0", "10k", "20k", "30k", "40k", "50k"]),
        (0, 12_000, ["0", "2.5k", "5k", "7.5k", "10k", "12.5k"]),
        (0, 0, ["\u22120.6", "\u22120.4", "\u22120.2", "0.0", "0.2", "0.4", "0.6"]),
    ],
)
def test_a_linear_axis_has_round_ticks_around_its_values(low: float, high: float, texts: list[str]) -> None:
    axis = linear_axis("x", low, high)

    assert [text for _, text in axis.ticks] == texts
    assert (axis.low, axis.high) == (axis.ticks[0][0], axis.ticks[-1][0])
    assert axis.low <= low <= high <= axis.high


def test_any_range_has_a_few_ticks_all_different() -> None:
    random = np.random.default_rng(3)
    for _ in range(300):
        low, high = np.sort(random.normal(size=2) * 10 ** random.uniform(-6, 6)).tolist()
        texts = [text for _, text in linear_axis("x", low, high).ticks]
        assert 3 <= len(texts) <= 8
        assert len(set(texts)) == len(texts)


def test_a_log_axis_goes_from_one_power_of_ten_to_another() -> None:
    axis = log_axis("x", [0, 0.003, 0.7], text=short_share)

    assert axis.ticks == ((0.001, "0.1%"), (0.01, "1%"), (0.1, "10%"), (1.0, "100%"))
    assert [axis.place(value) for value in (0, 0.001, 1, 5)] == [0, 0, 1, 1]
    assert axis.place(0.1) == pytest.approx(2 / 3)


def test_a_long_log_axis_keeps_its_last_tick() -> None:
    texts = [text for _, text in log_axis("x", [1e-6, 1], text=short_share).ticks]

    assert texts == ["0.0001%", "0.01%", "1%", "100%"]


def test_a_log_axis_of_nothing_still_has_a_length() -> None:
    axis = log_axis("x", [0, float("nan")], text=short_count)

    assert (axis.low, axis.high) == (1, 10)


def test_shares_go_from_nought_to_all() -> None:
    assert share_axis("x").ticks[0] == (0, "0%")
    assert share_axis("x").ticks[-1] == (1, "100%")


def test_counts_are_short() -> None:
    assert [short_count(10.0**power) for power in (-1, 0, 2, 3, 5, 6, 9)] == [
        "0.1",
        "1",
        "100",
        "1k",
        "100k",
        "1M",
        "1bn",
    ]
