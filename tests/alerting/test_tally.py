"""Alerts counted together, exactly."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from alerting.ledger.entries import Tally
from alerting.tally import OTHER_CURRENCIES, line_of, merged, of_one, with_alert
from tests.alerting.verdicts import ACCOUNT, MASKED, alert


def test_counts_and_sums_are_exact_where_floats_are_not() -> None:
    tally = Tally()
    for number in range(10):
        tally = with_alert(tally, alert(transaction_id=f"t-{number}", amount=0.1))

    assert (tally.count, tally.sums) == (10, {"EUR": "1.0"})


def test_amounts_as_far_apart_as_they_can_be_are_summed() -> None:
    tally = Tally()
    for amount in (1e308, 5e-324, -1e308):
        tally = with_alert(tally, alert(amount=amount))

    assert Decimal(tally.sums["EUR"]) == Decimal("5E-324")


def test_what_has_no_amount_is_counted_apart_and_currencies_are_kept_apart() -> None:
    tally = Tally()
    for changed in ({"amount": None}, {"currency": "USD"}, {"currency": None}, {}):
        tally = with_alert(tally, alert(**changed))

    assert (tally.count, tally.without_amount) == (4, 1)
    assert tally.sums == {"": "1234.5", "EUR": "1234.5", "USD": "1234.5"}


def test_currencies_that_producers_make_up_are_summed_under_one_name() -> None:
    tally = Tally()
    for number in range(200):
        tally = with_alert(tally, alert(currency=f"X{number:03}", amount=0.1))

    assert len(tally.sums) == 51
    assert tally.sums[OTHER_CURRENCIES] == "15.0"
    assert sum(Fraction(total) for total in tally.sums.values()) == 20


def test_it_spans_from_the_earliest_to_the_latest() -> None:
    tally, noon = Tally(), datetime(2026, 1, 31, 12, tzinfo=UTC)
    for minute in (5, 0, 9, 3):
        tally = with_alert(tally, alert(event_time=noon + timedelta(minutes=minute)))

    assert (tally.first, tally.last) == (noon, noon + timedelta(minutes=9))


def test_of_equal_probability_the_larger_amount_is_stronger_and_none_is_the_weakest() -> None:
    tally = Tally()
    for number, amount in enumerate((None, 5.0, -1.0, 700.0)):
        tally = with_alert(tally, alert(transaction_id=f"t-{number}", amount=amount))

    assert [line.amount for line in tally.strongest] == [700.0, 5.0, -1.0, None]


def test_the_strongest_are_five_and_accounts_are_masked() -> None:
    tally = Tally()
    for number in range(20):
        tally = with_alert(tally, alert(transaction_id=f"t-{number}", fraud_probability=number / 20))

    assert [line.transaction_id for line in tally.strongest] == ["t-19", "t-18", "t-17", "t-16", "t-15"]
    assert line_of(alert()).account == MASKED
    assert ACCOUNT not in str(tally)


@pytest.mark.parametrize("seed", range(5))
def test_in_whatever_order_and_parts_it_is_the_same(seed: int) -> None:
    dice = random.Random(seed)
    alerts = [
        alert(
            transaction_id=f"t-{number}",
            amount=dice.choice([None, dice.uniform(-1e6, 1e6), dice.uniform(0, 1e-6)]),
            currency=dice.choice(["EUR", "USD", None]),
            fraud_probability=dice.random(),
        )
        for number in range(60)
    ]
    whole = Tally()
    for one in alerts:
        whole = with_alert(whole, one)
    shuffled = [of_one(one) for one in dice.sample(alerts, len(alerts))]
    while len(shuffled) > 1:
        left = shuffled.pop(dice.randrange(len(shuffled)))
        shuffled.append(merged(left, shuffled.pop(dice.randrange(len(shuffled)))))

    assert (shuffled[0].count, shuffled[0].without_amount) == (whole.count, whole.without_amount)
    assert {name: Decimal(total) for name, total in shuffled[0].sums.items()} == {
        name: Decimal(total) for name, total in whole.sums.items()
    }
    assert [line.transaction_id for line in shuffled[0].strongest] == [line.transaction_id for line in whole.strongest]
    expected = sum(Fraction(str(one.verdict.amount)) for one in alerts if one.verdict.amount is not None)
    assert sum(Fraction(total) for total in whole.sums.values()) == expected
