"""The routing file: YAML to rules, and everything that is wrong with it, with its place.

Broken parts are left out of the rules, so that what else is wrong can be found as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import yaml

from alerting.alert import FIELDS
from alerting.destinations import Grouping
from alerting.limits import Window
from alerting.locales import DEFAULT_LOCALE
from alerting.routing.conditions import Conditions, read_conditions
from alerting.routing.nearest import hint, quoted
from alerting.routing.nodes import Reader, Unreadable, is_flag, parsed, place_of
from alerting.routing.places import START, Place, Problem
from alerting.routing.recipients import ADDRESSED, read_locale, read_targets
from alerting.routing.rules import ANALYST, Receiver, Route, Rules
from alerting.routing.units import seconds, window
from alerting.severity import Band

VERSION: Final = "1"
# What YAML and JSON take for the same number.
_VERSION_WRITTEN: Final = (VERSION, f"{VERSION}.0")
FILE_KEYS: Final = ("version", "severities", "receivers", "operators", "route", "limits")
BAND_KEYS: Final = ("name", "when")
# Every further key of a receiver is a channel.
RECEIVER_KEYS: Final = ("name", "locale", "template", "account_holder")
ROOT_KEYS: Final = ("receiver", "group_by", "group_interval", "routes")
ROUTE_KEYS: Final = (*ROOT_KEYS, "match", "continue")
_RECEIVER_WORDS: Final = (*RECEIVER_KEYS, *ADDRESSED)
NOT_CHANNELS: Final = ("name", "locale", "template")
STORM: Final = "storm"
_LONGEST_NAME: Final = 100
# What the accounts file has of a holder.
HOLDER_CHANNELS: Final = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Read:
    """What could be made of a file.

    Attributes:
        rules: Without what is broken.
        problems: All that is, in the file's order.
    """

    rules: Rules
    problems: tuple[Problem, ...]


def read_rules(text: str) -> Read:
    """The rules in a routing file's text, which is YAML."""
    try:
        root, found = parsed(text)
    except Unreadable as unreadable:
        return Read(Rules(), (unreadable.problem,))
    reader = _FileReader()
    reader.problems += found
    rules = reader.rules(root)
    return Read(rules, tuple(sorted(reader.problems)))


