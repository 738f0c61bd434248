"""YAML as it was written: nodes with their places, and nothing made of them that nobody wrote.

Scalars are taken by their text: `NO` is a country, and `0012` an account.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence
from typing import Any, Final, Protocol

import yaml

from alerting.routing.nearest import hint, quoted
from alerting.routing.places import START, Place, Problem

MOST_CHARACTERS: Final = 1_000_000
_DEEPEST: Final = 40
_NULL: Final = "tag:yaml.org,2002:null"
_OPENING: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
# More than a file of a thousand routes has.
_MOST_NODES: Final = 100_000
_BOOL: Final = "tag:yaml.org,2002:bool"
_FIGURES: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_UNREAD: Final = "unread"
_ESCAPE: Final = re.compile(r"\\U([0-9A-Fa-f]{8})")
_HALF: Final = re.compile("[\ud800-\udfff]")


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


def parsed(text: str) -> tuple[yaml.Node, list[Problem]]:
    """The document's node, and what it may not have but can be read without: aliases, tags and half characters.

    Raises:
        Unreadable: It is no YAML, empty, several documents, too long or too deep.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(Problem(START, f"the file has more than {MOST_CHARACTERS} characters"))
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as refusal:
        said = ", ".join(part for part in (refusal.context, refusal.problem) if part)
        raise Unreadable(Problem(_place(refusal.problem_mark or refusal.context_mark), f"no YAML: {said}")) from None
    except yaml.reader.ReaderError as refusal:
        raise Unreadable(Problem(_place_in(text, refusal.position), "no YAML: a control character")) from None
    except (ValueError, OverflowError):  # of chr()
        beyond = (escape.start() for escape in _ESCAPE.finditer(text) if int(escape[1], 16) > sys.maxunicode)
        place = _place_in(text, next(beyond, 0))
        raise Unreadable(Problem(place, "no YAML: there is no such character")) from None
    if node is None:
        raise Unreadable(Problem(START, "the file is empty: write version, receivers and route"))
    return node, loader.problems


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
        """Notes what is wrong with a node; of one that could not be read, that is noted already."""
        if node.tag != _UNREAD:
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


def is_flag(node: yaml.Node) -> bool:
    """Whether YAML takes it for true or false, however that is written."""
    return bool(node.tag == _BOOL)


def is_figure(node: yaml.Node) -> bool:
    """Whether YAML takes it for a number, as it does with a phone number without quotes."""
    return node.tag in _FIGURES


class _Loader(yaml.SafeLoader):
    """Composes nodes. What means nothing here is noted and left out, so that the rest can be checked as well.

    An alias stands for what it names, as long as that makes no large file of a small one.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[Problem] = []
        self._depth = 0
        self._count = 0
        # Anchors whose nodes are complete, and how many each is made of.
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The node that comes next."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            return self._aliased(event)
        if self._depth == _DEEPEST:
            raise Unreadable(Problem(_place(event.start_mark), f"nested more than {_DEEPEST} deep"))
        if event.tag is not None:
            self.problems.append(Problem(_place(event.start_mark), "tags are not read here: leave it out"))
            event.tag = None
            event.implicit = (event.style is None, True) if isinstance(event, yaml.ScalarEvent) else True
        if isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value):
            self.problems.append(
                Problem(_place(event.start_mark), r"half a character (\ud800 to \udfff): write the character itself")
            )
            event.value = _HALF.sub("?", event.value)
        before = self._count
        self._count += 1
        self._depth += isinstance(event, _OPENING)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= isinstance(event, _OPENING)
        if event.anchor is not None:
            self._sizes[event.anchor] = self._count - before
        return node

    def _aliased(self, event: Any) -> yaml.Node:
        self.problems.append(Problem(_place(event.start_mark), "aliases are not read here: write it out"))
        size = self._sizes.get(event.anchor)
        if size is None or self._count + size > _MOST_NODES:
            return yaml.ScalarNode(_UNREAD, "", event.start_mark, event.end_mark)
        self._count += size
        named: yaml.Node = self.anchors[event.anchor]
        return named


def _place_in(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


def _place(mark: _Mark | None) -> Place:
    return START if mark is None else Place(mark.line + 1, mark.column + 1)
