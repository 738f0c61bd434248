"""Which channels there are: those of this package whose section is present, and those of others, by entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from alerting.channels import Channel
from alerting.channels.fitting import fitting
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused, NoChannel, all_of
from alerting.settings import AlertSettings
from stream.errors import Mendable

GROUP: Final = "fraudstream.channels"
# A channel's package is imported where its section is present: a bank without text messages needs no Twilio.
_CLASSES: Final = {
    "sms": "alerting.channels.sms:SmsChannel",
    "email": "alerting.channels.email:EmailChannel",
    "sns": "alerting.channels.sns:SnsChannel",
    "webhook": "alerting.channels.webhook:WebhookChannel",
    "slack": "alerting.channels.slack:SlackChannel",
    "pagerduty": "alerting.channels.pagerduty:PagerDutyChannel",
}

Installed = Callable[[], Mapping[str, EntryPoint]]


def installed() -> Mapping[str, EntryPoint]:
    """Channels of other packages, by name: each a callable that takes its section of the settings."""
    return {point.name: point for point in entry_points(group=GROUP)}


def channel_names(settings: AlertSettings) -> frozenset[str]:
    """Of the channels that the settings configure."""
    return frozenset({*_sections(settings), *settings.others})


def open_channels(settings: AlertSettings, installed: Installed = installed) -> dict[str, Channel]:
    """A channel for each section that is present, by name.

    Args:
        settings: The section `alerts`.
        installed: Channels of other packages.

    Raises:
        NoChannel: No section is.
        Mendable: Lists everything that keeps channels from opening.
    """
    if not channel_names(settings):
        raise NoChannel(
            "no alert channel is configured",
            remedy=f"set at least one of the sections {', '.join(f'alerts.{name}' for name in _CLASSES)} "
            "(FRAUD_ALERTS__WEBHOOK__URL, FRAUD_ALERTS__WEBHOOK__SECRET, ...)",
        )
    found = installed() if settings.others else {}
    makers: dict[str, Callable[[], Channel]] = {
        **{name: _own(name, section) for name, section in _sections(settings).items()},
        **{name: _other(name, section, found) for name, section in settings.others.items()},
    }
    channels: dict[str, Channel] = {}
    problems: list[Mendable] = []
    for name, make in makers.items():
        try:
            channels[name] = make()
        except Mendable as refusal:
            problems.append(refusal)
    if problems:
        for channel in channels.values():
            channel.close()
        raise all_of(problems)
    return channels


def configured_recipients(settings: AlertSettings) -> dict[str, Sequence[Recipient]]:
    """Whom the settings themselves name, by channel: told of everything where there is no routing file."""
    found: dict[str, Sequence[str]] = {}
    if settings.sms is not None:
        found["sms"] = settings.sms.to
    if settings.email is not None:
        found["email"] = settings.email.to
    if settings.sns is not None and settings.sns.topic_arn is not None:
        found["sns"] = [settings.sns.topic_arn]
    if settings.webhook is not None and settings.webhook.url is not None:
        found["webhook"] = [settings.webhook.url]
    if settings.slack is not None:
        found["slack"] = list(settings.slack.urls)
    if settings.pagerduty is not None:
        found["pagerduty"] = list(settings.pagerduty.routing_keys)
    return {name: [Recipient(address) for address in some] for name, some in found.items() if some}


def secret_names(settings: AlertSettings) -> frozenset[str]:
    """What a routing file may name to sign with."""
    return frozenset() if settings.webhook is None else frozenset(settings.webhook.secrets)


def recipient_names(settings: AlertSettings) -> dict[str, frozenset[str]]:
    """For channels whose recipients are names in the settings, those that there are."""
    return {
        **({} if settings.slack is None else {"slack": frozenset(settings.slack.urls)}),
        **({} if settings.pagerduty is None else {"pagerduty": frozenset(settings.pagerduty.routing_keys)}),
    }


def _sections(settings: AlertSettings) -> dict[str, Any]:
    return {name: section for name in _CLASSES if (section := getattr(settings, name)) is not None}


def _own(name: str, section: Any) -> Callable[[], Channel]:
    def make() -> Channel:
        module, _, channel = _CLASSES[name].partition(":")
        try:
            made: Channel = getattr(import_module(module), channel)(section)
        except ModuleNotFoundError as missing:
            problem = f"channel {name!r} needs package {missing.name!r}, which is not installed"
            raise ChannelRefused(problem, remedy="pip install 'fraudstream[alerts]'") from None
        return made

    return make


def _other(name: str, section: Mapping[str, Any], found: Mapping[str, EntryPoint]) -> Callable[[], Channel]:
    def make() -> Channel:
        if name not in found:
            known = ", ".join(sorted(found)) or "none is"
            raise ChannelRefused(
                f"no installed package has a channel {name!r} (alerts.others)",
                remedy=f"install one with an entry point of group {GROUP!r}; installed: {known}",
            )
        try:
            return fitting(found[name].load()(section), name)
        except (Mendable, KeyboardInterrupt):
            raise
        except BaseException as refusal:  # noqa: BLE001 (whatever another package raises keeps only it from opening)
            # Its words may quote a secret of the section.
            problem = f"channel {name!r} cannot be opened ({type(refusal).__name__})"
            raise ChannelRefused(problem, remedy=f"check alerts.others.{name} and the package") from None

    return make
