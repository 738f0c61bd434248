"""From the settings to everything that tells people, or to all that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Self

from alerting.account_file import AccountFile, columns_of
from alerting.attempts import Patience
from alerting.channels import Channel
from alerting.channels.registry import (
    channel_names,
    configured_recipients,
    open_channels,
    recipient_names,
    secret_names,
)
from alerting.errors import Flaws
from alerting.given import configured_as_given
from alerting.limits import DEFAULTS, STORM, Limiter, Window
from alerting.policies import ChannelPolicy
from alerting.rendering import Renderer, TemplateFailure
from alerting.routing.checking import Configured
from alerting.routing.loading import load_rules
from alerting.routing.rules import Rules, rules_without_a_file
from alerting.rulebook import Rulebook
from alerting.settings import AlertSettings
from stream.errors import Mendable

_NO_ROUTES: Final = "name a routing file (alerts.routes), or give the channel's section a recipient"


class TemplatesRefused(Mendable):
    """Templates that cannot be rendered; names file and line of each."""


class NobodyToTell(Mendable):
    """Channels are configured, and no recipient on any."""


@dataclass
class Prepared:
    """What tells people; `close` lets go of it.

    Attributes:
        channels: By name.
        rules: Of the routing file, or those that tell the settings' recipients of everything.
        rulebook: The rules at work.
        renderer: Writes what is said.
        policies: Of each channel.
        limiter: Counts notices.
    """

    channels: Mapping[str, Channel]
    rules: Rules
    rulebook: Rulebook
    renderer: Renderer
    policies: Mapping[str, ChannelPolicy]
    limiter: Limiter
    _ending: ExitStack

    def close(self) -> None:
        """Closes channels and files."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def prepare(settings: AlertSettings, *, on_failure: Callable[[TemplateFailure], None] = lambda _: None) -> Prepared:
    """Opens channels, rules, accounts and templates.

    Args:
        settings: The section `alerts`.
        on_failure: Told of every template that fails at run time.

    Raises:
        Mendable: Lists everything that is wrong, in the routing file with line and column.
    """
    with ExitStack() as ending:
        opened = _open(settings, ending, on_failure=on_failure)
        opened.flaws.require_none()
        rules, accounts, channels = opened.rules, opened.accounts, opened.channels
        return Prepared(
            channels,
            rules,
            Rulebook(rules) if accounts is None else Rulebook(rules, accounts.account),
            opened.renderer,
            {name: policy_of(channel, settings) for name, channel in channels.items()},
            Limiter(windows_of(rules)),
            ending.pop_all(),
        )


def flaws_of(settings: AlertSettings, given: Mapping[str, object] | None = None) -> list[Mendable]:
    """Everything that `prepare` would refuse.

    Args:
        settings: The section `alerts`, or what of it could be read.
        given: Where it could not be read whole, what was given by dotted name: a section that is wrong is there all
            the same, and what a routing file says of it is no second mistake.
    """
    with ExitStack() as ending:
        return _open(settings, ending, given=given).flaws.found


@dataclass
class _Opened:
    """What could be opened, and why the rest could not."""

    renderer: Renderer
    channels: Mapping[str, Channel] = field(default_factory=dict)
    accounts: AccountFile | None = None
    rules: Rules = field(default_factory=Rules)
    flaws: Flaws = field(default_factory=Flaws)


def _open(
    settings: AlertSettings,
    ending: ExitStack,
    *,
    on_failure: Callable[[TemplateFailure], None] = lambda _: None,
    given: Mapping[str, object] | None = None,
) -> _Opened:
    opened = _Opened(Renderer(settings.templates, on_failure=on_failure))
    with opened.flaws.noted():
        _require_sound(opened.renderer)
    if given is None or channel_names(settings):
        with opened.flaws.noted():
            opened.channels = open_channels(settings)
            for channel in opened.channels.values():
                ending.callback(channel.close)
    if settings.accounts is not None:
        with opened.flaws.noted():
            opened.accounts = AccountFile(settings.accounts)
            ending.callback(opened.accounts.close)
    # Without channels and rules there is nobody to tell: that is said once.
    if settings.routes is not None or (given is None and channel_names(settings)):
        with opened.flaws.noted():
            known = configured(settings) if given is None else configured_as_given(given)
            columns = None if settings.accounts is None else columns_of(settings.accounts)
            known = replace(
                known, templates=opened.renderer.templates, locales=opened.renderer.locales, columns=columns
            )
            opened.rules = rules_of(settings, known)
    return opened


def _require_sound(renderer: Renderer) -> None:
    if wrong := renderer.problems():
        raise TemplatesRefused(
            "; ".join(wrong), remedy="mend the templates; `fraud alerts render` shows them", problems=wrong
        )


def configured(settings: AlertSettings) -> Configured:
    """What a routing file may name, by the settings."""
    return Configured(
        channels=channel_names(settings),
        secrets=secret_names(settings),
        accounts=settings.accounts is not None,
        named=recipient_names(settings),
    )


def rules_of(settings: AlertSettings, known: Configured) -> Rules:
    """The routing file's rules; without one, those that tell the settings' recipients of everything.

    Args:
        settings: The section `alerts`.
        known: What the file may name.

    Raises:
        Mendable: The file is wrong, or nobody would be told.
    """
    if settings.routes is not None:
        return load_rules(settings.routes, known)
    recipients = configured_recipients(settings)
    if not any(recipients.values()):
        raise NobodyToTell("no channel has anybody to tell", remedy=_NO_ROUTES)
    return rules_without_a_file(recipients)


def policy_of(channel: Channel, settings: AlertSettings) -> ChannelPolicy:
    """How a channel's notices are treated."""
    retry = settings.retry
    return ChannelPolicy(
        when_unsure=channel.when_unsure,
        patience=Patience(retry.first_wait_s, retry.longest_wait_s, retry.attempts),
        life=timedelta(seconds=settings.life(channel.name)),
        one_provider=channel.one_provider,
        at_once=channel.at_once,
    )


def windows_of(rules: Rules) -> dict[str, Sequence[Window]]:
    """Limits by what they are of: the file's in place of the defaults."""
    storm = {STORM: rules.storm} if rules.storm else {}
    return {**DEFAULTS, **rules.limits, **storm}
