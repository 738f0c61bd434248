"""The time of day for decisions, whatever is done to the machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerting.clock import SteadyClock

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Machine:
    """A machine's clocks: one that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall = NOON
        self.passed = 0.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.passed)

    def later(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.passed += seconds


def test_it_follows_the_machine_s_clock() -> None:
    machine = Machine()
    machine.later(5)
    assert machine.clock() == NOON + timedelta(seconds=5)
    machine.wall += timedelta(hours=1)
    assert machine.clock() == NOON + timedelta(hours=1, seconds=5)


def test_a_clock_that_is_put_back_goes_on_at_its_own_pace_until_it_is_caught_up_with() -> None:
    machine = Machine()
    machine.wall -= timedelta(minutes=10)
    for _ in range(5):
        machine.later(60)
        machine.clock()
    assert machine.clock() == NOON + timedelta(minutes=5)
    machine.later(20 * 60)
    assert machine.clock() == NOON + timedelta(minutes=15) == machine.wall
    machine.wall = NOON + timedelta(hours=2)
    assert machine.clock() == machine.wall


def test_how_old_something_is_goes_by_the_clock_that_others_write_by() -> None:
    machine = Machine()
    machine.wall += timedelta(days=1)
    machine.clock()
    machine.wall -= timedelta(days=1)

    assert machine.clock() >= NOON + timedelta(days=1)
    assert machine.clock.age(NOON - timedelta(seconds=5)) == timedelta(seconds=5)
    assert machine.clock.age(NOON + timedelta(hours=1)) == timedelta(0)
