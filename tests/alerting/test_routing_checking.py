"""Names that nothing has, and rules that nothing gets to."""

from __future__ import annotations

import random
from dataclasses import replace as replace_fields
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerting.accounts import Account
from alerting.alert import Alert
from alerting.routing.checking import Configured
from alerting.routing.file import read_rules
from alerting.routing.loading import RulesInvalid, RulesUnreadable, check_rules, load_rules
from alerting.routing.rules import Route
from alerting.routing.tree import Outcome, explained
from alerting.severity import with_severity
from tests.alerting.routing_files import ALL, EXAMPLE, notes_in, problems_in, with_routes
from tests.alerting.told_of import alert

BANDS = '[{name: critical, when: {fraud_probability: ">=0.9"}}, {name: high, when: {fraud_probability: ">=0.7"}}]'


def found(route: str, *, severities: str = BANDS) -> list[str]:
    """Problems without their places, of a tree that names a, b and c."""
    return [one.split(": ", 1)[1] for one in problems_in(with_routes(route, severities=severities))]


def test_nothing_is_wrong_with_the_example() -> None:
    assert problems_in(EXAMPLE.read_text()) == []


def test_receivers_are_held_against_routes() -> None:
    text = with_routes("receiver: fruad-desk\nroutes:\n- {receiver: a, match: {amount: 1}}\n").replace(
        "name: b", "name: a"
    )

    assert problems_in(text) == [
        "5:12: receiver 'a' stands in line 4 already: give it a name of its own",
        "6:12: no route names receiver 'c': add one, or take it out",
        "8:13: there is no receiver 'fruad-desk': there are a, c",
    ]


def test_what_the_settings_lack_is_named() -> None:
    text = EXAMPLE.read_text()
    said = "\n".join(
        problems_in(
            text,
            Configured(
                channels=frozenset({"email", "webhook"}),
                secrets=frozenset({"case"}),
                accounts=False,
                templates=frozenset({"analyst"}),
            ),
        )
    )

    assert "channel 'sms' is not configured in the settings: there are email, webhook" in said
    assert "channel 'sns' is not configured" in said
    assert "the settings have no secret of the name that stands here: there are case" in said
    assert "there is no template 'holder': there are analyst" in said
    assert "nothing is known of account.country without an accounts file" in said
    # The holder's, the limits' and the receiver's.
    assert said.count("channel 'sms'") == 3
    assert problems_in(text, Configured()) == []


def test_limits_of_a_channel_that_is_none_are_found() -> None:
    text = with_routes("receiver: a\nroutes:\n- {receiver: b, match: {amount: 1}}\n- {receiver: c, match: {amount: 2}}")

    assert problems_in(text + "limits:\n  emial: [1/1m]\n") == [
        "13:3: channel 'emial' is not configured in the settings: the nearest that exists is 'email'"
    ]


def paged(root: str, *, operators: str = "", also: str = "pager") -> list[str]:
    """What is said of who is paged, where desk, on-call, both, customer and one more are told."""
    text = f"""\
version: 1
receivers:
  - {{name: desk, email: [a@bank.example]}}
  - {{name: on-call, sms: ["+4915112345678"]}}
  - {{name: both, email: [b@bank.example], sms: ["+4915112345679"]}}
  - {{name: customer, account_holder: [sms], template: holder}}
  - {{name: pager, webhook: [{{to: "https://pager.example", secret: cases}}]}}
{operators}
route:
  receiver: {root}
  routes:
  - {{receiver: desk, match: {{amount: 1}}}}
  - {{receiver: on-call, match: {{amount: 2}}}}
  - {{receiver: both, match: {{amount: 3}}}}
  - {{receiver: customer, match: {{amount: 4}}}}
  - {{receiver: {also}, match: {{amount: 5}}}}
"""
    text = text.replace("receiver: nobody", "group_by: []")
    assert not [one for one in problems_in(text) if "paged" in one], "it stops no worker"
    return notes_in(text)


