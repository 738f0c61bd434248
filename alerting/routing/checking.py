"""What is wrong with rules that can be read: names that nothing has, and rules that nothing gets to (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from alerting.limits import PROVIDER
from alerting.locales import DEFAULT_LOCALE, canonical, fallbacks
from alerting.routing.matching import Conditions
from alerting.routing.nearest import hint, quoted
from alerting.routing.paged import unpaged
from alerting.routing.places import Place, Problem
from alerting.routing.reaching import unreachable
from alerting.routing.regions import Severities
from alerting.routing.rules import Receiver, Route, Rules
from alerting.severity import LOWEST

_ACCOUNTS: Final = "name an accounts file in the settings"


@dataclass(frozen=True, slots=True)
class Configured:
    """What the settings have, by name; None leaves that unchecked.

    Attributes:
        channels: That can be opened.
        secrets: That sign.
        accounts: Whether there is an accounts file.
        columns: Of the accounts file.
        templates: That can be rendered.
        locales: Languages, in canonical spelling, that something is written in.
        named: For channels whose recipients are names in the settings, those that there are.
    """

    channels: frozenset[str] | None = None
    secrets: frozenset[str] | None = None
    accounts: bool | None = None
    columns: frozenset[str] | None = None
    templates: frozenset[str] | None = None
    locales: frozenset[str] | None = None
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)


def problems_of(rules: Rules, configured: Configured) -> list[Problem]:
    """All that is wrong, in the file's order.

    Args:
        rules: As `alerting.routing.file.read_rules` gives them.
        configured: What they may name.
    """
    routes = list(_all(rules.route))
    severities = Severities(rules.severities)
    found = [
        *_twice(((band.name, band.place) for band in rules.severities), "severity"),
        *_twice(((receiver.name, receiver.place) for receiver in rules.receivers), "receiver"),
        *_severity_names(routes, severities),
        *_receiver_names(rules, routes),
        *unreachable(rules, severities),
        *(problem for receiver in rules.receivers for problem in _of_receiver(receiver, configured)),
        *_channel_names(
            {name.removeprefix(PROVIDER): place for name, place in rules.limit_places.items()}, configured.channels
        ),
    ]
    found += _about_accounts(rules, routes, configured)
    return sorted(set(found))


def notes_of(rules: Rules) -> list[Problem]:
    """What is no mistake and may not be meant, in the file's order; nothing of it stops a worker."""
    low = (
        Problem(band.place, f"an alert in no band is '{LOWEST}' too: it is taken for one of this band")
        for band in rules.severities
        if band.name == LOWEST
    )
    return sorted({*low, *unpaged(rules, _all(rules.route))})


def _all(route: Route | None) -> Iterator[Route]:
    if route is not None:
        yield route
        for child in route.routes:
            yield from _all(child)


def _twice(names: Iterable[tuple[str, Place]], what: str) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for name, place in names:
        if name in first:
            yield Problem(
                place, f"{what} {quoted(name)} stands in line {first[name].line} already: give it a name of its own"
            )
        first.setdefault(name, place)


def _severity_names(routes: Iterable[Route], severities: Severities) -> Iterator[Problem]:
    for route in routes:
        if "severity" not in route.match:
            continue
        for name in sorted(route.match["severity"].accepted.texts - severities.named):
            place = route.match_places["severity"]
            yield Problem(place, f"no band has severity {quoted(name)}: {hint(name, severities.named)}")


def _receiver_names(rules: Rules, routes: list[Route]) -> Iterator[Problem]:
    names = {receiver.name for receiver in rules.receivers}
    for route in routes:
        if route.receiver_place is not None and route.receiver not in names:
            named = route.receiver or ""
            yield Problem(route.receiver_place, f"there is no receiver {quoted(named)}: {hint(named, names)}")
    if rules.operators is not None and rules.operators not in names:
        message = f"there is no receiver {quoted(rules.operators)}: {hint(rules.operators, names)}"
        yield Problem(rules.operators_place, message)
    used = {route.receiver for route in routes} | {rules.operators}
    for receiver in rules.receivers:
        if rules.route is not None and receiver.name not in used:
            yield Problem(receiver.place, f"no route names receiver {quoted(receiver.name)}: add one, or take it out")


def _of_receiver(receiver: Receiver, configured: Configured) -> Iterator[Problem]:
    yield from _channel_names({**receiver.channels, **receiver.holder}, configured.channels)
    for target in receiver.targets:
        secret = target.recipient.options.get("secret")
        if secret and configured.secrets is not None and secret not in configured.secrets:
            # Its name is not repeated: somebody may have put the secret itself there.
            known = hint("", configured.secrets)
            yield Problem(target.place, f"the settings have no secret of the name that stands here: {known}")
        names = configured.named.get(target.channel)
        if names is not None and target.recipient.address not in names:
            # It may be the secret itself.
            known = hint("", names)
            yield Problem(target.place, f"the settings of '{target.channel}' have no recipient of this name: {known}")
    if configured.locales is not None:
        # A recipient without a language of its own has the receiver's.
        own = {one.place: one.recipient.locale for one in receiver.targets if one.recipient.locale != receiver.locale}
        for place, locale in {receiver.place: receiver.locale, **own}.items():
            if not _is_written(locale, configured.locales):
                known = hint("", configured.locales)
                yield Problem(place, f"nothing is written in language {quoted(locale)}: {known}")
    if configured.templates is not None and receiver.template not in configured.templates:
        known = hint(receiver.template, configured.templates)
        yield Problem(receiver.place, f"there is no template {quoted(receiver.template)}: {known}")


def _is_written(locale: str, locales: frozenset[str]) -> bool:
    """Whether a reader of a language is told in it, or in a wider one, and not for want of both in the default."""
    is_default = canonical(locale).split("-")[0] == DEFAULT_LOCALE
    return is_default or not locales.isdisjoint(one for one in fallbacks(locale) if one != DEFAULT_LOCALE)


def _channel_names(places: Mapping[str, Place], channels: frozenset[str] | None) -> Iterator[Problem]:
    for channel, place in places.items():
        if channels is not None and channel not in channels:
            known = hint(channel, channels)
            yield Problem(place, f"channel {quoted(channel)} is not configured in the settings: {known}")


def _about_accounts(rules: Rules, routes: Iterable[Route], configured: Configured) -> Iterator[Problem]:
    conditions: list[tuple[Conditions, Mapping[str, Place]]] = [
        *((band.when, band.when_places) for band in rules.severities),
        *((route.match, route.match_places) for route in routes),
    ]
    for some, places in conditions:
        for name in some:
            column = name.removeprefix("account.")
            # A transaction may say what language its holder has; the rest is the bank's own knowledge.
            if column in (name, "locale"):
                continue
            if configured.accounts is False:
                yield Problem(places[name], f"nothing is known of {name} without an accounts file: {_ACCOUNTS}")
            elif configured.columns is not None and column not in configured.columns:
                yield Problem(places[name], f"the accounts file has no column '{column}': add it, or take this out")