class _FileReader(Reader):
    def rules(self, root: yaml.Node) -> Rules:
        section = self.section(root, FILE_KEYS, what="the file")
        if isinstance(root, yaml.MappingNode):
            for name in ("version", "receivers", "route"):
                if name not in section:
                    self.refuse(root, f"{name} is missing")
        if "version" in section:
            self._version(section["version"])
        limits, places = self._limits(section.get("limits"))
        route, operators = section.get("route"), section.get("operators")
        return Rules(
            severities=tuple(filter(None, map(self._band, self._list(section, "severities")))),
            receivers=tuple(filter(None, map(self._receiver, self._list(section, "receivers")))),
            route=None if route is None else self._route(route, "route", None),
            limits={name: windows for name, windows in limits.items() if name != STORM},
            storm=limits.get(STORM, ()),
            limit_places=places,
            operators=None if operators is None else self.text(operators, what="the operators' receiver"),
            operators_place=START if operators is None else place_of(operators),
        )

    def _list(self, section: Mapping[str, yaml.Node], name: str) -> list[yaml.Node]:
        return list(self.items(section[name], what=name)) if name in section else []

    def _version(self, node: yaml.Node) -> None:
        said = self.text(node, what="the file's version")
        if said is not None and said not in _VERSION_WRITTEN:
            self.refuse(node, f"this program reads version {VERSION} alone: write version: {VERSION}")

    def _band(self, node: yaml.Node) -> Band | None:
        section = self.section(node, BAND_KEYS, what="a severity")
        name = self._name(node, section, "a severity")
        if "when" not in section:
            conditions = Conditions()
            self._missing(node, "when is missing: write when: {FIELD: CONDITION}")
        else:
            conditions = read_conditions(self, section["when"], FIELDS.keys() - {"severity"})
        if name is None:
            return None
        return Band(
            name,
            conditions.by_field,
            place_of(section["name"]),
            conditions.places,
            conditions.whole and "when" in section,
        )

    def _receiver(self, node: yaml.Node) -> Receiver | None:
        pairs = self.pairs(node, what="a receiver")
        section = {key.value: value for key, value in pairs}
        name = self._name(node, section, "a receiver")
        locale = read_locale(self, section["locale"]) if "locale" in section else None
        template = self.text(section["template"], what="a template") if "template" in section else None
        channels = self._channels(pairs)
        targets = [
            target
            for key, value in channels
            for target in read_targets(self, key.value, value, locale=locale or DEFAULT_LOCALE)
        ]
        holder = self._holder(section["account_holder"]) if "account_holder" in section else {}
        if pairs and all(key in NOT_CHANNELS for key in section):
            self.refuse(node, "a receiver with nobody in it: write a channel and its recipients, or account_holder")
        if name is None:
            return None
        return Receiver(
            name,
            tuple(targets),
            holder,
            locale or DEFAULT_LOCALE,
            template or ANALYST,
            place_of(section["name"]),
            {key.value: place_of(key) for key, _ in channels},
        )

    def _channels(self, pairs: list[tuple[yaml.ScalarNode, yaml.Node]]) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """What is left in a receiver: names of channels, each with a list."""
        channels: list[tuple[yaml.ScalarNode, yaml.Node]] = []
        for key, value in pairs:
            if key.value in RECEIVER_KEYS:
                continue
            if isinstance(value, yaml.SequenceNode):
                channels.append((key, value))
            elif key.value in ADDRESSED:
                self.refuse(value, f"recipients of {key.value} are written as a list")
            else:
                self.refuse(key, f"a receiver has no key {quoted(key.value)}: {hint(key.value, _RECEIVER_WORDS)}")
        return channels

    def _holder(self, node: yaml.Node) -> dict[str, Place]:
        channels: dict[str, Place] = {}
        for item in self.items(node, what="channels of the account's holder"):
            said = self.text(item, what="a channel")
            if said is not None and said not in HOLDER_CHANNELS:
                self.refuse(item, f"nobody knows a holder's address there: {hint(said, HOLDER_CHANNELS)}")
            elif said is not None:
                channels.setdefault(said, place_of(item))
        if not channels and isinstance(node, yaml.SequenceNode) and not node.value:
            self.refuse(node, "no channel is named: write account_holder: [sms, email]")
        return channels

    def _route(self, node: yaml.Node, path: str, above: Route | None) -> Route:
        section = self.section(
            node, ROOT_KEYS if above is None else ROUTE_KEYS, what="the root" if above is None else "a route"
        )
        own = self.text(section["receiver"], what="a receiver's name") if "receiver" in section else None
        conditions = read_conditions(self, section["match"], FIELDS.keys()) if "match" in section else Conditions()
        route = Route(
            path=path,
            receiver=own or (above.receiver if above else None),
            match=conditions.by_field,
            goes_on=self._flag(section["continue"]) if "continue" in section else False,
            grouping=self._grouping(section, above.grouping if above else Grouping()),
            place=place_of(node),
            receiver_place=place_of(section["receiver"]) if own else None,
            match_places=conditions.places,
            whole=conditions.whole
            and isinstance(node, yaml.MappingNode)
            and (own is not None or "receiver" not in section),
        )
        below = enumerate(self._list(section, "routes"))
        return replace(
            route, routes=tuple(self._route(child, f"{path}/routes/{place}", route) for place, child in below)
        )

    def _grouping(self, section: Mapping[str, yaml.Node], inherited: Grouping) -> Grouping:
        by, interval_s = inherited.by, inherited.interval_s
        if "group_by" in section:
            by = tuple(dict.fromkeys(filter(None, map(self._field, self._list(section, "group_by")))))
        if "group_interval" in section:
            node = section["group_interval"]
            interval = seconds(self.text(node, what="a duration") or "0s")
            if interval is None:
                self.refuse(node, "this is no duration of a year at most: write one such as 30s, 5m, 2h or 7d")
            else:
                interval_s = interval
        return Grouping(by, interval_s)

    def _field(self, node: yaml.Node) -> str | None:
        said = self.text(node, what="a field's name")
        if said is None or said in FIELDS:
            return said
        self.refuse(node, f"there is no such field: {hint(said, FIELDS)}")
        return None

    def _flag(self, node: yaml.Node) -> bool:
        said = self.text(node, what="true or false")
        if said not in {None, "true", "false"} and not is_flag(node):
            self.refuse(node, "continue is true or false")
        return said is not None and said.lower() in {"true", "yes", "on"}

    def _limits(self, node: yaml.Node | None) -> tuple[dict[str, tuple[Window, ...]], dict[str, Place]]:
        limits: dict[str, tuple[Window, ...]] = {}
        places: dict[str, Place] = {}
        for key, value in [] if node is None else self.pairs(node, what="limits"):
            listed = [value] if key.value == STORM else self.items(value, what="limits")
            windows = [self._window(item) for item in listed]
            if None not in windows:
                limits[key.value] = tuple(filter(None, windows))
            places[key.value] = place_of(key)
        places.pop(STORM, None)
        return limits, places

    def _window(self, node: yaml.Node) -> Window | None:
        said = self.text(node, what="a limit")
        allowed = window(said) if said is not None else None
        if said is not None and allowed is None:
            self.refuse(node, "this is no limit that lets something pass: write one such as 5/15m")
        return allowed

    def _name(self, node: yaml.Node, section: Mapping[str, yaml.Node], what: str) -> str | None:
        if "name" not in section:
            self._missing(node, f"{what} without a name: write name: NAME")
            return None
        name = self.text(section["name"], what=f"the name of {what}")
        if name is not None and not (name.isprintable() and len(name) <= _LONGEST_NAME):
            self.refuse(section["name"], f"the name of {what} is one line of {_LONGEST_NAME} characters at most")
            return None
        return name

    def _missing(self, node: yaml.Node, message: str) -> None:
        """What is no section at all has been refused already."""
        if isinstance(node, yaml.MappingNode):
            self.refuse(node, message)
