"""What people can mend before anybody is told of anything."""

from __future__ import annotations

from collections.abc import Sequence

from stream.errors import Mendable


class NoChannel(Mendable):
    """Nobody can be told: no channel is configured."""


class ChannelRefused(Mendable):
    """A channel cannot be opened with its settings, or without its package."""


class AlertingRefused(Mendable):
    """Several things keep the worker from starting; lists them all.

    Args:
        flaws: Two at least, none of them of this class.
    """

    def __init__(self, flaws: Sequence[Mendable]) -> None:
        *most, last = flaws
        super().__init__(
            "; ".join([*map(str, most), last.problem]),
            remedy=last.remedy,
            problems=[problem for flaw in flaws for problem in flaw.problems],
        )
        self.flaws = tuple(flaws)


def each_of(refusal: Mendable) -> tuple[Mendable, ...]:
    """What an error is about, one thing each."""
    return refusal.flaws if isinstance(refusal, AlertingRefused) else (refusal,)


def all_of(problems: Sequence[Mendable]) -> Mendable:
    """One error that says what every one of them says."""
    flaws = [flaw for problem in problems for flaw in each_of(problem)]
    return flaws[0] if len(flaws) == 1 else AlertingRefused(flaws)