@pytest.mark.parametrize(
    ("root", "operators", "problem"),
    [
        ("desk", "on-call", "8:12: nobody is paged where 'sms' stands still: receiver 'on-call' has no other channel; "
         "give it people on another, such as 'email', 'webhook', or name other operators"),
        ("desk", "customer", "8:12: nobody is paged where a channel stands still: receiver 'customer' tells account "
         "holders alone; name one with people of the bank"),
        ("desk", None, "10:13: nobody is paged where 'email' stands still: receiver 'desk', the root's, has no other "
         "channel; give it people on another, such as 'sms', 'webhook', or name other operators"),
        ("customer", None, "10:13: nobody is paged where a channel stands still: receiver 'customer', the root's, "
         "tells account holders alone; name one with people of the bank"),
        ("nobody", None, "10:3: nobody is paged where a channel stands still: write operators: RECEIVER, one with "
         "people on two channels"),
    ],
)  # fmt: skip
def test_operators_who_could_not_be_paged_are_noted(root: str, operators: str | None, problem: str) -> None:
    assert paged(root, operators="" if operators is None else f"operators: {operators}") == [problem]


def test_operators_need_a_channel_besides_those_that_tell_of_frauds() -> None:
    assert paged("desk", operators="operators: both") == paged("both") == []
    assert paged("desk", operators="operators: pager", also="desk") == []


def test_of_one_channel_alone_nobody_is_asked_for_another() -> None:
    assert problems_in("version: 1\nreceivers: [{name: a, email: [a@bank.example]}]\nroute: {receiver: a}\n") == []


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        (
            "receiver: a\nroutes:\n- {receiver: b, match: {severity: hihg}}\n- {receiver: c, match: {amount: 1}}",
            "no band has severity 'hihg': the nearest that exists is 'high'",
        ),
        (
            "receiver: a\nroutes:\n- match: {amount: '>=500'}\n  receiver: b\n  routes:\n"
            "  - {receiver: c, match: {amount: '<300'}}",
            "no alert can match: amount is >=500 here already (line 10), and never <300",
        ),
        (
            "receiver: a\nroutes:\n- {match: {severity: critical, fraud_probability: '<0.5'}, receiver: b}\n"
            "- {match: {amount: 1}, receiver: c}",
            "no alert can match route/routes/0: no alert of that severity is like that",
        ),
        (
            "receiver: a\nroutes:\n- {match: {amount: '>=100'}, receiver: b}\n"
            "- {match: {amount: '>=500', currency: EUR}, receiver: c}",
            "no alert comes to route/routes/1: routes before it take all that it matches; move it up",
        ),
        (
            "routes:\n- {match: {amount: '<=100'}, receiver: a}\n- {match: {amount: '>100'}, receiver: b}\n"
            "- {match: {amount: null}, receiver: b}\n- {match: {currency: EUR}, receiver: c}",
            "no alert comes to route/routes/3",
        ),
        (
            "receiver: a\nroutes:\n- {receiver: b, continue: true}\n- {receiver: c, match: {amount: 1}}",
            "this receiver is never told by route: the routes below take all",
        ),
        (
            "receiver: a\nroutes:\n- {match: {severity: [critical, high]}, receiver: b}\n"
            "- {match: {severity: low}, receiver: c}",
            "this receiver is never told by route: the routes below take all",
        ),
        (
            "receiver: a\nroutes:\n- {match: {fraud_probability: '<0.3', threshold: '>0.5'}, receiver: b}\n"
            "- {match: {amount: 1}, receiver: c}",
            "no alert can match: a fraud's probability is its threshold at least",
        ),
        (
            "receiver: a\nroutes:\n- match: {threshold: '>=0.9'}\n  receiver: b\n  routes:\n"
            "  - {match: {fraud_probability: '<0.9'}, receiver: c}",
            "no alert can match: a fraud's probability is its threshold at least",
        ),
        (
            "receiver: a\nroutes:\n- {match: {account_id: null, account.segment: gold}, receiver: b}\n"
            "- {match: {amount: 1}, receiver: c}",
            "no alert can match: without an account there is no account.segment",
        ),
        (
            "routes:\n- {match: {amount: '>=5'}, receiver: a}\n- {match: {currency: EUR}, receiver: b}\n"
            "- {match: {currency: USD}, receiver: c}",
            "route has no receiver for alerts that no route below it takes: name one",
        ),
    ],
)
def test_what_nothing_gets_to_is_found(route: str, problem: str) -> None:
    said = found(route)

    assert len(said) == 1, said
    assert said[0].startswith(problem)


def test_bands_that_no_alert_falls_in_are_found() -> None:
    bands = '[{name: high, when: {fraud_probability: ">=0.7"}}, {name: critical, when: {fraud_probability: ">=0.9"}}]'
    tree = "receiver: a\nroutes:\n- {receiver: b, match: {amount: 1}}\n- {receiver: c, match: {amount: 2}}"

    assert found(tree, severities=bands) == [
        "no alert has severity 'critical': bands before it take all that it matches"
    ]
    twice = BANDS.replace("high", "critical")
    assert "severity 'critical' stands in line 2 already: give it a name of its own" in found(tree, severities=twice)


