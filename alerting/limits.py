"""How many notices are too many: sliding windows for each recipient on a channel, and for the whole worker.

The defaults for text messages are what GoAlert's users have found bearable. Mail is cheaper to ignore, and machines
want everything.
"""

from __future__ import annotations

from collections import deque
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
    """Counts notices, and says when one more is allowed. Used by one thread.

    Args:
        windows: Of each recipient, by channel; of a channel's provider, whoever is told, under `PROVIDER` and the
            channel; of the worker as a whole under `STORM`. What has none has no limit.
    """

    def __init__(self, windows: Mapping[str, Sequence[Window]]) -> None:
        self._windows = windows
        self._taken: dict[tuple[str, str], deque[datetime]] = {}
        self._most_kept = _MANY

    def free_at(self, channel: str, recipient: str, now: datetime) -> tuple[datetime, Held]:
        """When one more notice to a recipient is allowed, `now` where it is at once; otherwise what holds it back."""
        own = max(self._free_at(channel, recipient, now), self._free_at(PROVIDER + channel, "", now))
        everybody = self._free_at(STORM, "", now)
        return (everybody, Held.STORM) if everybody > own else (own, Held.LIMIT)

    def taken(self, channel: str, recipient: str, at: datetime) -> None:
        """Counts a notice. Times may come in any order, as the ledger gives them back."""
        for name, whom in ((channel, recipient), (PROVIDER + channel, ""), (STORM, "")):
            longest = max((window.most for window in self._windows.get(name, ())), default=0)
            if not longest:
                continue
            times = self._taken.setdefault((name, whom), deque())
            times.append(at)
            if len(times) > 1 and times[-2] > at:
                times = self._taken[name, whom] = deque(sorted(times))
            while len(times) > longest:
                times.popleft()
        if len(self._taken) > self._most_kept:
            self._forget(at)
            # Where all of them matter still, looking through them for each notice would take all the time there is.
            self._most_kept = max(_MANY, 2 * len(self._taken))

    def _forget(self, now: datetime) -> None:
        """Leaves out who was told too long ago to matter: account holders are many."""
        spans = {name: max(window.seconds for window in windows) for name, windows in self._windows.items() if windows}
        self._taken = {
            (name, whom): times
            for (name, whom), times in self._taken.items()
            if times[-1] + timedelta(seconds=spans[name]) > now
        }

    def _free_at(self, name: str, whom: str, now: datetime) -> datetime:
        times = self._taken.get((name, whom))
        free = now
        for window in self._windows.get(name, ()):
            if times is not None and len(times) >= window.most:
                free = max(free, times[-window.most] + timedelta(seconds=window.seconds))
        return free
