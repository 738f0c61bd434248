"""What the routing file says, typed. Holds addresses: not for logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alerting.destinations import Grouping, Recipient
from alerting.limits import Window
from alerting.locales import DEFAULT_LOCALE
from alerting.routing.matching import Conditions
from alerting.routing.places import START, Place
from alerting.severity import Band

ANALYST: Final = "analyst"
HOLDER: Final = "holder"


@dataclass(frozen=True, slots=True)
class Target:
    """A recipient that stands in the file.

    Attributes:
        channel: Its name.
        recipient: Who.
        place: Where.
    """

    channel: str
    recipient: Recipient
    place: Place = START


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told together.

    Attributes:
        name: What routes call it.
        targets: People of the bank, and machines.
        holder: Channels on which the account's holder is told, and where each stands.
        locale: Of what the account's holder is told, where nobody knows theirs.
        template: Which text.
        place: Where its name stands.
        channels: Where each of its channels stands.
    """

    name: str
    targets: tuple[Target, ...] = ()
    holder: Mapping[str, Place] = field(default_factory=dict)
    locale: str = DEFAULT_LOCALE
    template: str = ANALYST
    place: Place = START
    channels: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree: which alerts it takes, and who is told of those that no route below takes.

    Attributes:
        path: Where it stands in the tree, such as `route/routes/1`.
        receiver: Its own, or inherited; None where there is neither.
        match: What alerts must be, besides what the routes above ask for.
        goes_on: Whether the next sibling is asked as well.
        grouping: Its own, or inherited.
        routes: Asked in this order.
        place: Where it begins.
        receiver_place: Where its own receiver stands; None where it is inherited.
        match_places: Where each condition stands.
        whole: Whether all of it was understood; it may take other alerts than it seems to, or tell others, otherwise.
    """

    path: str
    receiver: str | None
    match: Conditions = field(default_factory=dict)
    goes_on: bool = False
    grouping: Grouping = field(default_factory=Grouping)
    routes: tuple[Route, ...] = ()
    place: Place = START
    receiver_place: Place | None = None
    match_places: Mapping[str, Place] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """All of the file.

    Attributes:
        severities: The first band that an alert falls in counts.
        receivers: In the file's order.
        route: The root of the tree; None where the file has none.
        limits: By channel, those that replace the defaults; none lifts them.
        storm: Of the whole worker; None where nothing is said.
        limit_places: Where each channel's limits stand.
        operators: The receiver that is paged where a channel stands still; None takes the root's.
        operators_place: Where it stands.
    """

    severities: tuple[Band, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    route: Route | None = None
    limits: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    storm: tuple[Window, ...] = ()
    limit_places: Mapping[str, Place] = field(default_factory=dict)
    operators: str | None = None
    operators_place: Place = START


def rules_without_a_file(recipients: Mapping[str, Sequence[Recipient]]) -> Rules:
    """One receiver that is told of everything.

    Args:
        recipients: By channel.
    """
    targets = tuple(Target(channel, one) for channel, some in recipients.items() for one in some)
    return Rules(receivers=(Receiver("default", targets),), route=Route("route", "default"))
