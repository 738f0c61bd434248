"""Whether a worker that died is started again, and when."""

from __future__ import annotations

import pytest

from stream.restarts import Again, Deaths, Ending, Hopeless, after


def pauses(ending: Ending, times: int) -> list[float]:
    """Between so many deaths of one kind."""
    deaths, found = Deaths(), []
    for _ in range(times):
        step = after(ending, deaths)
        assert isinstance(step, Again)
        found.append(step.pause_s)
        deaths = step.deaths
    return found


@pytest.mark.parametrize("status", [1, -9, 0, 130, None])
def test_each_pause_is_twice_the_last_up_to_half_a_minute(status: int | None) -> None:
    assert pauses(Ending(status, 1.0), 9) == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_slot_that_never_comes_up_is_tried_for_ever() -> None:
    assert set(pauses(Ending(1, 0.0), 5_000)[10:]) == {30.0}


def test_a_minute_of_life_ends_the_row() -> None:
    step = after(Ending(-9, 60.0), Deaths(in_a_row=6, taken_in_a_row=2))

    assert step == Again(0.5, Deaths(in_a_row=1))


def test_what_somebody_must_mend_is_not_tried_again() -> None:
    assert after(Ending(2, 3_600.0), Deaths()) is Hopeless.MENDABLE


def test_a_slot_that_is_taken_again_and_again_is_given_up() -> None:
    taken = Ending(1, 5.0, slot_taken=True)
    assert len(pauses(taken, 2)) == 2
    assert after(taken, Deaths(2, 2)) is Hopeless.SLOT_TAKEN


def test_another_kind_of_death_between_two_takings_ends_their_row() -> None:
    step = after(Ending(-9, 5.0), Deaths(2, 2))

    assert step == Again(2.0, Deaths(3, 0))
    assert isinstance(after(Ending(1, 5.0, slot_taken=True), step.deaths), Again)
