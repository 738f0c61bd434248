"""What people can mend before anybody is told of anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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


class Flaws:
    """What is wrong with several things, one after the other.

    Attributes:
        found: In the order in which they were looked at.
    """

    def __init__(self) -> None:
        self.found: list[Mendable] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Notes what the user can mend, and goes on behind the block."""
        try:
            yield
        except Mendable as refusal:
            self.found += each_of(refusal)

    def require_none(self) -> None:
        """Raises everything that was found.

        Raises:
            Mendable: Something was.
        """
        if self.found:
            raise all_of(self.found)


def all_of(problems: Sequence[Mendable]) -> Mendable:
    """One error that says what every one of them says."""
    flaws = [flaw for problem in problems for flaw in each_of(problem)]
    return flaws[0] if len(flaws) == 1 else AlertingRefused(flaws)
