"""The time of day for decisions: never earlier than it was, whatever is done to the machine's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock


def wall_clock() -> datetime:
    """The machine's time of day."""
    return datetime.now(UTC)


class SteadyClock:
    """Follows the machine's clock, and goes on at its own pace where that one is put back, until it has caught up.

    What waits is a time in the ledger: with a clock that was put back by a day it would wait a day longer. May be used
    by several threads at once.

    Args:
        wall: The time of day, with a zone.
        timer: Monotonic seconds.
    """

    def __init__(self, wall: Callable[[], datetime] = wall_clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._timer = timer
        self._lock = Lock()
        self._last = wall()
        self._last_at = timer()

    def __call__(self) -> datetime:
        """The time of day, with a zone."""
        with self._lock:
            at = self._timer()
            passed = timedelta(seconds=max(at - self._last_at, 0.0))
            wall = self._wall()
            # A clock that is set right by little and little is followed: only a step back is not.
            self._last = wall if wall >= self._last else self._last + passed
            self._last_at = at
            return self._last

    def age(self, moment: datetime) -> timedelta:
        """How long ago something was by the machine's clock: what others wrote, they wrote by such a clock."""
        return max(self._wall() - moment, timedelta())
