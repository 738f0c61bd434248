"""Rules that no alert gets to: bands and routes before them, above or below them take all that they match (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from alerting.routing.matching import shown
from alerting.routing.nearest import quoted
from alerting.routing.places import Problem
from alerting.routing.regions import ANYWHERE, Region, Severities, contradiction, left_of, region_of, shared
from alerting.routing.rules import Route, Rules


def unreachable(rules: Rules, severities: Severities) -> Iterator[Problem]:
    """Bands that no alert falls in, routes that none comes to, and receivers that none is left for."""
    for band in rules.severities:
        if band.name not in severities.given:
            why = contradiction(region_of(band.when)) or "bands before it take all that it matches"
            yield Problem(band.place, f"no alert has severity {quoted(band.name)}: {why}")
    if rules.route is not None:
        yield from _Search(severities).of(rules.route, [ANYWHERE], ())


class _Search:
    def __init__(self, severities: Severities) -> None:
        self._severities = severities

    def of(self, route: Route, arriving: list[Region], above: tuple[Route, ...]) -> Iterator[Problem]:
        """What is wrong with a route to which some alert comes, and with those below it.

        Args:
            route: Of these.
            arriving: Alerts that match it, and that no route before it takes.
            above: From the root to its parent.
        """
        left = rest = arriving
        for child in route.routes:
            own = region_of(child.match)
            coming = self._narrowed(left, own)
            sound = self._is_sound(child)
            if coming or not sound:
                yield from self.of(child, coming, (*above, route))
            elif arriving:
                yield self._why_none(child, (*above, route))
            if sound:
                left = left if child.goes_on else left_of(left, [own])
                rest = left_of(rest, [own])
        if not arriving:
            return
        is_left = any(map(self._severities.possible, rest))
        if is_left and route.receiver is None and route.whole and all(map(self._is_sound, route.routes)):
            yield Problem(
                route.place, f"{route.path} has no receiver for alerts that no route below it takes: name one"
            )
        if not is_left and route.receiver_place is not None:
            yield Problem(
                route.receiver_place,
                f"this receiver is never told by {route.path}: the routes below take all; take out its receiver here, "
                "or the last of them",
            )

    def _is_sound(self, route: Route) -> bool:
        """Whether it matches what it seems to: nothing of it was left out, or names what does not exist."""
        severity = route.match.get("severity")
        return route.whole and (severity is None or severity.accepted.texts <= self._severities.named)

    def _narrowed(self, pieces: list[Region], own: Region) -> list[Region]:
        both = (shared(piece, own) for piece in pieces)
        return [region for region in both if region is not None and self._severities.possible(region)]

    def _why_none(self, route: Route, above: tuple[Route, ...]) -> Problem:
        context: Region = ANYWHERE
        for one in above:
            for name, condition in one.match.items():
                both = shared(context, region_of({name: condition}))
                context = context if both is None else both
        for name, condition in route.match.items():
            own = region_of({name: condition})
            both = shared(context, own)
            if both is None:
                return Problem(
                    route.match_places[name], f"no alert can match: {_conflict(name, route, above, context)}"
                )
            context = both
        if not self._severities.possible(context):
            return Problem(route.place, f"no alert can match {route.path}: no alert of that severity is like that")
        return Problem(
            route.place, f"no alert comes to {route.path}: routes before it take all that it matches; move it up"
        )


def _conflict(name: str, route: Route, above: tuple[Route, ...], context: Region) -> str:
    """Why a route's condition on a field leaves nothing of what comes to it."""
    own = region_of({name: route.match[name]})
    if name not in context or context[name] & own[name]:
        return contradiction({**context, **own}) or "nothing is left"
    parent = next(one for one in reversed(above) if name in one.match)
    said, narrowed = shown(name, route.match[name]), shown(name, parent.match[name])
    return f"{name} is {narrowed} here already (line {parent.match_places[name].line}), and never {said}"
