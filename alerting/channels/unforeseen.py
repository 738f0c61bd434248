"""What channels do, those of other packages above all, that their protocol does not foresee (pure)."""

from __future__ import annotations

from alerting.delivery import Failure, FailureReason, Retry, Unsure
from alerting.messages import Message


def unforeseen(error: BaseException, channel: str, *, may_have_left: bool) -> Failure:
    """The failure that an error stands for which is none: its text may quote the provider, an address or a secret.

    Args:
        error: Raised in an attempt.
        channel: Its name.
        may_have_left: Whether the channel was at it already.
    """
    what = type(error).__name__
    if may_have_left:
        return Unsure(FailureReason.SERVER_ERROR, f"{what} in channel {channel}")
    # Nobody was asked: it says nothing of the provider.
    return Retry(FailureReason.UNDECODABLE, f"{what} while it was put into words for channel {channel}")


def receipt(answered: object, message: Message) -> str:
    """What a provider calls the delivery: the notice's own id where the channel says nothing, for it raised nothing."""
    return message.id if answered is None else str(answered)
