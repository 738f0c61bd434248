"""Who is told of an alert: the tree as Alertmanager walks it."""

from __future__ import annotations

from typing import Any

import pytest

from alerting.accounts import UNKNOWN, Account
from alerting.destinations import Recipient
from alerting.routing.rules import rules_without_a_file
from alerting.routing.tree import Outcome, UntoldReason, destinations, explained, reason, told
from tests.alerting.routing_files import rules_of, with_routes
from tests.alerting.told_of import alert
from tests.alerting.verdicts import ACCOUNT

TREE = with_routes(
    """
    receiver: a
    group_by: [account_id, currency]
    group_interval: 10m
    routes:
      - match: {amount: ">=1000"}
        receiver: b
        continue: true
        routes:
          - match: {severity: critical}
            receiver: c
            group_interval: 30s
      - match: {currency: USD}
        group_by: []
    """,
    severities='[{name: critical, when: {fraud_probability: ">=0.95"}}]',
)
HOLDER = """\
version: 1
receivers:
  - {name: a, email: [a@bank.example]}
  - {name: holder, account_holder: [sms, email], template: holder, locale: de}
  - {name: ops, sms: ["+15550100"], email: [ops@bank.example]}
operators: ops
route:
  receiver: holder
  routes:
    - match: {account.segment: desk}
      receiver: a
"""
TWICE = """\
version: 1
receivers:
  - {name: a, email: [a@bank.example]}
  - {name: b, email: [a@bank.example]}
route:
  routes:
    - {receiver: a, continue: true}
    - {receiver: b, continue: true}
    - {receiver: a, group_by: []}
"""


def receivers(*, severity: str = "critical", **changed: Any) -> list[tuple[str, str]]:
    return [(one.receiver, one.route) for one in destinations(rules_of(TREE), alert(severity=severity, **changed))]


def test_the_deepest_route_that_matches_decides() -> None:
    assert receivers(amount=2000.0) == [("c", "route/routes/0/routes/0")]
    assert receivers(amount=2000.0, severity="low") == [("b", "route/routes/0")]


def test_the_root_is_told_of_what_no_route_takes() -> None:
    assert receivers(amount=1.0) == [("a", "route")]
    assert receivers(amount=None) == [("a", "route")]


def test_siblings_after_a_match_are_asked_only_with_continue() -> None:
    assert receivers(amount=2000.0, currency="USD") == [("c", "route/routes/0/routes/0"), ("a", "route/routes/1")]
    without = rules_of(TREE.replace("continue: true", "continue: false"))
    told_now = destinations(without, alert(severity="critical", amount=2000.0, currency="USD"))

    assert [one.receiver for one in told_now] == ["c"]


def test_receiver_and_grouping_are_inherited_one_by_one() -> None:
    c, a = destinations(rules_of(TREE), alert(severity="critical", amount=2000.0, currency="USD"))

    assert (c.grouping.by, c.grouping.interval_s) == (("account_id", "currency"), 30.0)
    assert (a.receiver, a.grouping.by, a.grouping.interval_s) == ("a", (), 600.0)


def test_a_recipient_that_several_routes_name_is_told_once() -> None:
    rules = rules_of(TWICE)
    result = told(rules, alert())

    assert [(one.receiver, one.route) for one in result.destinations] == [("a", "route/routes/0")]
    assert [one.route for one in result.repeated] == ["route/routes/1", "route/routes/2"]


def test_the_account_holder_is_told_at_the_account_s_addresses_in_the_holder_s_language() -> None:
    known = Account(locale="fr", phone="+33123456789", email="holder@mail.example")
    sms, email = destinations(rules_of(HOLDER), alert(account=known))

    assert (sms.channel, sms.recipient.address, sms.recipient.locale) == ("sms", "+33123456789", "fr")
    assert (email.channel, email.recipient.address, email.template) == ("email", "holder@mail.example", "holder")
    (only,) = destinations(rules_of(HOLDER), alert(account=Account(phone="+33123456789")))
    assert (only.channel, only.recipient.locale) == ("sms", "de")


@pytest.mark.parametrize(
    ("account_id", "account", "why"),
    [
        (None, UNKNOWN, UntoldReason.NO_ACCOUNT),
        (ACCOUNT, UNKNOWN, UntoldReason.UNKNOWN_ACCOUNT),
        (ACCOUNT, Account(segment="private"), UntoldReason.NO_ADDRESS),
    ],
)
def test_a_holder_without_an_address_is_an_outcome_and_no_error(
    account_id: str | None, account: Account, why: UntoldReason
) -> None:
    result = told(rules_of(HOLDER), alert(account=account, account_id=account_id))

    assert result.destinations == ()
    assert [(one.channel, one.reason, one.route) for one in result.untold] == [
        ("sms", why, "route"),
        ("email", why, "route"),
    ]


def test_every_route_says_what_came_of_it() -> None:
    rules = rules_of(TREE.replace("continue: true", "continue: false"))
    shown = alert(severity="low", amount=2000.0)

    assert [(one.route.path, one.outcome, reason(one, shown)) for one in explained(rules, shown)] == [
        ("route", Outcome.PASSES, "it takes every alert; a route below takes it"),
        ("route/routes/0", Outcome.TELLS, "amount is 2000.0 (>=1000); no route below does"),
        ("route/routes/0/routes/0", Outcome.DIFFERS, "severity is low, not critical"),
        ("route/routes/1", Outcome.NOT_ASKED, "route/routes/0 matched, and does not say continue"),
    ]


def test_reasons_hold_no_account_number() -> None:
    rules = rules_of(
        with_routes(
            """
            receiver: a
            routes:
              - {receiver: b, match: {account_id: DE02120300000000202051}}
              - {receiver: c, match: {amount: 1}}
            """
        )
    )
    said = [reason(one, alert()) for one in explained(rules, alert())]

    assert said[1] == "account_id is ****3000, not ****2051"


def test_without_a_file_one_receiver_is_told_of_everything_by_account() -> None:
    rules = rules_without_a_file({"sms": [Recipient("+15550100")], "email": [Recipient("a@b.example")]})
    first, second = destinations(rules, alert())

    assert (first.receiver, first.channel, second.channel) == ("default", "sms", "email")
    assert first.grouping.by == ("account_id",)
    assert first.template == "analyst"
