"""Whether what another package made is a channel: said at the start, and not by the first alert."""

from __future__ import annotations

from typing import Any, Final

from alerting.channels import Channel, WhenUnsure
from alerting.errors import ChannelRefused
from alerting.text import one_line

_VALUES: Final = ("name", "at_once", "when_unsure", "one_provider")
_ACTS: Final = ("deliver", "find", "close")
_LONGEST_SHOWN: Final = 40


def fitting(made: Any, name: str) -> Channel:
    """What was made, as a channel; a policy in words becomes the policy.

    Args:
        made: By the entry point.
        name: The entry point's.

    Raises:
        ChannelRefused: It is none.
    """
    missing = [each for each in _VALUES if not hasattr(made, each)]
    missing += [each for each in _ACTS if not callable(getattr(made, each, None))]
    if missing:
        raise _refused(f"channel {name!r} has no {', '.join(missing)}")
    if made.name != name:
        # Settings, limits and lives are found by it.
        raise _refused(f"channel {name!r} calls itself {_shown(made.name)}")
    if type(made.at_once) is not int or made.at_once < 1:
        raise _refused(f"at_once of channel {name!r} is {_shown(made.at_once)}, and no number from 1 on")
    if type(made.one_provider) is not bool:
        raise _refused(f"one_provider of channel {name!r} is {_shown(made.one_provider)}, and neither True nor False")
    if not isinstance(made.when_unsure, WhenUnsure):
        _name_policy(made, name)
    channel: Channel = made
    return channel


def _name_policy(made: Any, name: str) -> None:
    """Policies are told apart by identity, which a word that equals one does not have."""
    said = made.when_unsure
    try:
        made.when_unsure = WhenUnsure(said)
    except (ValueError, AttributeError):
        raise _refused(f"when_unsure of channel {name!r} is {_shown(said)}, and no WhenUnsure") from None


def _refused(problem: str) -> ChannelRefused:
    return ChannelRefused(problem, remedy="mend the package: alerting.channels.Channel says what a channel has")


def _shown(value: object) -> str:
    return one_line(repr(value), _LONGEST_SHOWN)
