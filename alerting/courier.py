"""Carries an alert to every recipient of a channel: in rounds, each only to those not told yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import structlog

from alerting.channels import Channel
from alerting.delivery import Failure, FailureReason, Retry, wait_before_next
from alerting.message import Alert
from alerting.metrics import AlertMetrics
from alerting.settings import RetrySettings
from stream.kafka import Stop

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A recipient who was not told.

    Attributes:
        position: The recipient's place in the channel's settings, from 1: who it is, is personal data.
        reason: Of the last attempt.
        message: Of the last attempt.
        attempts: How many there were.
    """

    position: int
    reason: FailureReason
    message: str
    attempts: int


class Interrupted(Exception):
    """The process was asked to stop before anybody was told: whoever reads the record next begins afresh."""


class Courier:
    """Delivers on one channel. Used by one thread.

    Args:
        channel: To whom and how.
        policy: How patiently.
        metrics: Told of every attempt.
        stop: Cuts a wait short, unless somebody has been told already.
        beat: Called before every attempt: the thread is alive, however slow the provider.
        timer: Monotonic seconds.
        now: The time of day, with a zone.
        sleep: Waits so many seconds.
        random: Uniform in [0, 1).
    """

    def __init__(
        self,
        channel: Channel,
        policy: RetrySettings,
        *,
        metrics: AlertMetrics,
        stop: Stop,
        beat: Callable[[], None],
        timer: Callable[[], float],
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._channel = channel
        self._policy = policy
        self._metrics = metrics
        self._stop = stop
        self._beat = beat
        self._timer = timer
        self._now = now
        self._sleep = sleep
        self._random = random

    def deliver(self, alert: Alert, *, verdict_ms: int) -> list[Undelivered]:
        """Tells every recipient, or tries as long as the policy allows.

        Args:
            alert: What is told.
            verdict_ms: The verdict's Kafka timestamp, milliseconds since 1970-01-01 UTC; 0 where it has none.

        Returns:
            Those who were not told.

        Raises:
            Interrupted: The process stops, and nobody was told.
        """
        started = self._timer()
        waiting = list(enumerate(self._channel.recipients, start=1))
        undelivered: list[Undelivered] = []
        anybody_told = False
        for attempts in count(1):
            again: list[tuple[int, str]] = []
            wait_s = 0.0
            for position, recipient in waiting:
                failure = self._attempt(alert, recipient, attempts, verdict_ms)
                if failure is None:
                    anybody_told = True
                    continue
                wait = self._wait_after(failure, attempts, started)
                if wait is None:
                    undelivered.append(self._give_up(failure, position, attempts, alert))
                else:
                    self._metrics.put_off(self._channel.name, failure.reason)
                    again.append((position, recipient))
                    wait_s = max(wait_s, wait)
            if not again:
                break
            waiting = again
            self._wait(wait_s, interruptible=not anybody_told)
        return undelivered

    def _attempt(self, alert: Alert, recipient: str, attempts: int, verdict_ms: int) -> Failure | None:
        self._beat()
        began = self._timer()
        try:
            receipt = self._channel.deliver(alert, recipient)
        except Failure as failure:
            return failure
        except Exception as unforeseen:  # noqa: BLE001 (an answer that nobody foresaw must not end every channel)
            # Its text may quote the provider, an address or a secret.
            message = f"{unforeseen.__class__.__name__} in channel {self._channel.name}"
            return Retry(FailureReason.SERVER_ERROR, message)
        finally:
            self._metrics.attempted(self._channel.name, self._timer() - began)
        self._metrics.accepted(self._channel.name, event_time=alert.event_time, verdict_ms=verdict_ms, now=self._now())
        log.info("alert accepted", channel=self._channel.name, alert=alert.id, receipt=receipt, attempts=attempts)
        return None

    def _wait_after(self, failure: Failure, attempts: int, started: float) -> float | None:
        if not isinstance(failure, Retry):
            return None
        elapsed_s = self._timer() - started
        return wait_before_next(
            failure, attempts=attempts, elapsed_s=elapsed_s, policy=self._policy, random=self._random
        )

    def _give_up(self, failure: Failure, position: int, attempts: int, alert: Alert) -> Undelivered:
        self._metrics.given_up(self._channel.name, failure.reason)
        log.warning(
            "alert not delivered",
            channel=self._channel.name,
            alert=alert.id,
            recipient=position,
            reason=failure.reason.value,
            detail=failure.message,
            attempts=attempts,
        )
        return Undelivered(position, failure.reason, failure.message, attempts)

    def _wait(self, seconds: float, *, interruptible: bool) -> None:
        self._beat()
        if not interruptible:
            self._sleep(seconds)
        elif self._stop.wait(seconds):
            raise Interrupted
