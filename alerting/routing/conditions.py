"""Conditions as they stand in the routing file, each alternative with its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import yaml

from alerting.routing.matching import Condition, ConditionUnclear, accepted_by, condition
from alerting.routing.nodes import Reader, Unreadable, is_null, parsed, place_of
from alerting.routing.places import Place


@dataclass(frozen=True, slots=True)
class Conditions:
    """What could be understood of a section of conditions.

    Attributes:
        by_field: All of them hold.
        places: Where each stands.
        whole: Whether all that stands there was understood.
    """

    by_field: Mapping[str, Condition] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    whole: bool = True


def read_conditions(reader: Reader, node: yaml.Node, fields: Collection[str]) -> Conditions:
    """The conditions in a section; what is wrong is noted and left out.

    Args:
        reader: Takes the nodes apart.
        node: What stands there.
        fields: Those that conditions may be on.
    """
    by_field: dict[str, Condition] = {}
    places: dict[str, Place] = {}
    before = len(reader.problems)
    for name, value in reader.section(node, fields, what="an alert").items():
        alternatives = _alternatives(reader, name, value)
        if alternatives is None:
            continue
        try:
            by_field[name] = condition(name, alternatives)
        except ConditionUnclear as unclear:
            reader.refuse(value, str(unclear))
        else:
            places[name] = place_of(value)
    return Conditions(by_field, places, whole=len(reader.problems) == before)


def alternatives_in(text: str) -> list[str | None]:
    """What a condition outside of a file is a list of: `low`, `[EUR, null]`.

    Raises:
        ConditionUnclear: It begins as a list, and is none.
    """
    if not text.startswith("["):
        return [None if text == "null" else text]
    unclear = ConditionUnclear("this is no list of conditions", remedy="write one such as [EUR, USD]")
    try:
        node, found = parsed(text)
    except Unreadable:
        raise unclear from None
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    if found or not all(isinstance(item, yaml.ScalarNode) for item in items):
        raise unclear
    return [None if is_null(item) else str(item.value) for item in items]


def _alternatives(reader: Reader, name: str, node: yaml.Node) -> list[str | None] | None:
    """What a condition is a list of; None where one of them cannot be understood."""
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    alternatives: list[str | None] = []
    for item in items:
        if not isinstance(item, yaml.ScalarNode):
            reader.refuse(item, "a condition is a text, a number, or a list of these")
            continue
        if is_null(item) and not item.value:
            reader.refuse(item, "a condition is missing here; write null for alerts that have nothing there")
            continue
        said = None if is_null(item) else str(item.value)
        try:
            accepted_by(name, said)
        except ConditionUnclear as unclear:
            reader.refuse(item, str(unclear))
        else:
            alternatives.append(said)
    return alternatives if len(alternatives) == len(items) else None
