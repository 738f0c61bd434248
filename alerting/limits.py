"""How many notices are too many: sliding windows for each recipient on a channel, and for the whole worker.

The defaults for text messages are what GoAlert's users have found bearable. Mail is cheaper to ignore, and machines
want everything.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerting.ledger.entries import Held

STORM: Final = "storm"
PROVIDER: Final = "provider/"

# Nothing older counts for the defaults; windows of a bank's own may be longer, and begin anew after a restart.
LONGEST: Final = timedelta(hours=3)

# Recipients that are remembered before those who do not matter any more are looked for.
_MANY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many in any time so long.

    Attributes:
        most: Notices, one at least.
        seconds: Of the window.
    """

    most: int
    seconds: float


DEFAULTS: Final[Mapping[str, Sequence[Window]]] = {
    "sms": (Window(1, 60), Window(5, 900), Window(11, 3600), Window(21, 10_800)),
    "email": (Window(10, 60), Window(60, 3600)),
    # A long number of Twilio's sends one a second.
    f"{PROVIDER}sms": (Window(60, 60),),
    STORM: (Window(1_000, 60),),
}


class Limiter:
    """Counts notices, each once, and says when one more is allowed. Used by one thread.

    Args:
        windows: Of each recipient, by channel; of a channel's provider, whoever is told, under `PROVIDER` and the
            channel; of the worker as a whole under `STORM`. What has none has no limit.
    """

    def __init__(self, windows: Mapping[str, Sequence[Window]]) -> None:
        self._windows = {name: some for name, some in windows.items() if some}
        self._taken: dict[tuple[str, str], _Latest] = {}
        self._most_kept = _MANY

    def free_at(self, channel: str, recipient: str, now: datetime, *, but: str = "") -> tuple[datetime, Held]:
        """When one more notice to a recipient is allowed, `now` where it is at once; otherwise what holds it back.

        Args:
            channel: Its name.
            recipient: Fingerprint.
            now: With a zone.
            but: Id of a notice that does not count: the one that is asked for.
        """
        own = max(self._free_at(channel, recipient, now, but), self._free_at(PROVIDER + channel, "", now, but))
        everybody = self._free_at(STORM, "", now, but)
        return (everybody, Held.STORM) if everybody > own else (own, Held.LIMIT)

    def take(self, notice: str, channel: str, recipient: str, at: datetime) -> None:
        """Counts a notice, at the time that it was told last. Times may come in any order, as a ledger has them."""
        for name, whom in _places(channel, recipient):
            windows = self._windows.get(name)
            if windows is not None:
                self._taken.setdefault((name, whom), _Latest()).put(notice, at, max(one.most for one in windows))
        if len(self._taken) > self._most_kept:
            self._forget(at)
            # Where all of them matter still, looking through them for each notice would take all the time there is.
            self._most_kept = max(_MANY, 2 * len(self._taken))

    def give_back(self, notice: str, channel: str, recipient: str) -> None:
        """Counts a notice no more: it reached nobody."""
        for place in _places(channel, recipient):
            if place in self._taken:
                self._taken[place].drop(notice)

    def _forget(self, now: datetime) -> None:
        """Leaves out who was told too long ago to matter: account holders are many."""
        spans = {name: timedelta(seconds=max(one.seconds for one in some)) for name, some in self._windows.items()}
        self._taken = {
            (name, whom): latest
            for (name, whom), latest in self._taken.items()
            if (last := latest.nth(1)) is not None and last + spans[name] > now
        }

    def _free_at(self, name: str, whom: str, now: datetime, but: str) -> datetime:
        latest = self._taken.get((name, whom))
        free = now
        for window in self._windows.get(name, ()):
            at = None if latest is None else latest.nth(window.most, but=but)
            if at is not None:
                free = max(free, at + timedelta(seconds=window.seconds))
        return free


class _Latest:
    """The latest of some notices' times, in order."""

    def __init__(self) -> None:
        self._pairs: list[tuple[datetime, str]] = []
        self._at: dict[str, datetime] = {}

    def put(self, notice: str, at: datetime, most: int) -> None:
        """Notes a notice, in place of its earlier time; so many matter, and one that may be left out."""
        self.drop(notice)
        insort(self._pairs, (at, notice))
        self._at[notice] = at
        while len(self._pairs) > most + 1:
            del self._at[self._pairs.pop(0)[1]]

    def drop(self, notice: str) -> None:
        """Forgets a notice."""
        at = self._at.pop(notice, None)
        if at is not None:
            del self._pairs[bisect_left(self._pairs, (at, notice))]

    def nth(self, number: int, *, but: str = "") -> datetime | None:
        """The time of the latest (1), the one before it (2) and so on, one of them left out."""
        place = len(self._pairs) - number
        own = self._at.get(but)
        if own is not None and bisect_left(self._pairs, (own, but)) >= place:
            place -= 1
        return self._pairs[place][0] if place >= 0 else None


def _places(channel: str, recipient: str) -> tuple[tuple[str, str], ...]:
    return (channel, recipient), (PROVIDER + channel, ""), (STORM, "")
