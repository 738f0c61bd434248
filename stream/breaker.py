"""When to stop reading: too many records of late are dead letters (pure, but for the clock that is passed in).

A producer that was deployed with a mistake would otherwise empty its topic into the dead letters. The breaker drops
nothing and ends nothing: reading pauses, an alarm is raised, and after the pause it is tried again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from stream.settings import BreakerSettings


class Breaker:
    """Watches the share of dead letters over the last seconds. Used by one thread.

    Args:
        settings: Share, window, pause, and how many records decide.
        timer: Monotonic seconds.
    """

    def __init__(self, settings: BreakerSettings, timer: Callable[[], float]) -> None:
        self._settings = settings
        self._timer = timer
        self._seen: deque[tuple[float, int, int]] = deque()
        self._records = self._dead_letters = 0
        self._closes_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether reading pauses now. It counts anew after a pause."""
        if self._closes_at is not None and self._timer() >= self._closes_at:
            self._closes_at = None
        return self._closes_at is not None

    @property
    def share(self) -> float:
        """Of dead letters among the records of the window; 0 where there were none."""
        return self._dead_letters / self._records if self._records else 0.0

    def count(self, records: int, dead_letters: int) -> bool:
        """Counts a committed batch.

        Returns:
            True where this one opens the breaker.
        """
        now = self._timer()
        self._seen.append((now, records, dead_letters))
        self._records += records
        self._dead_letters += dead_letters
        while self._seen and self._seen[0][0] <= now - self._settings.window_s:
            _, old_records, old_dead_letters = self._seen.popleft()
            self._records -= old_records
            self._dead_letters -= old_dead_letters
        if self._records < self._settings.records or self.share <= self._settings.share:
            return False
        self._closes_at = now + self._settings.pause_s
        self._seen.clear()
        self._records = self._dead_letters = 0
        return True
