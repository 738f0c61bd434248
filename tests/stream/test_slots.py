"""Who is in a slot: how long a name that nobody speaks for is waited out, and when somebody else has the place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stream.errors import SlotTaken
from stream.slots import Slot, require_free

SESSION_S = 15.0
ANOTHER, NOBODY, UNSETTLED = True, False, None


class ScriptedSlot(Slot):
    """A slot of which the group says what is written here, a second after the other."""

    def __init__(self, said: Iterator[bool | None]) -> None:
        self._said = said

    def has_another(self, member_id: str | None) -> bool | None:
        assert member_id == "member"
        return next(self._said)


def asked_for(*said: tuple[bool | None, int]) -> int:
    """Seconds until the slot was found free; each answer comes for so many of them."""
    seconds = 0

    def pause() -> None:
        nonlocal seconds
        seconds += 1

    require_free(
        ScriptedSlot(answer for answer, times in said for _ in range(times)),
        "member",
        session_s=SESSION_S,
        stop=threading.Event(),
        pause=pause,
        timer=lambda: float(seconds),
    )
    return seconds


def test_an_empty_slot_is_free_at_once() -> None:
    assert asked_for((NOBODY, 1)) == 0


def test_a_name_that_nobody_speaks_for_is_waited_out() -> None:
    assert asked_for((ANOTHER, 16), (NOBODY, 1)) == 16


def test_who_stays_longer_than_a_session_has_the_slot() -> None:
    with pytest.raises(SlotTaken, match="FRAUD_SCORER__SLOT"):
        asked_for((ANOTHER, 100))


def test_a_session_counts_from_when_the_group_has_shared() -> None:
    """While a member is awaited, for as long as a poll interval, no session of those who asked already ends."""
    assert asked_for((ANOTHER, 2), (UNSETTLED, 60), (ANOTHER, 16), (NOBODY, 1)) == 78
