"""Who is told of an alert: a walk through the tree of routes (pure).

The deepest route that matches decides; siblings after a match are asked only where it says `continue`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from alerting.accounts import UNKNOWN
from alerting.alert import Alert
from alerting.destinations import Destination, Grouping, Recipient
from alerting.routing.matching import failing, satisfied, shown, shown_value
from alerting.routing.rules import ANALYST, HOLDER, Receiver, Route, Rules


class Outcome(StrEnum):
    """What came of a route."""

    TELLS = "tells"
    """It matches, and no route below does: its receiver is told."""
    PASSES = "passes"
    """It matches, and so does a route below, which decides."""
    DIFFERS = "differs"
    """It does not match."""
    NOT_ASKED = "not asked"
    """A sibling before it matched, and does not say `continue`."""


class UntoldReason(StrEnum):
    """Why an account's holder cannot be told: a closed set, a metric's label."""

    NO_ACCOUNT = "no_account"
    """The verdict names no account."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """The accounts file has nothing of it, and the transaction no address that is one."""
    NO_ADDRESS = "no_address"
    """Neither the accounts file nor the transaction has an address of that kind that is one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A route, and what came of it.

    Attributes:
        route: Which.
        outcome: What.
        field: The first condition's that does not hold, where it differs.
        taken_by: Path of the sibling that matched, where it was not asked.
    """

    route: Route
    outcome: Outcome
    field: str | None = None
    taken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """A holder who should be told, and cannot be.

    Attributes:
        receiver: Named in the routing file.
        channel: On which nobody can be reached.
        route: Where the route stands in the tree.
        reason: Why.
    """

    receiver: str
    channel: str
    route: str
    reason: UntoldReason


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of an alert, and who cannot be.

    Attributes:
        destinations: Each recipient of a channel once, with the first route that names it.
        untold: Each once.
        repeated: Destinations that are left out, since another route has told them.
    """

    destinations: tuple[Destination, ...] = ()
    untold: tuple[Untold, ...] = ()
    repeated: tuple[Destination, ...] = ()


def destinations(rules: Rules, alert: Alert) -> list[Destination]:
    """Everybody who is to be told."""
    return list(told(rules, alert).destinations)


def told(rules: Rules, alert: Alert) -> Told:
    """Everybody who is to be told, and who cannot be.

    Args:
        rules: Without problems; a receiver that does not exist tells nobody.
        alert: With its severity and account.
    """
    receivers = {receiver.name: receiver for receiver in rules.receivers}
    chosen: dict[tuple[str, str], Destination] = {}
    repeated: list[Destination] = []
    untold: dict[tuple[str, str], Untold] = {}
    for asked in explained(rules, alert):
        receiver = receivers.get(asked.route.receiver or "")
        if asked.outcome is not Outcome.TELLS or receiver is None:
            continue
        for one in _of_receiver(receiver, asked.route, alert):
            if isinstance(one, Untold):
                untold.setdefault((one.receiver, one.channel), one)
            elif chosen.setdefault((one.channel, one.recipient.address), one) is not one:
                repeated.append(one)
    return Told(tuple(chosen.values()), tuple(untold.values()), tuple(repeated))


def explained(rules: Rules, alert: Alert) -> list[Asked]:
    """Every route that was asked or passed over, in the file's order, and what came of it."""
    return [] if rules.route is None else list(_asked(rules.route, alert))


def reason(asked: Asked, alert: Alert) -> str:
    """Why that came of a route, for people; account numbers masked."""
    if asked.outcome is Outcome.NOT_ASKED:
        return f"{asked.taken_by} matched, and does not say continue"
    if asked.field is not None:
        value = shown_value(asked.field, alert.value(asked.field))
        return f"{asked.field} is {value}, not {shown(asked.field, asked.route.match[asked.field])}"
    held = satisfied(asked.route.match, alert) or "it takes every alert"
    if asked.outcome is Outcome.PASSES:
        return f"{held}; a route below takes it"
    return f"{held}; no route below does" if asked.route.routes else held


def _asked(route: Route, alert: Alert) -> Iterator[Asked]:
    differing = failing(route.match, alert)
    if differing is not None:
        yield Asked(route, Outcome.DIFFERS, field=differing)
        return
    below: list[Asked] = []
    taken_by: str | None = None
    passes = False
    for child in route.routes:
        if taken_by is not None:
            below.append(Asked(child, Outcome.NOT_ASKED, taken_by=taken_by))
            continue
        asked = list(_asked(child, alert))
        below += asked
        if asked[0].outcome in _MATCHED:
            passes = True
            taken_by = None if child.goes_on else child.path
    yield Asked(route, Outcome.PASSES if passes else Outcome.TELLS)
    yield from below


_MATCHED: Final = frozenset({Outcome.TELLS, Outcome.PASSES})
_ACCOUNT: Final = "account_id"


def _of_receiver(receiver: Receiver, route: Route, alert: Alert) -> Iterator[Destination | Untold]:
    for target in receiver.targets:
        yield Destination(
            receiver.name, target.channel, target.recipient, receiver.template, route.grouping, route.path
        )
    # In words for customers, where nothing else is asked for.
    template = HOLDER if receiver.template == ANALYST else receiver.template
    grouping = _of_one_account(route.grouping)
    for channel in receiver.holder:
        address = {"sms": alert.account.phone, "email": alert.account.email}[channel]
        if address is None:
            yield Untold(receiver.name, channel, route.path, _why_untold(alert))
        else:
            recipient = Recipient(address, alert.account.locale or receiver.locale)
            yield Destination(receiver.name, channel, recipient, template, grouping, route.path, is_holder=True)


def _of_one_account(grouping: Grouping) -> Grouping:
    """A holder's digest tells of the holder's own account, whatever analysts have together."""
    return grouping if _ACCOUNT in grouping.by else replace(grouping, by=(*grouping.by, _ACCOUNT))


def _why_untold(alert: Alert) -> UntoldReason:
    if alert.verdict.account_id is None:
        return UntoldReason.NO_ACCOUNT
    return UntoldReason.UNKNOWN_ACCOUNT if alert.account == UNKNOWN else UntoldReason.NO_ADDRESS
