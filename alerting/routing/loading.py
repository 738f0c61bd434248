"""From a routing file to rules that can be gone by, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alerting.routing.checking import Configured, problems_of
from alerting.routing.file import Read, read_rules
from alerting.routing.nodes import MOST_CHARACTERS
from alerting.routing.places import Problem
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
        with file.open(encoding="utf-8-sig") as opened:
            return opened.read(MOST_CHARACTERS + 1)
    except OSError as refusal:
        problem = f"routing file '{file}' cannot be read ({refusal.strerror})"
        raise RulesUnreadable(problem, remedy="give the path of a YAML file") from None
    except UnicodeDecodeError as refusal:
        problem = f"routing file '{file}' is not UTF-8 (byte {refusal.start})"
        raise RulesUnreadable(problem, remedy="save it as UTF-8") from None
