"""Channels at work: threads that only send, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from alerting.attempts import BEGINS_WITHIN, Attempt, Ended
from alerting.channels import Channel
from alerting.delivery import Failure, FailureReason, Retry, Unsure
from alerting.messages import Message


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
        self._threads = {
            name: ThreadPoolExecutor(channel.at_once, thread_name_prefix=f"channel-{name}")
            for name, channel in channels.items()
        }
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
        self._threads[name].submit(self._run, attempt)

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

    def close(self) -> None:
        """Waits for the attempts on their way, which have their time-outs, and closes the channels."""
        for threads in self._threads.values():
            threads.shutdown(wait=True, cancel_futures=True)
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
            if attempt.asks:
                provider_id = channel.find(message, attempt.recipient)
            else:
                provider_id = channel.deliver(message, attempt.recipient)
                if not isinstance(provider_id, str):
                    raise TypeError("a channel says what its provider calls what it accepted")
        except Failure as failed:
            failure = failed
        except Exception as unforeseen:  # noqa: BLE001 (an answer that nobody foresaw must not end the worker)
            # Its text may quote the provider, an address or a secret.
            what, provider_id = type(unforeseen).__name__, None
            if may_have_left:
                failure = Unsure(FailureReason.SERVER_ERROR, f"{what} in channel {channel.name}")
            else:
                failure = Retry(FailureReason.UNDECODABLE, f"{what} while it was put into words")
        self._ended.put(Ended(attempt, self._now(), self._timer() - began, provider_id, failure))
