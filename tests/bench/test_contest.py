"""Throughput: its steady part, the ceilings around it, and what is no figure."""

from __future__ import annotations

import pytest

from bench.contest import FIGURE, Result, contest, line_of_result
from bench.materials import again
from bench.roster import CEILING, OURS, ROSTER, CannotRunError, Contender
from bench.throughput import Rate, rate_of
from bench.trial_run import WrongAnswersError, wrong_ones

SINGLE, QUIX = (next(one for one in ROSTER if one.name == name) for name in ("sklearn_single", "quix"))


def rate(per_second: float) -> Rate:
    return Rate(per_second, 10.0, 5.0, int(5 * per_second))


def test_the_start_does_not_count() -> None:
    # Two slow seconds, then a thousand a second; after the last commit nothing is left.
    samples = [(0.0, 0, 1.0), (1.0, 10, 2.0), (2.0, 20, 3.0)]
    samples += [(2.0 + step / 10, 20 + 100 * step, 3.0 + step / 100) for step in range(1, 61)]
    samples += [(9.0, 6020, 3.7), (10.0, 6020, 3.8)]

    found = rate_of(samples)

    assert found.per_second == pytest.approx(1_000)
    assert found.cpu_us == pytest.approx(100)
    assert found.seconds < 6


def test_a_rate_is_taken_from_commit_to_commit() -> None:
    # A hundred every second, seen five times a second: what ends between commits would give other rates.
    samples = [(step / 5, step // 5 * 100, 0.0) for step in range(1, 58)]

    assert rate_of(samples).per_second == pytest.approx(100)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], "nothing"),
        ([(0.0, 0, 0.0), (1.0, 0, 0.0)], "nothing"),
        ([(0.0, 0, 0.0), (1.0, 500, 0.0), (1.1, 900, 0.0)], "before it could be watched"),
    ],
)
def test_too_little_is_no_figure(samples: list[tuple[float, int, float]], reason: str) -> None:
    with pytest.raises(CannotRunError, match=reason):
        rate_of(samples)


def test_each_runs_between_two_ceilings_once_the_broker_is_warm() -> None:
    # It grows faster three times over before it counts.
    ceilings = iter([20.0, 50.0, 96.0, 100.0, 120.0, 80.0])
    ran: list[str] = []
    results: list[Result] = []

    def run(contender: Contender, batch: int) -> Rate:
        assert batch == 500
        ran.append(contender.name)
        return rate(next(ceilings)) if contender == CEILING else rate(55.0)

    contest([CEILING, OURS, SINGLE], 500, run, results.append)

    assert ran == [*["ceiling"] * 4, "ours", "ceiling", "sklearn_single", "ceiling"]
    assert [(one.contender.name, one.ceiling) for one in results] == [
        ("ceiling", 100.0),
        ("ours", 110.0),
        ("sklearn_single", 100.0),
    ]
    line = line_of_result(results[1], bytes=879)
    assert (line["figure"], line["contender"], line["batch"], line["bytes"]) == (FIGURE, "ours", 500, 879)
    assert (line["value"], line["baseline_value"], line["ratio"], line["drift"]) == (55.0, 110.0, 0.5, 1.2)


@pytest.mark.parametrize("failure", [CannotRunError("no Java"), WrongAnswersError("3 of 9 verdicts are doubled")])
def test_who_fails_has_a_reason_and_no_figure_and_the_others_go_on(failure: Exception) -> None:
    results: list[Result] = []

    def run(contender: Contender, _: int) -> Rate:
        if contender == QUIX:
            raise failure
        return rate(50.0)

    contest([QUIX, OURS], 500, run, results.append)

    lines = [line_of_result(one) for one in results]
    assert [(line["contender"], line["value"]) for line in lines] == [("ceiling", 50.0), ("quix", None), ("ours", 50.0)]
    assert lines[1]["reason"] == str(failure)
    assert "ratio" not in lines[1]


def test_warming_ends() -> None:
    faster = (2.0**power for power in range(100))
    results: list[Result] = []

    contest([], 500, lambda _, __: rate(next(faster)), results.append)

    assert [one.ceiling for one in results] == [32.0]


def test_without_a_ceiling_there_is_no_contest() -> None:
    def run(_: Contender, __: int) -> Rate:
        raise CannotRunError("no broker")

    with pytest.raises(CannotRunError, match="no broker"):
        contest([OURS], 500, run, lambda _: None)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"a": 0.25, "b": 0.500001}, 0),
        ({"3*a": 0.25}, 0),
        ({"a": 0.26, "b": 0.5}, 1),
        ({"a": None}, 1),
        ({"a": float("nan")}, 1),
        ({"stranger": 0.25}, 1),
    ],
)
def test_a_probability_is_scikit_learns_or_wrong(given: dict[str, float | None], wrong: int) -> None:
    assert wrong_ones(given, {"a": 0.25, "b": 0.5}) == wrong


def test_a_transaction_again_has_another_id_only() -> None:
    assert again(b'{"transaction_id":"x","v":1}', 12) == b'{"transaction_id":"12*x","v":1}'
