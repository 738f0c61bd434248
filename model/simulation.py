"""Synthetic card transactions, labelled, with three kinds of fraud.

After the simulator of the Fraud Detection Handbook, chapter 3 (Le Borgne, Siblini, Lebichot, Bontempi:
"Reproducible Machine Learning for Credit Card Fraud Detection - Practical Handbook", ULB, 2022,
https://fraud-detection-handbook.github.io). Ours in the rest: compromises already under way on the first day,
explicit rates of fraud, busier and later weekends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.simulation_plan import ImpossiblePlan, SimulationPlan
from model.window_features import window_features

CURRENCY: Final = "EUR"
_TEXTS: Final = ("transaction_id", "account_id", "terminal_id", "currency", "fraud_kind")

HONEST, OVER_LIMIT, AT_TERMINAL, WITH_CARD = range(4)
FRAUD_KINDS: Final = ("", "amount", "terminal", "card")  # by the numbers above

TERMINAL_DAYS: Final = 28  # how long a terminal stays compromised; all of its transactions are fraud
CARD_DAYS: Final = 14  # how long a card does
CARD_SHARE: Final = 1 / 3  # of a compromised card's transactions are fraud,
CARD_FACTOR: Final = 5  # of so many times the amount

SIDE: Final = 100.0  # of the square in which customers and terminals have their places
# How busy the hours of a weekday are. At weekends the same happens two hours later, and more of it.
_HOURS: Final = np.array([2, 1, 1, 1, 1, 2, 5, 10, 14, 15, 16, 18, 20, 18, 16, 15, 16, 19, 21, 19, 15, 11, 8, 4], float)
_WEEKEND_LATER: Final = 2
_DAYS: Final = np.array([0.90, 0.90, 0.95, 0.95, 1.05, 1.20, 1.05])  # from Monday on, 1 on average
_SATURDAY: Final = 5
_DAY_SECONDS: Final = 86_400

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def simulate(plan: SimulationPlan, *, seed: int, progress: Callable[[float], None] | None = None) -> pd.DataFrame:
    """Labelled transactions in order of time; the same for the same plan and seed.

    Customers have a place, and a mean amount, a spread and a frequency of their own. They pay at the terminals
    within the plan's radius, or at the nearest. Frauds are of one kind each:

    - `amount`: more than the plan's limit, at any terminal, with any card;
    - `terminal`: all that is paid at a compromised terminal, for 28 days, the amounts as ever;
    - `card`: a third of what is paid with a compromised card, for 14 days, of five times the amount.

    Args:
        plan: How many of what.
        seed: Any integer from 0 on.
        progress: Is told the share of the work that is done, from 0 to 1.

    Returns:
        One row for each transaction: `transaction_id`, `event_time` (UTC, whole seconds), `account_id`,
        `terminal_id`, `amount` (euros, float64), `currency`, the features of `model.window_features`, `is_fraud`
        (int64, 0 or 1) and `fraud_kind` ("", "amount", "terminal" or "card": the label in another form, never
        an input).

    Raises:
        ImpossiblePlan: The plan or the seed makes no sense.
    """
    if mistakes := [*plan.mistakes(), *([f"seed={seed} (at least 0)"] if seed < 0 else [])]:
        raise ImpossiblePlan(mistakes)
    tell = progress or (lambda _: None)
    # One stream of randomness each: another rate of fraud leaves customers, places and times as they are.
    of_people, of_times, of_places, of_fraud, of_amounts = map(
        np.random.default_rng, np.random.SeedSequence(seed).spawn(5)
    )
    people = _people(plan, of_people)
    payments = _payments(plan, people, of_times)
    tell(0.1)
    terminal = _terminals_visited(plan, people, payments, of_places, lambda share: tell(0.1 + 0.5 * share))
    kind = _fraud_kinds(plan, payments, terminal, of_fraud)
    cents = _amounts_in_cents(plan, people, payments, kind, of_amounts)
    transactions = _table(plan, payments, terminal, kind, cents)
    tell(0.8)
    known = window_features(transactions)
    tell(1.0)
    labels = ["is_fraud", "fraud_kind"]
    return pd.concat([transactions.drop(columns=labels), known, transactions[labels]], axis=1)


@dataclass(frozen=True)
class _People:
    """The customers, one at each index: place float64[c, 2], the others float64[c]."""

    place: Floats
    daily_payments: Floats
    mean_amount: Floats
    spread: Floats


@dataclass(frozen=True)
class _Payments:
    """Who pays when, in order of time: int64[n] each, `day` and `second` counted from the plan's start."""

    customer: Integers
    day: Integers
    second: Integers


def _people(plan: SimulationPlan, rng: np.random.Generator) -> _People:
    mean_amount = rng.uniform(5, 100, plan.customers)
    return _People(
        place=rng.uniform(0, SIDE, (plan.customers, 2)),
        daily_payments=rng.uniform(0, 4, plan.customers),
        mean_amount=mean_amount,
        spread=mean_amount * rng.uniform(0.3, 0.6, plan.customers),
    )


