"""The one error that people see: something they can mend."""

from __future__ import annotations

from collections.abc import Sequence


class Mendable(Exception):
    """A broken promise that the user can put right.

    `cli` prints a line for each problem and exits with status 2; nothing below `cli` knows of exit statuses.
    Subclasses are named after the promise, so that code can tell them apart.

    Args:
        problem: Names the thing and its value ("data file 'a.csv' does not exist"). Never a secret, a card
            number or a phone number.
        remedy: What to do about it, as an imperative ("give the path of a CSV or Parquet file").
        problems: Each by itself, where the problem is several.
    """

    def __init__(self, problem: str, *, remedy: str, problems: Sequence[str] = ()) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.problems = tuple(problems) or (problem,)

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"
