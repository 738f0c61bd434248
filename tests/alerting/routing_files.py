"""Routing files for the tests, and what is read of them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from alerting.routing.checking import Configured, notes_of
from alerting.routing.loading import check_rules
from alerting.routing.rules import Rules

EXAMPLE = Path(__file__).parents[2] / "examples" / "alerts.yml"
ALL = Configured(
    channels=frozenset({"sms", "email", "sns", "webhook"}),
    secrets=frozenset({"cases"}),
    accounts=True,
    templates=frozenset({"analyst", "holder"}),
)
PHONE = "+4915112345678"
MAIL = "somebody@bank.example"
_RECEIVERS = """\
receivers:
  - {name: a, email: [a@bank.example]}
  - {name: b, email: [b@bank.example]}
  - {name: c, email: [c@bank.example]}
"""


def with_routes(route: str, *, severities: str = "[]") -> str:
    """A file with receivers a, b and c around a root."""
    return f"version: 1\nseverities: {severities}\n{_RECEIVERS}route:\n{indent(dedent(route).strip(), '  ')}\n"


def problems_in(text: str, configured: Configured = ALL) -> list[str]:
    """What is wrong with a file, each with its place."""
    return [str(problem) for problem in check_rules(text, configured).problems]


def notes_in(text: str, configured: Configured = ALL) -> list[str]:
    """What may not be meant in a file, each with its place."""
    return [str(note) for note in notes_of(check_rules(text, configured).rules)]


def rules_of(text: str, configured: Configured = ALL) -> Rules:
    """The rules of a file with which nothing is wrong."""
    checked = check_rules(text, configured)
    assert checked.problems == ()
    return checked.rules
