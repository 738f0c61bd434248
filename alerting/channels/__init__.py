"""The ways to reach people, behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final, Protocol

from alerting.errors import ChannelRefused, NoChannel
from alerting.message import Alert
from alerting.settings import AlertSettings
from stream.errors import Mendable

# A further channel is a module with `open_channel`, its section in `alerting.settings`, and a line here.
# Modules are imported where they are configured, so that an image needs only its own channel's package.
_MODULES: Final = {
    "sms": "alerting.channels.sms",
    "email": "alerting.channels.email",
    "sns": "alerting.channels.sns",
    "webhook": "alerting.channels.webhook",
}


class Channel(Protocol):
    """A way to reach people. Used by one thread."""

    @property
    def name(self) -> str:
        """Its section in the settings, and the end of its group's name."""

    @property
    def recipients(self) -> Sequence[str]:
        """Each is told once. Personal data: not for logs, metrics or messages."""

    def deliver(self, alert: Alert, recipient: str) -> str:
        """Makes one attempt to tell one recipient.

        Returns:
            What the provider calls the delivery that it accepted.

        Raises:
            Retry: It may be accepted later.
            Refused: It will not be accepted.
        """

    def close(self) -> None:
        """Lets go of connections; never raises."""


def open_channels(settings: AlertSettings) -> list[Channel]:
    """A channel for each section that is present.

    Raises:
        NoChannel: None is.
        ChannelRefused: Lists everything that keeps channels from opening.
    """
    sections = {name: section for name in _MODULES if (section := getattr(settings, name)) is not None}
    if not sections:
        raise NoChannel(
            "no alert channel is configured",
            remedy="set at least one of the sections alerts.sms, alerts.email, alerts.sns, alerts.webhook "
            "(FRAUD_ALERTS__WEBHOOK__URL, FRAUD_ALERTS__WEBHOOK__SECRET, ...)",
        )
    channels: list[Channel] = []
    problems: list[Mendable] = []
    for name, section in sections.items():
        try:
            channels.append(import_module(_MODULES[name]).open_channel(section))
        except ModuleNotFoundError as missing:
            problem = f"channel {name!r} needs package {missing.name!r}, which is not installed"
            problems.append(ChannelRefused(problem, remedy="pip install 'fraudstream[alerts]'"))
        except Mendable as refusal:
            problems.append(refusal)
    if problems:
        for channel in channels:
            channel.close()
        raise problems[0] if len(problems) == 1 else _together(problems)
    return channels


def _together(problems: Sequence[Mendable]) -> ChannelRefused:
    *most, last = problems
    said = "; ".join([*map(str, most), last.problem])
    return ChannelRefused(said, remedy=last.remedy)
