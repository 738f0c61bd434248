"""Channels at work: threads that only send, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self

from alerting.attempts import BEGINS_WITHIN, Attempt, Ended
from alerting.channels import Channel
from alerting.channels.unforeseen import receipt, unforeseen
from alerting.delivery import Failure
from alerting.messages import Message
from alerting.threads import Threads

# Whoever wants to know what becomes of attempts has waited for that before.
_CLOSES_WITHIN_S: Final = 2.0


class Sending:
    """Runs attempts on threads of their channel, so that a slow provider holds back nobody else.

    Args:
        channels: By name.
        compose: What an attempt sends; called on the channel's thread.
        timer: Monotonic seconds.
        now: The time of day, with a zone.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        compose: Callable[[Attempt], Message],
        *,
        timer: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._channels = channels
        self._compose = compose
        self._timer = timer
        self._now = now
        self._threads = {name: Threads(channel.at_once, name=f"channel-{name}") for name, channel in channels.items()}
        self._on_their_way = dict.fromkeys(channels, 0)
        self._ended: SimpleQueue[Ended] = SimpleQueue()

    def room(self) -> dict[str, int]:
        """How many attempts more each channel takes now: twice what it does at once, so that no thread waits."""
        return {name: 2 * channel.at_once - self._on_their_way[name] for name, channel in self._channels.items()}

    @property
    def on_their_way(self) -> int:
        """Attempts that have begun and not been told of."""
        return sum(self._on_their_way.values())

    @property
    def has_ended(self) -> bool:
        """Whether `ended` has any."""
        return not self._ended.empty()

    def begin(self, attempt: Attempt) -> None:
        """Hands an attempt to its channel."""
        name = attempt.delivery.channel
        self._on_their_way[name] += 1
        self._threads[name].submit(lambda: self._run(attempt))

    def ended(self, wait_s: float = 0.0) -> list[Ended]:
        """Those that have ended since it was asked last.

        Args:
            wait_s: For the first of them at most, where some are on their way.
        """
        found: list[Ended] = []
        while self.on_their_way:
            try:
                one = self._ended.get(timeout=wait_s) if wait_s and not found else self._ended.get_nowait()
            except Empty:
                break
            self._on_their_way[one.attempt.delivery.channel] -= 1
            found.append(one)
        return found

    def close(self, within_s: float = _CLOSES_WITHIN_S) -> None:
        """Waits a moment for the attempts on their way, and closes the channels.

        Args:
            within_s: What takes longer is left behind, and ends with the process at the latest.
        """
        until = time.monotonic() + within_s
        for threads in self._threads.values():
            threads.stop()
        for threads in self._threads.values():
            threads.join(until - time.monotonic())
        for channel in self._channels.values():
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, attempt: Attempt) -> None:
        if self._now() > attempt.delivery.changed_at + BEGINS_WITHIN:
            self._ended.put(Ended(attempt, self._now(), 0.0, begun=False))
            return
        began = self._timer()
        channel = self._channels[attempt.delivery.channel]
        provider_id: str | None = None
        failure: Failure | None = None
        may_have_left = False
        try:
            message = self._compose(attempt)
            may_have_left = True
            act = channel.find if attempt.asks else channel.deliver
            answered = act(message, attempt.recipient)
            provider_id = None if attempt.asks and answered is None else receipt(answered, message)
        except Failure as failed:
            failure = failed
        except BaseException as error:  # noqa: BLE001 (nothing of a channel's, sys.exit included, may end a thread)
            failure = unforeseen(error, channel.name, may_have_left=may_have_left)
        self._ended.put(Ended(attempt, self._now(), self._timer() - began, provider_id, failure))
