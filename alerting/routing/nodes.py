"""YAML as it was written: nodes with their places, and nothing made of them that nobody wrote.

Scalars are taken by their text: `NO` is a country, and `0012` an account.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import yaml

from alerting.routing.nearest import hint, quoted
from alerting.routing.places import START, Place, Problem

MOST_CHARACTERS: Final = 1_000_000
_DEEPEST: Final = 40
_NULL: Final = "tag:yaml.org,2002:null"
_OPENING: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class _Mark(Protocol):
    """A place as PyYAML counts, from 0."""

    line: int
    column: int


class Unreadable(Exception):
    """The text is no YAML that a routing file may be.

    Args:
        problem: The one that there is.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def parsed(text: str) -> yaml.Node:
    """The document's node.

    Raises:
        Unreadable: It is no YAML, empty, several documents, too long or too deep, or has aliases or tags.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(Problem(START, f"the file has more than {MOST_CHARACTERS} characters"))
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as refusal:
        said = ", ".join(part for part in (refusal.context, refusal.problem) if part)
        raise Unreadable(Problem(_place(refusal.problem_mark or refusal.context_mark), f"no YAML: {said}")) from None
    except yaml.reader.ReaderError as refusal:
        before = text[: refusal.position]
        place = Place(before.count("\n") + 1, refusal.position - (before.rfind("\n") + 1) + 1)
        raise Unreadable(Problem(place, "no YAML: a control character")) from None
    if node is None:
        raise Unreadable(Problem(START, "the file is empty: write version, receivers and route"))
    return node


def place_of(node: yaml.Node) -> Place:
    """Where it begins."""
    return _place(node.start_mark)


class Reader:
    """Takes nodes apart, and notes what is wrong with them.

    Attributes:
        problems: In the order in which they were found.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, node: yaml.Node, message: str) -> None:
        """Notes what is wrong with a node."""
        self.refuse_at(place_of(node), message)

    def refuse_at(self, place: Place, message: str) -> None:
        """Notes what is wrong at a place."""
        self.problems.append(Problem(place, message))

    def section(self, node: yaml.Node, known: Collection[str], *, what: str) -> dict[str, yaml.Node]:
        """Values by key, where a section is; keys that are not known are left out.

        Args:
            node: What stands there.
            known: Keys that it may have.
            what: It is, for people: "a receiver".
        """
        section = {}
        for key, value in self.pairs(node, what=what):
            if key.value in known:
                section[key.value] = value
            else:
                self.refuse(key, f"{what} has no key {quoted(key.value)}: {hint(key.value, known)}")
        return section

    def pairs(self, node: yaml.Node, *, what: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Keys and values, the first of each key; none where it is something else."""
        if not isinstance(node, yaml.MappingNode):
            self.refuse(node, f"{what} is written as KEY: VALUE lines")
            return []
        first: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(key, "a key is one word")
            elif key.value in first:
                line = place_of(first[key.value][0]).line
                self.refuse(key, f"a key {quoted(key.value)} stands in line {line} already: write it once")
            else:
                first[key.value] = (key, value)
        return list(first.values())

    def items(self, node: yaml.Node, *, what: str) -> Sequence[yaml.Node]:
        """A list's items; none where it is something else."""
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.refuse(node, f"{what} are written as a list")
        return []

    def text(self, node: yaml.Node, *, what: str) -> str | None:
        """A scalar's text; None where there is none."""
        if isinstance(node, yaml.ScalarNode) and not is_null(node) and node.value.strip():
            return str(node.value)
        self.refuse(
            node, f"{what} is missing here" if isinstance(node, yaml.ScalarNode) else f"{what} is one word or number"
        )
        return None


def is_null(node: yaml.Node) -> bool:
    """Whether it is null, or nothing stands there."""
    return bool(node.tag == _NULL)


def _check_events(text: str) -> None:
    """Refuses what makes a small file large or endless, aliases and depth; and tags, which mean nothing here."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth > _DEEPEST:
            raise Unreadable(Problem(_place(event.start_mark), f"nested more than {_DEEPEST} deep"))
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(Problem(_place(event.start_mark), "aliases are not read here: write it out"))
        if getattr(event, "tag", None) is not None:
            raise Unreadable(Problem(_place(event.start_mark), "tags are not read here: leave it out"))


def _place(mark: _Mark | None) -> Place:
    return START if mark is None else Place(mark.line + 1, mark.column + 1)