def test_a_band_that_is_called_as_alerts_in_none_are_is_noted() -> None:
    tree = "receiver: a\nroutes:\n- {receiver: b, match: {amount: 1}}\n- {receiver: c, match: {amount: 2}}"
    text = with_routes(tree, severities='[{name: low, when: {amount: ">5"}}]')

    assert problems_in(text) == []
    assert [one.partition(": ")[2] for one in notes_in(text)][:1] == [
        "an alert in no band is 'low' too: it is taken for one of this band"
    ]


def test_a_language_that_nothing_is_written_in_is_found() -> None:
    text = """\
version: 1
receivers:
  - {name: a, locale: xx, email: [a@bank.example, {to: b@bank.example, locale: de-AT}, {to: c@b.example, locale: nl}]}
route: {receiver: a}
"""

    assert problems_in(text, replace_fields(ALL, locales=frozenset({"de", "en"}))) == [
        "3:12: nothing is written in language 'xx': there are de, en",
        "3:93: nothing is written in language 'nl': there are de, en",
    ]
    assert problems_in(text.replace("xx", "en-GB").replace("nl", "EN"), ALL) == []


def test_a_band_that_no_fraud_can_fall_in_is_found() -> None:
    bands = '[{name: high, when: {fraud_probability: "<0.3", threshold: ">=0.3"}}]'
    tree = "receiver: a\nroutes:\n- {receiver: b, match: {amount: 1}}\n- {receiver: c, match: {amount: 2}}"

    assert found(tree, severities=bands) == [
        "no alert has severity 'high': a fraud's probability is its threshold at least"
    ]
    assert found(tree, severities=bands.replace("<0.3", "<=0.3")) == []


def test_what_the_accounts_file_has_no_column_for_is_found() -> None:
    text = with_routes(
        "receiver: a\nroutes:\n- {receiver: b, match: {account.country: DE, account.segment: gold}}\n"
        "- {receiver: c, match: {account.locale: de}}"
    )

    assert problems_in(text, replace_fields(ALL, columns=frozenset({"account_id", "segment"}))) == [
        "10:44: the accounts file has no column 'country': add it, or take this out"
    ]


def test_no_problem_repeats_a_person_a_secret_or_what_a_terminal_would_act_on() -> None:
    account, mail, secret = "DE89370400440532013000", "max@bank.example", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    text = f"""\
version: 1
receivers:
  - {{name: "4915112345678", email: [a@b.example]}}
  - {{name: {secret}, email: [b@b.example]}}
  - {{name: "x\\ny: 1:1: forged", email: [c@b.example]}}
  - {{name: "\\e[31mred", email: [d@b.example]}}
  - {{name: ok, email: [e@b.example]}}
  - {{name: ok, email: [f@b.example]}}
severities:
  - {{name: {mail}, when: {{amount: ">5"}}}}
  - {{name: +4915112345678, when: {{amount: ">50"}}}}
  - {{name: +4915112345678, when: {{amount: "<=5"}}}}
route:
  receiver: okk
  routes:
  - {{match: {{severity: {account}}}, receiver: ok}}
  - match: {{account.segment: {account}}}
    routes: [{{match: {{account.segment: {mail}}}, receiver: {account}}}]
operators: {mail}
"""
    said = problems_in(text)

    assert len(said) > 10
    for private in (account, mail, secret, "4915112345678", "2013000", "forged", "\n", "\x1b"):
        assert not any(private in one for one in said), private


def test_where_bands_take_all_nothing_is_low() -> None:
    bands = '[{name: high, when: {fraud_probability: ">=0"}}]'
    tree = "receiver: a\nroutes:\n- {receiver: b, match: {severity: low}}\n- {receiver: c, match: {amount: 2}}"

    assert found(tree, severities=bands) == [
        "no alert can match route/routes/0: no alert of that severity is like that"
    ]


def test_what_could_not_be_read_makes_no_further_complaint() -> None:
    broken = "receiver: a\nroutes:\n- {match: {amount: much}, receiver: b}\n- {match: {amount: '>5'}, receiver: c}"

    assert len(found(broken)) == 1


