"""What a provider's own code means for the next attempt: data, in a file that a bank can put another in front of."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from alerting.delivery import ChannelStopped, Failure, FailureReason, RecipientStopped, Refused, Retry
from alerting.errors import ChannelRefused

_SHIPPED = files("alerting") / "provider_codes.toml"


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done about a code.

    Attributes:
        what: Tried again, given up, or that besides for all that follows.
        reason: How it is counted.
    """

    what: Literal["retry", "refuse", "stop recipient", "stop channel"]
    reason: FailureReason

    def failure(self, message: str, *, after_s: float | None = None) -> Failure:
        """The failure that an attempt ends with.

        Args:
            message: For people, without the provider's words.
            after_s: From the answer's Retry-After.
        """
        if self.what == "retry":
            return Retry(self.reason, message, after_s=after_s)
        kinds = {"refuse": Refused, "stop recipient": RecipientStopped, "stop channel": ChannelStopped}
        return kinds[self.what](self.reason, message)


Codes = Mapping[str, Meaning]


def codes_of(channel: str, own: Path | None = None) -> Codes:
    """What codes of a channel's provider mean.

    Args:
        channel: sms, sns or email.
        own: A bank's file of the same form, in front of the shipped one.

    Raises:
        ChannelRefused: The bank's file cannot be read, or says what cannot be.
    """
    shipped = _meanings(_SHIPPED.read_text(encoding="utf-8"), channel)
    if own is None:
        return shipped
    try:
        return {**shipped, **_meanings(own.read_text(encoding="utf-8"), channel)}
    except OSError as refusal:
        problem = f"the file of provider codes {str(own)!r} cannot be read ({refusal.strerror})"
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as refusal:
        problem = f"the file of provider codes {str(own)!r} is wrong ({refusal})"
    raise ChannelRefused(
        problem, remedy=f'write [{channel}] and lines such as 21610 = {{ what = "refuse", reason = "client_error" }}'
    )


def _meanings(text: str, channel: str) -> Codes:
    return msgspec.convert(tomllib.loads(text), dict[str, dict[str, Meaning]]).get(channel, {})
