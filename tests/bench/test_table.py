"""The tables and the plot: nobody has a figure that was not measured."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from bench import plot
from bench.contest import Result, line_of_result
from bench.delays import Delays, delays_of
from bench.figures import line_of
from bench.latency import stamp_of
from bench.materials import again
from bench.roster import CEILING, OURS, ROSTER, Contender
from bench.sweep import line_of_latency, sweep
from bench.table import ABSENT, histograms, latency_table, throughput_table
from bench.throughput import Rate

TITLES = {one.name: one.title for one in ROSTER}
QUIX, FAUST = (next(one for one in ROSTER if one.name == name) for name in ("quix", "faust"))


def delays(milliseconds: float) -> Delays:
    return delays_of(np.full(100, milliseconds))


def throughput(contender: Contender, batch: int, per_second: float | None, reason: str = "") -> dict[str, object]:
    found = None if per_second is None else Rate(per_second, 12.3, 5.0, 100)
    return line_of_result(Result(contender, batch, found, reason or None, 40_000.0, 40_000.0))


def test_what_has_no_figure_shows_a_dash_and_why() -> None:
    lines = [
        throughput(CEILING, 500, 40_000.0),
        throughput(OURS, 500, 24_000.0),
        throughput(QUIX, 500, None, "pip failed: no such version"),
        throughput(OURS, 2000, 30_000.0),
        line_of("another", 1.0, "s", baseline="none", baseline_value=1.0),
    ]

    found = throughput_table(lines, TITLES)

    assert [row[0] for row in found.rows] == [CEILING.title, OURS.title, QUIX.title]
    assert all(len(row) == len(found.headings) for row in found.rows)
    assert found.rows[1][1:] == ["30,000", "0.75", "12.3", "24,000", "0.60", "12.3"]
    assert found.rows[2][1:] == [ABSENT] * 6
    assert found.notes == [f"{QUIX.title}, batch 500: pip failed: no such version"]


def test_delays_beside_the_ceilings_at_the_same_rate() -> None:
    ceiling = {1_000: delays(10.0), 2_000: delays(12.0)}
    lines = [
        line_of_latency(CEILING, 1_000, ceiling[1_000], ceiling),
        line_of_latency(OURS, 1_000, delays(14.0), ceiling),
        line_of_latency(CEILING, 2_000, ceiling[2_000], ceiling),
        line_of_latency(OURS, 2_000, delays(18.0), ceiling),
        line_of_latency(OURS, 5_000, delays(20.0), ceiling),
        line_of_latency(QUIX, 1_000, "falls behind", ceiling),
    ]

    found = latency_table(lines, TITLES)

    assert [row[0] for row in found.rows] == [CEILING.title, OURS.title, QUIX.title]
    assert found.rows[1][1:] == ["14.0", "14.0", "14.0", "14.0", "1.40", "1.40", "5,000"]
    assert found.rows[2][1:] == [ABSENT] * 7
    assert found.notes == [f"{QUIX.title}, 1000/s: falls behind"]
    assert lines[4]["ratio"] is None, "the ceiling was not measured there"
    drawn = histograms(lines, ("ours", "quix"), TITLES)
    assert OURS.title in drawn
    assert QUIX.title not in drawn
    curves = plot.curves_of([*lines, throughput(OURS, 500, 24_000.0)])
    assert curves == {"ceiling": [(1_000, 10.0), (2_000, 12.0)], "ours": [(1_000, 14.0), (2_000, 18.0), (5_000, 20.0)]}
    image = plot.drawn(curves, TITLES)
    assert (image.count("<circle"), image.count("<path")) == (5, 2), "a point a rate, a line a contender"
    everybody = plot.drawn({one.name: [(1_000, 10.0), (2_000, 20.0)] for one in ROSTER}, TITLES)
    assert everybody.count("<path") == len(ROSTER)


def test_ceiling_and_ours_take_turns_and_who_falls_behind_stops() -> None:
    asked: list[str] = []
    lines: list[dict[str, object]] = []

    def begin(contender: Contender) -> Generator[Delays | str]:
        for _ in range(1 if contender == OURS else 2):
            asked.append(contender.name)
            yield delays(1.0)
        if contender == OURS:
            asked.append(contender.name)
            yield "falls behind"

    sweep([CEILING, OURS, FAUST], [1_000, 2_000, 3_000], begin, lines.append, batch=500)

    assert asked == ["ceiling", "ours", "ceiling", "ours", "faust", "faust"]
    assert [line["value"] for line in lines if line["contender"] == "ours"] == [1.0, None]
    assert all(line["batch"] == 500 for line in lines)


def test_the_stamp_comes_back_with_the_verdict() -> None:
    sent = again(b'{"transaction_id":"t-1","V1":0.5}', 123_456_789_012)

    assert stamp_of(sent) == 123_456_789_012
