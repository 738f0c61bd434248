"""From a routing file to rules that can be gone by, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alerting.files import shown_path, why_unreadable
from alerting.routing.checking import Configured, problems_of
from alerting.routing.file import Read, read_rules
from alerting.routing.nodes import MOST_CHARACTERS
from alerting.routing.places import Place, Problem
from alerting.routing.rules import Rules
from stream.errors import Mendable


class RulesUnreadable(Mendable):
    """There is no routing file, or no text in it."""


class RulesInvalid(Mendable):
    """The routing file is wrong; names every place.

    Args:
        file: Which.
        found: All that is wrong with it.
    """

    def __init__(self, file: Path, found: Sequence[Problem]) -> None:
        super().__init__(
            f"routing file '{file}': {'; '.join(map(str, found))}",
            remedy="mend it; `fraud alerts check-config` lists the same",
            problems=[f"{file}:{problem}" for problem in found],
        )
        self.file = file
        self.found = tuple(found)


def check_rules(text: str, configured: Configured) -> Read:
    """The rules of a routing file's text, and all that is wrong with them."""
    read = read_rules(text)
    return Read(read.rules, tuple(sorted({*read.problems, *problems_of(read.rules, configured)})))


def load_rules(file: Path, configured: Configured) -> Rules:
    """The rules of a routing file without a problem.

    Raises:
        RulesUnreadable: There is no such file, or no text in it.
        RulesInvalid: Lists all that is wrong, each with line and column.
    """
    checked = check_rules(text_of(file), configured)
    if checked.problems:
        raise RulesInvalid(file, checked.problems)
    return checked.rules


def text_of(file: Path) -> str:
    """A routing file's text.

    Raises:
        RulesUnreadable: There is no such file, or no text in it.
    """
    try:
        with file.open("rb") as opened:
            # No character has more bytes than four.
            content = opened.read(4 * MOST_CHARACTERS + 1)
    except (OSError, ValueError) as refusal:
        problem = f"routing file {shown_path(file)} cannot be read ({why_unreadable(refusal)})"
        raise RulesUnreadable(problem, remedy="give the path of a YAML file") from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as refusal:
        before = content[: refusal.start].decode("utf-8-sig", "replace")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise RulesUnreadable(f"{file}:{place}: this is not UTF-8", remedy="save the file as UTF-8") from None
