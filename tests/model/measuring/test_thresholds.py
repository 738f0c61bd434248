"""Policies and the thresholds that they lead to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.measuring.thresholds import AmountsMissing, Policy, PolicyInvalid, choose, outcome, parse_policy

ROWS = 4_000
SOURCE = np.random.default_rng(6)
LABELS = (SOURCE.random(ROWS) < 0.05).astype(np.int8)
PROBABILITIES: NDArray[np.float64] = np.clip(SOURCE.normal(0.3 + 0.3 * LABELS, 0.12), 0.001, 0.999).round(3)
AMOUNTS: NDArray[np.float64] = SOURCE.lognormal(3, 1, ROWS)
WEIGHTS = np.ones(ROWS)


def f1_score(labels: NDArray[np.int8], alarms: NDArray[np.bool_]) -> float:
    return float(2 * labels[alarms].sum() / (labels.sum() + alarms.sum()))


def precision_score(labels: NDArray[np.int8], alarms: NDArray[np.bool_]) -> float:
    return float(labels[alarms].mean())


def chosen(
    text: str, labels: NDArray[np.int8] = LABELS, probabilities: NDArray[np.float64] = PROBABILITIES, days: float = 10
) -> tuple[float, bool]:
    amounts = AMOUNTS[: len(labels)]
    return choose(parse_policy(text), labels, probabilities, weights=np.ones(len(labels)), amounts=amounts, days=days)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f1", Policy("f1", "f1", 0)),
        ("precision:0.9", Policy("precision:0.9", "precision", 0.9)),
        ("precision:1", Policy("precision:1", "precision", 1)),
        ("alerts:50", Policy("alerts:50", "alerts", 50)),
        ("cost:2.5", Policy("cost:2.5", "cost", 2.5)),
    ],
)
def test_a_policy_is_read(text: str, expected: Policy) -> None:
    assert parse_policy(text) == expected
    assert expected.needs_amounts == (expected.kind == "cost")
    assert expected.price == (2.5 if expected.kind == "cost" else None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "recall:0.9", "F1", "f1:1", "precision", "precision:", "precision:0", "precision:1.1"),
        *("alerts:-5", "alerts:nan", "alerts:inf", "cost:dear", "cost:0"),
    ],
)
def test_what_is_no_policy_is_named_with_the_forms(text: str) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        parse_policy(text)

    assert repr(text) in refusal.value.problem
    for form in ("f1", "precision:P", "alerts:N", "cost:C"):
        assert form in refusal.value.remedy


def test_f1_is_near_the_best_and_reached() -> None:
    threshold, reached = chosen("f1")

    best = max(f1_score(LABELS, one <= PROBABILITIES) for one in np.unique(PROBABILITIES))
    error = (best * (1 - best) / LABELS.sum()) ** 0.5
    assert reached
    assert f1_score(LABELS, threshold <= PROBABILITIES) >= best - error


def test_f1_of_few_frauds_holds_better_on_later_rows_than_the_highest_peak() -> None:
    source = np.random.default_rng(1)

    def rows(count: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        labels = (source.random(count) < 0.01).astype(np.int8)
        return labels, 1 / (1 + np.exp(-source.normal(-5 + 5 * labels, 1.5)))

    later, later_scores = rows(100_000)
    gained = []
    for _ in range(30):
        labels, scores = rows(4_000)
        f1 = [(f1_score(labels, one <= scores), one) for one in scores[labels == 1]]
        threshold, _ = chosen("f1", labels, scores)
        gained.append(f1_score(later, threshold <= later_scores) - f1_score(later, max(f1)[1] <= later_scores))
    assert np.mean(gained) > 0


def test_between_two_probabilities_a_threshold_keeps_away_from_both() -> None:
    labels = np.array([0, 1, 1], dtype=np.int8)
    probabilities = np.array([0.1, 0.8, 0.9])

    assert chosen("f1", labels, probabilities)[0] == pytest.approx((0.1 * 0.8) ** 0.5)
    assert chosen("alerts:2", labels, probabilities, days=1)[0] == pytest.approx((0.1 * 0.8) ** 0.5)


def test_a_useless_model_has_thresholds_too() -> None:
    labels, equal = np.array([0, 1, 1], dtype=np.int8), np.full(3, 0.2)

    assert chosen("f1", labels, equal) == (0.2, True)
    assert chosen("f1", labels, np.zeros(3)) == (0.0, True)
    assert chosen("precision:0.9", labels, equal) == (0.2, False)
    assert chosen("alerts:1", labels, equal, days=1) == (0.2, False)
    assert chosen("cost:5", labels, np.ones(3)) == (1.0, True)


@pytest.mark.parametrize("floor", [0.3, 0.6, 0.9])
def test_precision_is_kept_with_the_highest_recall(floor: float) -> None:
    threshold, reached = chosen(f"precision:{floor}")

    caught = {
        LABELS[one <= PROBABILITIES].sum()
        for one in np.unique(PROBABILITIES)
        if (one <= PROBABILITIES).sum() >= 5 and precision_score(LABELS, one <= PROBABILITIES) >= floor
    }
    assert reached
    assert precision_score(LABELS, threshold <= PROBABILITIES) >= floor
    assert LABELS[threshold <= PROBABILITIES].sum() == max(caught)


def test_precision_of_a_lucky_few_is_not_believed() -> None:
    labels = np.array([1, 1, 0, 0, 0, 1, 0, 0, 0, 0], dtype=np.int8)
    probabilities = np.linspace(0.9, 0.1, 10)

    threshold, reached = chosen("precision:0.9", labels, probabilities)

    # Two alarms would be right, five are too few of it; six have the highest precision then.
    assert not reached
    assert (threshold <= probabilities).sum() == 6


@pytest.mark.parametrize("most", [1, 17, 50, 300, 1_000])
def test_alerts_a_day_are_as_many_as_fit(most: int) -> None:
    threshold, reached = chosen(f"alerts:{most}")

    alarms = (threshold <= PROBABILITIES).sum()
    next_lower = PROBABILITIES[threshold > PROBABILITIES].max(initial=0)
    more = (next_lower <= PROBABILITIES).sum()
    assert reached
    assert alarms / 10 <= most
    assert more / 10 > most or alarms == ROWS


def test_alerts_count_what_rows_stand_for() -> None:
    few, _ = choose(parse_policy("alerts:50"), LABELS, PROBABILITIES, weights=WEIGHTS * 4, amounts=None, days=10)

    assert few == chosen("alerts:12.5")[0]


@pytest.mark.parametrize("price", [0.1, 5, 100])
def test_no_threshold_costs_less(price: float) -> None:
    threshold, _ = chosen(f"cost:{price}")

    def cost(one: float) -> float:
        alarm = one <= PROBABILITIES
        return float(AMOUNTS[(LABELS == 1) & ~alarm].sum() + price * ((LABELS == 0) & alarm).sum())

    assert cost(threshold) == pytest.approx(min(cost(one) for one in (*np.unique(PROBABILITIES), 1.0)))


def test_alarms_that_cost_more_than_all_frauds_are_not_raised() -> None:
    labels = np.array([0, 1], dtype=np.int8)
    threshold, reached = chosen("cost:1000000", labels, np.array([0.8, 0.5]))

    assert reached
    assert 0.8 < threshold < 1


def test_money_needs_amounts() -> None:
    with pytest.raises(AmountsMissing, match="'cost:5' needs amounts"):
        choose(parse_policy("cost:5"), LABELS, PROBABILITIES, weights=WEIGHTS, amounts=None, days=10)


def test_an_outcome_counts_alarms_and_money() -> None:
    labels = np.array([1, 0, 1, 0, 1], dtype=np.int8)
    probabilities = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    amounts = np.array([10.0, 20.0, np.nan, 40.0, 50.0])
    weights = np.array([1.0, 3.0, 1.0, 3.0, 1.0])

    found = outcome(labels, probabilities, 0.7, weights=weights, amounts=amounts, days=2, price=5)

    assert (found.alerts_a_day, found.precision, found.recall) == (2.5, 0.4, 2 / 3)
    assert found.f1 == pytest.approx(2 * 2 / (5 + 3))
    assert (found.frauds_caught, found.frauds, found.false_alarms) == (2, 3, 3)
    assert (found.money_caught, found.money_lost, found.cost) == (10, 50, 65)


def test_an_outcome_says_what_it_does_not_know() -> None:
    no_fraud = np.zeros(2, dtype=np.int8)

    found = outcome(no_fraud, np.array([0.1, 0.2]), 0.5, weights=np.ones(2), amounts=None, days=1, price=5)

    assert (found.precision, found.recall, found.f1) == (None, None, None)
    assert (found.money_caught, found.money_lost, found.cost) == (None, None, None)
