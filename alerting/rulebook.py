"""The rules at work: a verdict's severity and account, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from alerting.accounts import UNKNOWN, Account
from alerting.alert import Alert
from alerting.destinations import Destination
from alerting.holders import complemented
from alerting.routing.rules import Rules
from alerting.routing.tree import Told, told
from alerting.severity import LOWEST, with_severity
from stream.contracts import Holder, Verdict


class Rulebook:
    """Answers from the rules and the accounts file. May be used by several threads at once.

    Args:
        rules: Without problems.
        account: What is known of an account by its number.
    """

    def __init__(self, rules: Rules, account: Callable[[str | None], Account] = lambda _: UNKNOWN) -> None:
        self._rules = rules
        self._account = account

    def alert(self, verdict: Verdict) -> Alert:
        """A verdict with its severity and account."""
        account = self._account(verdict.account_id)
        if isinstance(verdict.holder, Holder):
            account = complemented(account, verdict.holder)
        return with_severity(Alert(verdict, LOWEST, account), self._rules.severities)

    def gravest(self, severities: Collection[str]) -> str:
        """Of some severities the one that stands first among the bands."""
        return next((band.name for band in self._rules.severities if band.name in severities), LOWEST)

    def told(self, alert: Alert) -> Told:
        """Everybody who is to be told, and who cannot be."""
        return told(self._rules, alert)

    def operators(self) -> list[Destination]:
        """Who is paged where a channel stands still."""
        root = self._rules.route
        name = self._rules.operators or (None if root is None else root.receiver)
        return [
            Destination(receiver.name, target.channel, target.recipient, receiver.template, root.grouping, root.path)
            for receiver in self._rules.receivers
            if root is not None and receiver.name == name
            for target in receiver.targets
        ]
