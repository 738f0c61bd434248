"""What people can mend before anybody is told of anything."""

from __future__ import annotations

from collections.abc import Sequence

from stream.errors import Mendable


class NoChannel(Mendable):
    """Nobody can be told: no channel is configured."""


class ChannelRefused(Mendable):
    """A channel cannot be opened with its settings, or without its package."""


class AlertingRefused(Mendable):
    """Several things keep the worker from starting; lists them all."""


def all_of(problems: Sequence[Mendable]) -> Mendable:
    """One error that says what every one of them says."""
    if len(problems) == 1:
        return problems[0]
    *most, last = problems
    return AlertingRefused("; ".join([*map(str, most), last.problem]), remedy=last.remedy)
