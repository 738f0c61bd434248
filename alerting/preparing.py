"""From the settings to everything that tells people, or to all that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from alerting.account_file import AccountFile
from alerting.attempts import Patience
from alerting.channels import Channel
from alerting.channels.registry import (
    channel_names,
    configured_recipients,
    open_channels,
    recipient_names,
    secret_names,
)
from alerting.errors import all_of
from alerting.limits import DEFAULTS, STORM, Limiter, Window
from alerting.policies import ChannelPolicy
from alerting.rendering import Renderer, TemplateFailure
from alerting.routing.checking import Configured
from alerting.routing.loading import load_rules
from alerting.routing.rules import Rules, rules_without_a_file
from alerting.rulebook import Rulebook
from alerting.settings import AlertSettings
from stream.errors import Mendable

_NO_ROUTES: Final = "set alerts.routes to a routing file, or give the channel's section a recipient"


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
    problems: list[Mendable] = []
    with ExitStack() as ending:
        renderer = Renderer(settings.templates, on_failure=on_failure)
        try:
            _require_sound(renderer)
        except Mendable as refusal:
            problems.append(refusal)
        channels: Mapping[str, Channel] = {}
        try:
            channels = open_channels(settings)
            for channel in channels.values():
                ending.callback(channel.close)
        except Mendable as refusal:
            problems.append(refusal)
        accounts = None
        try:
            accounts = None if settings.accounts is None else AccountFile(settings.accounts)
            if accounts is not None:
                ending.callback(accounts.close)
        except Mendable as refusal:
            problems.append(refusal)
        rules = Rules()
        try:
            rules = rules_of(settings, renderer.templates)
        except Mendable as refusal:
            problems.append(refusal)
        if problems:
            raise all_of(problems)
        rulebook = Rulebook(rules) if accounts is None else Rulebook(rules, accounts.account)
        return Prepared(
            channels,
            rules,
            rulebook,
            renderer,
            {name: policy_of(channel, settings) for name, channel in channels.items()},
            Limiter(windows_of(rules)),
            ending.pop_all(),
        )


def flaws_of_files(routes: Path | None, accounts: Path | None, templates: Path | None) -> list[Mendable]:
    """What is wrong with files, as far as that can be said without settings; None is not looked at."""
    checks: list[Callable[[], object]] = []
    if routes is not None:
        checks.append(lambda: load_rules(routes, Configured()))
    if accounts is not None:
        checks.append(lambda: AccountFile(accounts).close())
    if templates is not None:
        checks.append(lambda: _require_sound(Renderer(templates)))
    flaws: list[Mendable] = []
    for check in checks:
        try:
            check()
        except Mendable as refusal:
            flaws.append(refusal)
    return flaws


def _require_sound(renderer: Renderer) -> None:
    if wrong := renderer.problems():
        raise TemplatesRefused("; ".join(wrong), remedy="mend the templates; `fraud alerts render` shows them")


def configured(settings: AlertSettings, templates: frozenset[str] | None = None) -> Configured:
    """What a routing file may name, by the settings."""
    return Configured(
        channels=channel_names(settings),
        secrets=secret_names(settings),
        accounts=settings.accounts is not None,
        templates=templates,
        named=recipient_names(settings),
    )


def rules_of(settings: AlertSettings, templates: frozenset[str] | None = None) -> Rules:
    """The routing file's rules; without one, those that tell the settings' recipients of everything.

    Raises:
        Mendable: The file is wrong, or nobody would be told.
    """
    if settings.routes is not None:
        return load_rules(settings.routes, configured(settings, templates))
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
