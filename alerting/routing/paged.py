"""Whether somebody is paged, on another channel, whichever channel stands still (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alerting.routing.nearest import quoted
from alerting.routing.places import Problem
from alerting.routing.rules import Route, Rules

_NOBODY = "nobody is paged where a channel stands still"


def unpaged(rules: Rules, routes: Iterable[Route]) -> Iterator[Problem]:
    """What keeps operators from being paged: no mistake, but nothing that anybody wants.

    Where one channel alone is in use there is no other to page them on, and nothing is said.

    Args:
        rules: All of them.
        routes: All in the tree.
    """
    root = rules.route
    if root is None or not root.whole:
        return
    receivers = {receiver.name: receiver for receiver in rules.receivers}
    telling = (receivers[route.receiver] for route in routes if route.receiver in receivers)
    used = sorted({channel for receiver in telling for channel in (*receiver.channels, *receiver.holder)})
    if rules.operators is None and len(used) < 2:
        return
    name = rules.operators or root.receiver
    place = root.receiver_place or root.place if rules.operators is None else rules.operators_place
    if name is None:
        yield Problem(place, f"{_NOBODY}: write operators: RECEIVER, one with people on two channels")
    if name is None or name not in receivers:
        return
    own = sorted(receivers[name].channels)
    who = f"receiver {quoted(name)}" + (", the root's," if rules.operators is None else "")
    if not own:
        yield Problem(place, f"{_NOBODY}: {who} tells account holders alone; name one with people of the bank")
    elif len(own) == 1 and own[0] in used and len(used) > 1:
        others = ", ".join(quoted(channel) for channel in used if channel not in own)
        yield Problem(
            place,
            f"nobody is paged where {quoted(own[0])} stands still: {who} has no other channel; give it people on "
            f"another, such as {others}, or name other operators",
        )
