"""Circuit breakers: what does not answer is left alone for a while, then tried with one attempt (pure).

After Michael Nygard, "Release It!": closed, open, half open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from alerting.delivery import ChannelStopped, Failure, FailureReason

# What says that nobody would be answered now; a refusal of one notice says nothing of others.
_DOWN: Final = frozenset(
    {
        FailureReason.UNREACHABLE,
        FailureReason.TIMEOUT,
        FailureReason.TLS_ERROR,
        FailureReason.SERVER_ERROR,
        FailureReason.AUTH_ERROR,
    }
)
# What ends an attempt before anybody was asked.
_NOT_ASKED: Final = frozenset(
    {
        FailureReason.ADDRESS_REFUSED,
        FailureReason.EXPIRED,
        FailureReason.NO_ADDRESS,
        FailureReason.RECIPIENT_GONE,
        FailureReason.UNDECODABLE,
        FailureReason.UNSURE,
    }
)


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long.

    Attributes:
        failures: So many in a row.
        first_pause: After the first opening; doubled while the tries in between fail.
        longest_pause: At most.
        stopped_pause: Where a channel waits for somebody to mend it.
        probe_lasts: After that, nothing will be heard of the one that was let through, and another is.
    """

    failures: int = 5
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(seconds=60)
    stopped_pause: timedelta = timedelta(minutes=5)
    probe_lasts: timedelta = timedelta(seconds=60)


@dataclass(slots=True)
class _State:
    failures: int = 0
    pauses: int = 0
    until: datetime | None = None
    probe_until: datetime | None = None
    stopped: bool = False


class Breaker:
    """A breaker for each key: a channel, or one host of it. Used by one thread.

    Args:
        policy: Of all of them.
    """

    def __init__(self, policy: BreakerPolicy = BreakerPolicy()) -> None:
        self._policy = policy
        self._states: dict[str, _State] = {}

    def ready(self, key: str, now: datetime) -> bool:
        """Whether an attempt may begin; once a pause is over, one alone until it has ended, or is given up."""
        state = self._states.get(key)
        if state is None or state.until is None:
            return True
        if now < state.until or (state.probe_until is not None and now < state.probe_until):
            return False
        state.probe_until = now + self._policy.probe_lasts
        return True

    def untried(self, key: str) -> None:
        """The attempt that was let through does not take place: another may."""
        if key in self._states:
            self._states[key].probe_until = None

    def accepted(self, key: str, now: datetime) -> None:  # noqa: ARG002 (a gate's signature)
        """One was answered: all may begin again."""
        self._states.pop(key, None)

    def failed(self, key: str, failure: Failure, now: datetime) -> bool:
        """Takes note of an attempt that was not accepted; whether the breaker opened just now."""
        stopped = isinstance(failure, ChannelStopped)
        if not stopped and failure.reason not in _DOWN:
            if failure.reason not in _NOT_ASKED:
                # Whoever refuses is there.
                self._states.pop(key, None)
            elif key in self._states:
                self._states[key].probe_until = None
            return False
        state = self._states.setdefault(key, _State())
        state.failures += 1
        probed, state.probe_until = state.probe_until is not None, None
        was_open = state.until is not None
        # Where it is open, and this was no probe, the attempt had begun before it opened.
        opens = stopped or (probed if was_open else state.failures >= self._policy.failures)
        if not opens:
            return False
        is_news = not was_open or (stopped and not state.stopped)
        state.stopped |= stopped
        doubled = self._policy.first_pause * 2 ** min(state.pauses, 10)
        state.until = now + (self._policy.stopped_pause if stopped else min(doubled, self._policy.longest_pause))
        state.pauses += 1
        return is_news

    def open_keys(self) -> frozenset[str]:
        """What is left alone now."""
        return frozenset(key for key, state in self._states.items() if state.until is not None)