def _random_tree(chance: random.Random, depth: int = 0) -> str:
    pad = "  " * (2 * depth)
    lines = []
    for _ in range(chance.randrange(1, 4)):
        match = chance.choice(
            [
                "{}",
                "{amount: '>=100'}",
                "{amount: '<100'}",
                "{amount: '50..200', currency: EUR}",
                "{currency: [EUR, USD]}",
                "{currency: '!=EUR'}",
                "{severity: critical}",
                "{severity: ['!=critical', high]}",
                "{severity: high, fraud_probability: '<0.8'}",
                "{fraud_probability: '>=0.75', amount: null}",
            ]
        )
        lines.append(f"{pad}- match: {match}")
        lines.append(f"{pad}  receiver: {chance.choice('abc')}")
        lines.append(f"{pad}  continue: {chance.choice(['true', 'false'])}")
        if depth < 2 and chance.random() < 0.5:
            lines.append(f"{pad}  routes:")
            lines.append(_random_tree(chance, depth + 1))
    return "\n".join(lines)


# One alert of each kind that the conditions above can tell apart.
KINDS = [
    Alert(replace(alert().verdict, amount=amount, currency=currency, fraud_probability=probability), "", Account())
    for amount, currency, probability in product(
        (None, 10.0, 50.0, 99.0, 100.0, 200.0, 300.0), (None, "EUR", "USD", "CHF"), (0.1, 0.7, 0.75, 0.8, 0.9, 1.0)
    )
]


def _all(route: Route) -> list[Route]:
    return [route, *(one for child in route.routes for one in _all(child))]


def test_what_is_said_of_trees_is_what_becomes_of_alerts_in_them() -> None:
    chance = random.Random(11)
    said_so = 0
    for _ in range(150):
        text = with_routes(f"receiver: a\nroutes:\n{_random_tree(chance)}", severities=BANDS)
        checked = check_rules(text, ALL)
        rules = checked.rules
        assert rules.route is not None
        outcomes = [
            (one.route.path, one.outcome)
            for kind in KINDS
            for one in explained(rules, with_severity(kind, rules.severities))
        ]
        asked = {path for path, outcome in outcomes if outcome in (Outcome.TELLS, Outcome.PASSES)}
        telling = {path for path, outcome in outcomes if outcome is Outcome.TELLS}
        places = {problem.place for problem in checked.problems if "receiver '" not in problem.message}
        for route in _all(rules.route):
            is_refused = route.place in places or bool(set(route.match_places.values()) & places)
            # Below a route that is refused nothing more is said.
            above = route.path.rpartition("/routes/")[0]
            if above and above not in asked:
                continue
            assert is_refused == (route.path not in asked), (text, route.path)
            if route.path in asked:
                assert (route.receiver_place in places) == (route.path not in telling), (text, route.path)
            said_so += is_refused
    assert said_so > 50


def test_a_tree_that_could_take_long_is_checked_in_bounds() -> None:
    routes = "\n".join(
        f"- {{receiver: b, match: {{amount: '{low}..{low + 9}', fraud_probability: '0.{low % 89 + 10}..1', "
        f"threshold: '0..0.{low % 79 + 10}', source.partition: '<{low + 2}'}}}}"
        for low in range(150)
    )
    said = found(f"receiver: a\nroutes:\n{routes}\n- {{receiver: c, match: {{currency: EUR}}}}")

    assert not any("route/routes/150" in one for one in said)


def test_the_start_is_refused_with_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yml"
    file.write_text(with_routes("receiver: d"))
    with pytest.raises(RulesInvalid) as refusal:
        load_rules(file, ALL)
    assert "8:13: there is no receiver 'd': there are a, b, c; " not in str(refusal.value).partition("; ")[0]
    assert str(refusal.value).count(": no route names receiver") == 3
    assert "8:13: there is no receiver 'd'" in str(refusal.value)
    with pytest.raises(RulesUnreadable, match="cannot be read"):
        load_rules(file.with_name("nix"), ALL)
    for name in ("a\0b", "x" * 300):
        with pytest.raises(RulesUnreadable, match="cannot be read"):
            load_rules(file.with_name(name), ALL)
    file.write_bytes("# é\nversion: 1 # é".encode() + b"\xff\n")
    with pytest.raises(RulesUnreadable, match=r"alerts\.yml:2:15: this is not UTF-8"):
        load_rules(file, ALL)


def test_a_file_with_a_mark_of_its_order_of_bytes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yml"
    file.write_text(EXAMPLE.read_text(), encoding="utf-8-sig")

    assert load_rules(file, ALL) == read_rules(EXAMPLE.read_text()).rules
