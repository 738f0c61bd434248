"""The breaker on a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stream.breaker import Breaker
from stream.settings import BreakerSettings


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(BreakerSettings(share=0.5, records=100, window_s=60, pause_s=15), clock)


def test_it_opens_where_more_than_the_share_are_dead_letters(breaker: Breaker) -> None:
    assert not breaker.count(100, 50)
    assert not breaker.is_open
    assert breaker.count(1, 1)
    assert breaker.is_open


def test_a_few_records_decide_nothing(breaker: Breaker) -> None:
    assert not breaker.count(99, 99)
    assert not breaker.is_open


def test_what_is_older_than_the_window_is_forgotten(breaker: Breaker, clock: Clock) -> None:
    breaker.count(90, 90)
    clock.now += 60
    assert not breaker.count(90, 90)
    clock.now += 59
    assert breaker.count(10, 10)


def test_after_the_pause_it_is_closed_and_counts_anew(breaker: Breaker, clock: Clock) -> None:
    breaker.count(200, 200)
    clock.now += 14.9
    assert breaker.is_open
    clock.now += 0.1
    assert not breaker.is_open
    assert breaker.share == 0
    assert not breaker.count(99, 99)
    assert breaker.count(1, 1)


def test_a_share_of_one_never_opens_it(clock: Clock) -> None:
    breaker = Breaker(BreakerSettings(share=1, records=1), clock)

    assert not breaker.count(10_000, 10_000)
