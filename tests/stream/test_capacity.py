"""The plan: never fewer workers for more, what is impossible is refused with the bound, and the sums are right."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from stream.capacity import Assumptions, Costs, Demand, LatencyImpossible, Plan, cycle, fitted, least_p99, plan

COSTS = Costs(transaction_s=0.005, record_s=25e-6)
GIVEN = Assumptions()
RATES = [1, 10, 100, 999, 1_000, 5_000, 12_345, 20_000, 49_999, 50_000, 99_000, 250_000, 500_000, 999_999, 1_000_000]
LATENCIES_MS = [35, 36, 40, 50, 75, 100, 250, 1_000, 60_000]


def planned(rate: float, p99_ms: float, costs: Costs = COSTS, given: Assumptions = GIVEN) -> Plan:
    return plan(Demand(rate, p99_ms / 1000), costs, given)


@pytest.mark.parametrize("p99_ms", LATENCIES_MS)
def test_more_transactions_never_take_fewer_workers(p99_ms: float) -> None:
    workers = [planned(rate, p99_ms).workers for rate in RATES]

    assert workers == sorted(workers)
    assert workers[0] == 2, "one may be away"


@pytest.mark.parametrize("rate", RATES)
def test_a_shorter_p99_never_takes_fewer_workers(rate: float) -> None:
    workers = [planned(rate, p99_ms).workers for p99_ms in LATENCIES_MS]

    assert workers == sorted(workers, reverse=True)


@pytest.mark.parametrize("p99_ms", LATENCIES_MS)
@pytest.mark.parametrize("rate", RATES)
def test_every_plan_keeps_what_it_promises(rate: float, p99_ms: float) -> None:
    made = planned(rate, p99_ms)

    busiest = math.ceil(made.partitions / (made.workers - 1)) / made.partitions * rate
    assert made.p99_s <= made.p99_one_away_s * (1 + 1e-9)
    assert made.p99_one_away_s <= p99_ms / 1000 * (1 + 1e-9)
    assert made.partitions % made.workers == 0
    assert busiest <= (1 - GIVEN.headroom) * COSTS.throughput(made.batch_size) * (1 + 1e-9)
    assert made.utilisation <= 1 - GIVEN.headroom
    assert 0 <= made.batch_wait_ms <= 20
    assert 1 <= made.records_a_transaction <= made.batch_size <= 2_000
    assert rate * GIVEN.record_bytes / made.partitions <= GIVEN.partition_bytes_s
    assert made.transactions_s * made.records_a_transaction <= rate * (1 + 1e-9)


def test_a_million_a_second() -> None:
    made = planned(1_000_000, 50)

    # One core has at most 40,000 records of 25 µs a second, without transactions and headroom.
    assert 1_000_000 / 40_000 < made.workers < 10 * 1_000_000 / 40_000
    assert made.in_bytes_s == pytest.approx(1_000_000 * (900 + 450))
    assert made.out_bytes_s == pytest.approx(1_000_000 * (900 + 450))
    assert made.written_bytes_s == pytest.approx(3 * made.in_bytes_s)
    assert made.copied_bytes_s == pytest.approx(2 * made.in_bytes_s)
    assert made.brokers == math.ceil(made.written_bytes_s / 100e6)
    assert made.memory_bytes == made.workers * 250e6


@pytest.mark.parametrize("costs", [COSTS, Costs(0.0001, 0.02), Costs(0.3, 1e-6), Costs(0.0, 1e-5)])
def test_a_p99_below_one_transaction_is_refused_with_a_bound_that_holds(costs: Costs) -> None:
    bound = least_p99(costs, GIVEN)

    with pytest.raises(LatencyImpossible) as refusal:
        plan(Demand(1, bound * 0.999), costs, GIVEN)

    said = math.ceil(bound * 1000)
    assert f"the bound is {said} ms" in str(refusal.value)
    assert f"--p99-ms {said} or more" in str(refusal.value)
    assert plan(Demand(1_000, said / 1000), costs, GIVEN).workers >= 2
    assert plan(Demand(1_000, bound), costs, GIVEN).p99_one_away_s <= bound * (1 + 1e-9)


def test_what_costs_more_takes_more_workers() -> None:
    usual = planned(50_000, 60).workers

    assert planned(50_000, 60, Costs(0.005, 100e-6)).workers > usual
    assert planned(50_000, 60, Costs(0.008, 25e-6)).workers > usual
    assert planned(50_000, 60, given=replace(GIVEN, tail=4)).workers > usual
    assert planned(50_000, 1_000, given=replace(GIVEN, headroom=0.6)).workers > planned(50_000, 1_000).workers


def test_a_cycle_brings_in_what_it_deals_with() -> None:
    turn = cycle(COSTS, 20_000, wait_s=0.01)

    assert turn == pytest.approx(0.01 + COSTS.transaction_s + turn * 20_000 * COSTS.record_s)
    assert cycle(COSTS, 1 / COSTS.record_s) == math.inf
    assert cycle(COSTS, 0) == COSTS.transaction_s + COSTS.record_s


def test_the_wait_for_more_records_takes_what_the_p99_leaves() -> None:
    assert planned(1_000, 35).batch_wait_ms == 0
    assert planned(1_000, 1_000).batch_wait_ms == 20
    assert planned(1_000, 1_000).transactions_s < planned(1_000, 35).transactions_s


def test_a_line_is_found_again() -> None:
    points = [(size, 0.004 + size * 2e-5) for size in (1, 20, 500, 2_000)]
    found = fitted(points)

    assert (found.transaction_s, found.record_s) == pytest.approx((0.004, 2e-5))


@pytest.mark.parametrize("points", [[(500, 0.01)], [(100, 0.001), (1_000, 0.02)], [(1, 0.01), (1_000, 0.005)]])
def test_no_cost_is_below_nothing(points: list[tuple[int, float]]) -> None:
    found = fitted(points)

    assert found.transaction_s >= 0
    assert found.record_s >= 0
    assert found.transaction_s + found.record_s > 0


def test_one_size_alone_is_all_cost_of_its_records() -> None:
    found = fitted([(500, 0.01), (500, 0.02)])

    assert (found.transaction_s, found.record_s) == pytest.approx((0.0, 3e-5))
