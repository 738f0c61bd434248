"""Pages that a process shows beside its probes: what is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

# What forms and providers send is shorter.
LONGEST_BODY: Final = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        method: GET or POST.
        target: Path and query, as they came.
        headers: Names in lower case.
        body: At most `LONGEST_BODY` bytes.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Behind the question mark; empty where there is none."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response.

    Attributes:
        status: Of HTTP.
        body: Its bytes.
        content_type: Of the body.
        headers: Further ones.
    """

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Pages = Callable[[Asked], Answer | None]
"""Answers, on a thread of its own, what it knows; None for every other path."""