def _payments(plan: SimulationPlan, people: _People, rng: np.random.Generator) -> _Payments:
    weekday = (plan.start.weekday() + np.arange(plan.days)) % 7
    counts = rng.poisson(people.daily_payments[:, np.newaxis] * _DAYS[weekday])
    customer, day = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), plan.days)
    hour = np.searchsorted(np.cumsum(_HOURS / _HOURS.sum())[:-1], rng.random(len(day)), side="right")
    # Past midnight it is still the same day's night, at its other end.
    hour = np.where(weekday[day] >= _SATURDAY, (hour + _WEEKEND_LATER) % 24, hour)
    second = day * _DAY_SECONDS + hour * 3600 + rng.integers(0, 3600, len(day))
    in_time = np.argsort(second, kind="stable")
    return _Payments(customer[in_time], day[in_time], second[in_time])


def _terminals_visited(
    plan: SimulationPlan,
    people: _People,
    payments: _Payments,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> Integers:
    """The terminal of each payment: any of those within the radius, or the nearest if there is none."""
    places = rng.uniform(0, SIDE, (plan.terminals, 2))
    visited = np.empty(len(payments.customer), dtype=np.int64)
    by_customer = np.argsort(payments.customer, kind="stable")
    theirs = np.split(by_customer, np.cumsum(np.bincount(payments.customer, minlength=plan.customers))[:-1])
    for customer, rows in enumerate(theirs):
        squared = np.square(places - people.place[customer]).sum(axis=1)
        near = np.flatnonzero(squared <= max(plan.radius**2, squared.min()))
        visited[rows] = near[rng.integers(0, len(near), len(rows))]
        if customer % 100 == 0:
            progress(customer / plan.customers)
    return visited


def _fraud_kinds(plan: SimulationPlan, payments: _Payments, terminal: Integers, rng: np.random.Generator) -> Integers:
    """The number of the kind of fraud that each payment is; where several would fit, the last one."""
    cards = _compromised(plan.customers, plan.days, CARD_DAYS, plan.card_compromise_rate, rng)
    terminals = _compromised(plan.terminals, plan.days, TERMINAL_DAYS, plan.terminal_compromise_rate, rng)
    over_limit = rng.random(len(terminal)) < plan.over_limit_rate
    with_card = rng.random(len(terminal)) < CARD_SHARE

    kind = np.full(len(terminal), HONEST, dtype=np.int64)
    kind[over_limit] = OVER_LIMIT
    kind[terminals[terminal, payments.day]] = AT_TERMINAL
    kind[cards[payments.customer, payments.day] & with_card] = WITH_CARD
    return kind


def _compromised(things: int, days: int, duration: int, rate: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each thing is compromised on each day: bool[things, days].

    Compromises may have begun before the first day; so the share of fraud is the same from the start.
    """
    begun = np.cumsum(rng.random((things, duration - 1 + days)) < rate, axis=1)
    begun_before = np.pad(begun, ((0, 0), (1, 0)))[:, :days]
    return begun[:, duration - 1 :] > begun_before


def _amounts_in_cents(
    plan: SimulationPlan, people: _People, payments: _Payments, kind: Integers, rng: np.random.Generator
) -> Integers:
    limit = int(plan.amount_limit * 100)
    mean = people.mean_amount[payments.customer]
    drawn = rng.normal(mean, people.spread[payments.customer]) * 100
    # The Handbook does so with what is below zero, we also with what is over the limit.
    drawn_anew = rng.uniform(0, np.minimum(mean * 200, limit))
    within = np.where((drawn > 0) & (drawn <= limit), drawn, drawn_anew)
    honest = np.maximum(np.rint(within).astype(np.int64), 1)
    over_limit = rng.integers(limit + 1, 2 * limit + 1, len(kind))
    return np.select([kind == OVER_LIMIT, kind == WITH_CARD], [over_limit, honest * CARD_FACTOR], honest)


def _table(
    plan: SimulationPlan, payments: _Payments, terminal: Integers, kind: Integers, cents: Integers
) -> pd.DataFrame:
    midnight = np.datetime64(plan.start.isoformat(), "us")
    table = pd.DataFrame(
        {
            "transaction_id": [f"sim-{number:07d}" for number in range(len(kind))],
            "event_time": pd.DatetimeIndex(midnight + payments.second.astype("timedelta64[s]"), tz="UTC"),
            "account_id": _names("account", plan.customers)[payments.customer],
            "terminal_id": _names("terminal", plan.terminals)[terminal],
            "amount": cents / 100,
            "currency": CURRENCY,
            "is_fraud": (kind != HONEST).astype(np.int64),
            "fraud_kind": np.array(FRAUD_KINDS, dtype=object)[kind],
        }
    )
    # Said here, since a table without rows does not tell.
    return table.astype(dict.fromkeys(_TEXTS, "str"))


def _names(what: str, count: int) -> NDArray[np.object_]:
    return np.array([f"{what}-{number:06d}" for number in range(count)], dtype=object)
