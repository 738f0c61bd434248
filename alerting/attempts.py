"""What a delivery becomes by an attempt, and by what it came to (pure)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alerting.channels import WhenUnsure
from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure
from alerting.destinations import Recipient
from alerting.ledger.entries import Delivery, State

# Twilio lists a message a moment after it took it.
_FIRST_LOOK_S: Final = 2.0
_LOOKS: Final = 3
# Of the time that a provider asks for, what is added by chance.
_SPREAD: Final = 0.1

# An attempt that was written down and has not begun by then, does not: by the time that it would end, another worker
# may have taken it for over.
BEGINS_WITHIN: Final = timedelta(seconds=5)
# From when it was written down until it must be over: channels' time-outs are 15 seconds at most.
OVER_AFTER: Final = timedelta(seconds=25)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a channel is to do.

    Attributes:
        partition: Where the delivery stands in the ledger.
        delivery: In state `sending`, or `ambiguous` where the provider is to be asked.
        recipient: Whom to tell.
        asks: Whether the provider is asked for a message that it may have, instead of getting one.
    """

    partition: int
    delivery: Delivery
    recipient: Recipient
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """What an attempt came to.

    Attributes:
        attempt: Which.
        at: When.
        seconds: It took.
        provider_id: Of what was accepted, or found; None where nothing was.
        failure: Why it was not accepted; None where it was, or where nothing was found.
        begun: False where it came too late to its channel, and the provider was not asked.
    """

    attempt: Attempt
    at: datetime
    seconds: float
    provider_id: str | None = None
    failure: Failure | None = None
    begun: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a channel's notices are tried.

    Attributes:
        first_wait_s: Before the second attempt; then doubled.
        longest_wait_s: Between two attempts, unless the provider wants more.
        attempts: At most; None leaves it to the notice's life.
    """

    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    attempts: int | None = None


def begun(delivery: Delivery, *, by: str, now: datetime) -> Delivery:
    """The delivery as it stands in the ledger before its next attempt leaves."""
    return replace(
        delivery, state=State.SENDING, attempts=delivery.attempts + 1, by=by, changed_at=now, due_at=None, reason=None
    )


def not_begun(attempt: Attempt) -> Delivery:
    """The delivery as it was before an attempt that did not take place, due since then."""
    delivery = attempt.delivery
    if attempt.asks:
        return replace(delivery, state=State.AMBIGUOUS, due_at=delivery.changed_at)
    return replace(delivery, state=State.PENDING, attempts=delivery.attempts - 1, due_at=delivery.changed_at)


def after(ended: Ended, *, when_unsure: WhenUnsure, patience: Patience, random: Callable[[], float]) -> Delivery:
    """The delivery as it stands in the ledger after an attempt.

    Args:
        ended: The attempt.
        when_unsure: The channel's policy.
        patience: The channel's.
        random: Uniform in [0, 1).
    """
    delivery, failure = ended.attempt.delivery, ended.failure
    if ended.provider_id is not None:
        return _over(delivery, State.SENT, ended.at, provider_id=ended.provider_id)
    if ended.attempt.asks:
        return _after_look(ended, patience, random)
    if isinstance(failure, Unsure):
        if when_unsure is WhenUnsure.SEND_AGAIN:
            return replace(_again(ended, failure, patience, random), unsure=True)
        # What nobody can find out, people may; where they do not, it is a dead letter once its life is over.
        looked_at = ended.at + timedelta(seconds=_FIRST_LOOK_S)
        due_at = looked_at if when_unsure is WhenUnsure.LOOK_UP else delivery.expires_at
        unsure = replace(delivery, state=State.AMBIGUOUS, unsure=True, due_at=due_at, changed_at=ended.at)
        return _noted(unsure, failure)
    # What keeps a whole channel from working is mended, or the notice's life ends first.
    if isinstance(failure, Retry | ChannelStopped):
        return _again(ended, failure, patience, random)
    assert isinstance(failure, Refused)
    return _over(_noted(delivery, failure), State.DEAD, ended.at)


def orphaned(delivery: Delivery, *, when_unsure: WhenUnsure, now: datetime) -> Delivery:
    """A delivery whose worker went in the midst of an attempt: nobody knows whether it was sent."""
    unsure = Unsure(FailureReason.UNSURE, "the worker ended in the midst of an attempt")
    noted = _noted(replace(delivery, unsure=True, changed_at=now), unsure)
    if when_unsure is WhenUnsure.SEND_AGAIN:
        return replace(noted, state=State.PENDING, due_at=now)
    due_at = now if when_unsure is WhenUnsure.LOOK_UP else delivery.expires_at
    return replace(noted, state=State.AMBIGUOUS, due_at=due_at)


def expired(delivery: Delivery, now: datetime) -> Delivery:
    """A delivery that would come too late to serve anybody."""
    late = Refused(FailureReason.EXPIRED, "its useful life was over before it could be sent")
    return _over(delivery if delivery.reason else _noted(delivery, late), State.DEAD, now)


def gone(delivery: Delivery, now: datetime) -> Delivery:
    """A delivery for somebody whom the rules name no more."""
    nobody = Refused(FailureReason.RECIPIENT_GONE, "the rules lead to this recipient no more")
    return _over(_noted(delivery, nobody), State.DEAD, now)


def stopped(delivery: Delivery, now: datetime) -> Delivery:
    """A delivery for somebody who wants nothing more on its channel."""
    unwanted = Refused(FailureReason.RECIPIENT_STOPPED, "the recipient takes nothing more on this channel")
    return _over(_noted(delivery, unwanted), State.DEAD, now)


def _after_look(ended: Ended, patience: Patience, random: Callable[[], float]) -> Delivery:
    """The provider has nothing of it, or does not say."""
    delivery, failure = ended.attempt.delivery, ended.failure
    if failure is not None:
        wait = _wait(delivery.looks, failure, patience, random)
        return _noted(replace(delivery, looks=delivery.looks + 1, due_at=ended.at + wait, changed_at=ended.at), failure)
    if delivery.looks + 1 < _LOOKS:
        due_at = ended.at + timedelta(seconds=_FIRST_LOOK_S)
        return replace(delivery, looks=delivery.looks + 1, due_at=due_at, changed_at=ended.at)
    return replace(delivery, state=State.PENDING, unsure=False, looks=0, due_at=ended.at, changed_at=ended.at)


def _again(ended: Ended, failure: Failure, patience: Patience, random: Callable[[], float]) -> Delivery:
    delivery = _noted(ended.attempt.delivery, failure)
    if patience.attempts is not None and delivery.attempts >= patience.attempts:
        return _over(delivery, State.DEAD, ended.at)
    due_at = ended.at + _wait(delivery.attempts - 1, failure, patience, random)
    if due_at >= delivery.expires_at:
        return _over(delivery, State.DEAD, ended.at)
    return replace(delivery, state=State.PENDING, due_at=due_at, changed_at=ended.at)


def _wait(before: int, failure: Failure, patience: Patience, random: Callable[[], float]) -> timedelta:
    """Doubled from attempt to attempt, half of it left to chance; never before the provider's own wish.

    All whom a provider asks for the same moment come spread over some time after it.
    """
    doubled = min(patience.first_wait_s * 2 ** min(before, 30), patience.longest_wait_s) * (0.5 + 0.5 * random())
    asked = failure.after_s if isinstance(failure, Retry) and failure.after_s is not None else 0.0
    return timedelta(seconds=max(doubled, asked * (1 + _SPREAD * random())))


def _over(delivery: Delivery, state: State, at: datetime, *, provider_id: str | None = None) -> Delivery:
    """What is over holds no account's number; what a digest counted stays known."""
    return replace(delivery, state=state, changed_at=at, due_at=None, provider_id=provider_id, verdict=None)


def _noted(delivery: Delivery, failure: Failure) -> Delivery:
    return replace(delivery, reason=failure.reason.value, detail=failure.message)
