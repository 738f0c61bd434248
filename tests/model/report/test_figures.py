"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from model.measuring.assessment import Interval
from model.report.figures import alike, count, day, interval, minute, money, number, percent, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (float("nan"), "\u2013"),
        (float("inf"), "\u2013"),
        (0, "0"),
        (0.8125, "0.812"),
        (0.9, "0.900"),
        (0.9999, "1.00"),
        (0.00123456, "0.00123"),
        (0.0000123, "1.23\u00d710⁻⁵"),
        (12.345, "12.3"),
        (-0.5, "\u22120.500"),
        (48_213.4, "48,213"),
        (2.5e12, "2.50\u00d710¹²"),
        (99.99, "100"),
    ],
)
def test_three_digits_count(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "\u2013"), (0, "0%"), (1, "100%"), (0.8125, "81.2%"), (0.00857, "0.857%"), (1e-7, "1.00\u00d710⁻⁵%")],
)
def test_a_share_is_written_in_hundredths(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_whole_numbers_have_their_thousands_apart() -> None:
    assert [count(1_234_567), count(0), count(None), count(-3_000.2)] == ["1,234,567", "0", "\u2013", "\u22123,000"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.812, 0.742, 0.871, "0.812 (0.742\u20130.871)"),
        (0.9, 0.8, 0.95, "0.900 (0.800\u20130.950)"),
        (0.0042, -0.0031, 0.0117, "0.0042 (\u22120.0031 to 0.0117)"),
        (0.0, -0.002, 0.002, "0.00000 (\u22120.00200 to 0.00200)"),
        (0.0, 0.0, 0.0, "0.00 (0.00\u20130.00)"),
    ],
)
def test_an_interval_has_the_decimals_of_its_value(value: float, low: float, high: float, text: str) -> None:
    assert interval(Interval(value=value, low=low, high=high)) == text


def test_what_is_compared_has_the_same_decimals() -> None:
    assert alike([0.618, 0.00421, -0.0017, -2.7e-5]) == ["0.618", "0.004", "\u22120.002", "0.000"]
    assert alike([0.0, 0.0]) == ["0.00", "0.00"]
    assert alike([]) == []


def test_an_amount_has_its_currency() -> None:
    assert [money(48_213.4, "EUR"), money(817, None), money(None, "EUR")] == ["48,213 EUR", "817", "\u2013"]


def test_no_interval_is_a_dash() -> None:
    assert interval(None) == "\u2013"


def test_moments_are_in_utc() -> None:
    late = datetime(2018, 7, 25, 23, 30, tzinfo=timezone(timedelta(hours=-2)))

    assert (day(late), minute(late)) == ("2018-07-26", "2018-07-26 01:30")
    assert span(datetime(2018, 7, 25, tzinfo=UTC), late) == "2018-07-25 to 2018-07-26"
    assert span(late, late) == "2018-07-26 01:30 to 2018-07-26 01:30"
