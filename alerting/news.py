"""What those who watch the log are told now and then of notices; the exact figures are metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Final

import structlog

from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, State

log = structlog.get_logger()

_EVERY_S: Final = 10.0


class News:
    """Counts, and says at most every ten seconds what there was. Used by one thread.

    Args:
        timer: Monotonic seconds.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._due = timer()
        self._left_alone: frozenset[str] = frozenset()
        self._became: Counter[str] = Counter()
        self._dead: Counter[tuple[str, str]] = Counter()
        self._unreadable: Counter[str] = Counter()

    def written(self, changes: Iterable[Change]) -> None:
        """Entries that stand in the ledger now."""
        for change in changes:
            entry = change.entry
            if not isinstance(entry, Delivery):
                continue
            if entry.state is State.DEAD:
                self._dead[entry.channel, entry.reason or ""] += 1
            elif entry.state in (State.SENT, State.PARKED):
                self._became[entry.state.value] += 1

    def unreadable(self, message: str) -> None:
        """A record of the verdicts that is none."""
        self._unreadable[message] += 1

    def tell_if_due(self, left_alone: Collection[str]) -> None:
        """What came since the last lines, if it is time.

        Args:
            left_alone: Channels of which something is not tried for a while.
        """
        if self._timer() >= self._due:
            self.tell(left_alone)

    def tell(self, left_alone: Collection[str]) -> None:
        """What came since the last lines."""
        self._due = self._timer() + _EVERY_S
        if self._became:
            log.info("told of frauds", sent=self._became["sent"], held_back=self._became["parked"])
        for (channel, reason), count in sorted(self._dead.items()):
            log.warning("notices reached nobody: they are dead letters", channel=channel, reason=reason, count=count)
        for message, count in sorted(self._unreadable.items()):
            log.warning("records are no verdicts: they are dead letters", reason=message, count=count)
        for channel in sorted(frozenset(left_alone) - self._left_alone):
            log.warning("a channel does not answer, or somebody must mend it: it is left alone", channel=channel)
        for channel in sorted(self._left_alone - frozenset(left_alone)):
            log.info("a channel answers again", channel=channel)
        self._left_alone = frozenset(left_alone)
        for counted in (self._became, self._dead, self._unreadable):
            counted.clear()
