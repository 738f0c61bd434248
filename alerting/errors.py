"""What the user has to mend before anybody can be told, named after the broken promise."""

from __future__ import annotations

from stream.errors import Mendable


class NoChannel(Mendable):
    """Nothing says whom to tell."""


class ChannelRefused(Mendable):
    """A channel cannot be opened with its settings, or without its package."""
