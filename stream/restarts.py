"""What becomes of a worker's process that has ended without being asked to (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# The exit status of what a restart cannot mend, because a person must.
STATUS_MENDABLE: Final = 2

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
# Who has worked for as long has not died of how it began.
_GOOD_LIFE_S: Final = 60.0
# A worker that stood still finds its slot taken once, though nobody has it. Two supervisors with one slot take it from
# each other for ever.
_MOST_TAKEN: Final = 3


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        status: Its exit status, negative where a signal ended it; None where it could not be started at all.
        lived_s: Seconds from its start.
        slot_taken: Whether it said that another worker has its slot.
    """

    status: int | None
    lived_s: float
    slot_taken: bool = False


@dataclass(frozen=True)
class Deaths:
    """Those of one slot that came one after the other, without a good life between.

    Attributes:
        in_a_row: All of them.
        taken_in_a_row: Of the last ones those for want of the slot.
    """

    in_a_row: int = 0
    taken_in_a_row: int = 0


@dataclass(frozen=True)
class Again:
    """The slot gets another process.

    Attributes:
        pause_s: Seconds until then.
        deaths: To be kept for the next ending.
    """

    pause_s: float
    deaths: Deaths


class Hopeless(Enum):
    """Why another process would fare no better: all workers are to end."""

    MENDABLE = "a setting, a topic, a grant or a model is to be mended"
    SLOT_TAKEN = "another process keeps the slot"


def after(ending: Ending, deaths: Deaths) -> Again | Hopeless:
    """Whether a slot gets another process, and when: half a second at first, then twice as long each time, to 30 s.

    Args:
        ending: Of the last one. A clean one that nobody here asked for counts too: who ends a worker by hand wants it
            started anew.
        deaths: Before this one.
    """
    if ending.status == STATUS_MENDABLE:
        return Hopeless.MENDABLE
    before = Deaths() if ending.lived_s >= _GOOD_LIFE_S else deaths
    now = Deaths(before.in_a_row + 1, before.taken_in_a_row + 1 if ending.slot_taken else 0)
    if now.taken_in_a_row >= _MOST_TAKEN:
        return Hopeless.SLOT_TAKEN
    # The exponent is bounded: a slot that never comes up would outgrow what a float can hold.
    return Again(min(_FIRST_PAUSE_S * 2.0 ** min(before.in_a_row, 16), _LONGEST_PAUSE_S), now)
