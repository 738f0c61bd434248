"""The routing file, read: what becomes of it, and every problem with its line and column."""

from __future__ import annotations

import pytest

from alerting.alert import FIELDS
from alerting.limits import Window
from alerting.routing.file import read_rules
from alerting.routing.places import Place
from tests.alerting.routing_files import ALL, EXAMPLE, MAIL, PHONE, problems_in, rules_of, with_routes

WRONG = f"""\
version: 2
severities:
  - name: critical
    when: {{fraud_probability: ">=1.5", amuont: ">=1000"}}
  - when: {{severity: high}}
recievers: []
receivers:
  - name: desk
    locale: english!
    email: [no-address, {{to: {MAIL}, local: de}}]
    sms: ["{PHONE}123456", {PHONE.removeprefix("+")}, "+99912345678"]
    webhook: ["https://cases.bank.example/hook", {{to: "https://user:pw@bank.example", secret: whsec_bm8=}}]
    sns: [arn:aws:sqs:eu-central-1:123456789012:x]
  - name: nobody
  - name: holder
    account_holder: [webhook]
    template: holder
    templte: holder
route:
  receiver: desk
  match: {{}}
  group_by: [acount_id]
  group_interval: 5 minutes
  routes:
    - match:
        amount: [100, {{from: 1}}]
        currency:
        account.country: []
      continue: maybe
      receiver: holder
      receiver: nobody
limits:
  sms: [5/15m, 0/1m, 5 in 15m]
  email: 5/15m
  storm: 1/0s
"""


def test_the_example_is_read_whole() -> None:
    rules = rules_of(EXAMPLE.read_text())

    assert [band.name for band in rules.severities] == ["critical", "high"]
    assert [receiver.name for receiver in rules.receivers] == ["fraud-desk", "on-call", "lake", "holder"]
    desk, on_call, _, holder = rules.receivers
    assert [(one.channel, one.recipient.address, one.recipient.locale) for one in desk.targets] == [
        ("email", "desk@bank.example", "en"),
        ("email", "berlin@bank.example", "de"),
        ("webhook", "https://cases.bank.example/hook", "en"),
    ]
    assert desk.targets[2].recipient.options == {"secret": "cases"}
    assert on_call.targets[0].recipient.address == PHONE
    assert (list(holder.holder), holder.template) == (["sms", "email"], "holder")
    assert rules.limits == {
        "sms": (Window(1, 60), Window(5, 900), Window(11, 3_600), Window(21, 10_800)),
        "provider/sms": (Window(60, 60),),
    }
    assert rules.operators == "on-call"
    assert rules.storm == (Window(300, 60),)
    assert rules.route is not None
    critical = rules.route.routes[1]
    assert (critical.path, critical.receiver, critical.goes_on) == ("route/routes/1", "on-call", True)
    assert (critical.grouping.by, critical.grouping.interval_s) == (("account_id",), 900.0)


def test_everything_that_is_wrong_is_told_at_once_with_its_place() -> None:
    assert [str(problem) for problem in read_rules(WRONG).problems] == [
        "1:10: this program reads version 1 alone: write version: 1",
        "4:31: >=1.5 matches nothing: fraud_probability goes from 0 to 1",
        "4:40: an alert has no key 'amuont': the nearest that exists is 'amount'",
        "5:5: a severity without a name: write name: NAME",
        f"5:12: an alert has no key 'severity': there are {', '.join(sorted(FIELDS.keys() - {'severity'}))}",
        "6:1: the file has no key 'recievers': the nearest that exists is 'receivers'",
        "9:13: this is no language: write one such as en or de-AT",
        "10:13: this is no mail address: write one such as desk@bank.example",
        "10:53: a recipient of 'email' has no key 'local': the nearest that exists is 'locale'",
        "11:11: this is no phone number: write + and the country's code, such as +15550100, in quotes",
        "11:35: this is no phone number: write + and the country's code, such as +15550100, in quotes",
        "11:50: this is no phone number: write + and the country's code, such as +15550100, in quotes",
        "12:15: nothing signs what is sent there: write {to: URL, secret: NAME}",
        "12:55: this is no URL: write https://HOST/PATH, without user and password",
        "12:95: this is no secret's name: put the secret into the settings, and its name here",
        "13:11: this is no ARN of a topic: write arn:aws:sns:REGION:ACCOUNT:TOPIC",
        "14:5: a receiver with nobody in it: write a channel and its recipients, or account_holder",
        "16:22: nobody knows a holder's address there: there are email, sms",
        "18:5: a receiver has no key 'templte': the nearest that exists is 'template'",
        "21:3: the root has no key 'match': there are group_by, group_interval, receiver, routes",
        "22:14: there is no such field: the nearest that exists is 'account_id'",
        "23:19: this is no duration of a year at most: write one such as 30s, 5m, 2h or 7d",
        "26:23: a condition is a text, a number, or a list of these",
        "27:18: a condition is missing here; write null for alerts that have nothing there",
        "28:26: an empty list matches nothing: write a value, or leave the condition out",
        "29:17: continue is true or false",
        "31:7: a key 'receiver' stands in line 30 already: write it once",
        "33:16: this is no limit that lets something pass: write one such as 5/15m",
        "33:22: this is no limit that lets something pass: write one such as 5/15m",
        "34:10: limits are written as a list",
        "35:10: this is no limit that lets something pass: write one such as 5/15m",
    ]


def test_problems_quote_neither_people_nor_secrets() -> None:
    said = "\n".join(problems_in(WRONG))

    for private in (MAIL, PHONE.removeprefix("+"), "no-address", "user:pw", "whsec_", "bm8"):
        assert private not in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty: write version, receivers and route"),
        ("# nothing\n", "1:1: the file is empty"),
        ("- a\n- b\n", "1:1: the file is written as KEY: VALUE lines"),
        ("version: [1,\nroute: x\n", "3:1: no YAML: "),
        ("version: 'x", "1:12: no YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("version: 1\n\troute: x\n", "2:1: no YAML: while scanning for the next token, found character '\\t'"),
        ("version: 1\n---\nversion: 1\n", "2:1: no YAML: expected a single document"),
        ("version: 1\nroute: \x07\n", "2:8: no YAML: a control character"),
        ("version: &v 1\nroute: *v\n", "2:8: aliases are not read here: write it out"),
        ("a: &a [*a]\n", "1:8: aliases are not read here"),
        ("version: !!python/object/apply:os.system [ls]\n", "1:10: tags are not read here"),
        ("a: " + "[" * 5_000, "1:43: nested more than 40 deep"),
        ('version: 1\nname: "\\UFFFFFFFF"', "2:8: no YAML: there is no such character"),
        ('version: 1\n# é\nname: "é\\U00110000"', "3:9: no YAML: there is no such character"),
        ('version: 1\nname: "\\ud800"', "2:7: half a character (\\ud800 to \\udfff): write the character itself"),
        ("#" * 1_000_001, "1:1: the file has more than 1000000 characters"),
        ("? [a, b]\n: c\n", "1:3: a key is one word"),
    ],
)
def test_what_is_no_such_yaml_is_refused_at_its_place(text: str, problem: str) -> None:
    assert any(one.startswith(problem) for one in problems_in(text)), problems_in(text)


def test_what_must_be_there_is_missed() -> None:
    assert problems_in("limits: {}\n") == [
        "1:1: receivers is missing",
        "1:1: route is missing",
        "1:1: version is missing",
    ]


@pytest.mark.parametrize("key", [f'"{PHONE}"', MAIL, "DE89370400440532013000"])
def test_a_key_that_may_be_an_address_is_not_quoted(key: str) -> None:
    said = problems_in(f"version: 1\n{key}: 1\n{key}: 2\nreceivers: [{{name: a, {key}: b}}]\nroute: {{receiver: a}}\n")

    assert len([one for one in said if "of that name" in one]) == 3
    assert key.strip('"') not in "\n".join(said)


def test_words_are_taken_as_they_are_written() -> None:
    rules = rules_of(
        "version: 1\nreceivers: [{name: on, email: [a@b.example]}]\nroute:\n  routes:\n"
        "  - match: {account.country: NO, account_id: 0012, model.version: 1.10, account.segment: null}\n"
        "    receiver: on\n  - receiver: on\n"
    )
    assert rules.route is not None
    match = rules.route.routes[0].match

    assert [said.alternatives for said in match.values()] == [("NO",), ("0012",), ("1.10",), (None,)]
    assert rules.receivers[0].name == "on"


def test_a_recipient_that_stands_there_twice_is_found() -> None:
    text = f"version: 1\nreceivers:\n- name: a\n  email:\n  - {MAIL}\n  - to: {MAIL}\nroute: {{receiver: a}}\n"

    assert problems_in(text) == ["6:9: the same recipient stands in line 5 already"]


def test_a_bank_s_own_channel_takes_texts_and_options() -> None:
    text = "version: 1\nreceivers: [{name: a, pager: [x7, {to: y, tone: loud}]}]\nroute: {receiver: a}\n"
    read = read_rules(text)

    assert read.problems == ()
    assert [(one.recipient.address, one.recipient.options) for one in read.rules.receivers[0].targets] == [
        ("x7", {}),
        ("y", {"tone": "loud"}),
    ]
    assert read.rules.receivers[0].channels == {"pager": Place(2, 23)}
    assert problems_in(text, ALL)[0].startswith("2:23: channel 'pager' is not configured")


def test_no_cut_of_the_example_breaks_the_reader() -> None:
    text = EXAMPLE.read_text()
    for end in range(0, len(text), 7):
        for one in problems_in(text[:end]):
            assert not any(private in one for private in ("berlin@", PHONE, "cases.bank"))


def test_aliases_and_tags_are_all_listed_and_the_rest_is_checked_as_if_they_were_written_out() -> None:
    text = (
        "version: 1\n"
        "receivers: [{name: a, email: &desk [a@bank.example]}, {name: b, email: *desk}]\n"
        "severities: [{name: high, when: &high {amount: !!int '>=5', amuont: 6}}, {name: mid, when: *high}]\n"
        "route: {receiver: a, routes: [{receiver: b, match: {amount: 1}, group_by: *nix}, "
        "{receiver: c, match: {amount: 2}}]}\n"
    )

    assert problems_in(text) == [
        "2:72: aliases are not read here: write it out",
        "3:48: tags are not read here: leave it out",
        "3:61: an alert has no key 'amuont': the nearest that exists is 'amount'",
        "3:92: aliases are not read here: write it out",
        "4:75: aliases are not read here: write it out",
        "4:93: there is no receiver 'c': there are a, b",
    ]


def test_aliases_make_no_large_file_of_a_small_one() -> None:
    laughs = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 20))
    said = problems_in(f"l0: &l0 [x, x]\n{laughs}version: 1\nreceivers: *l19\nroute: *l18\n")

    assert sum("aliases are not read here" in one for one in said) == 19 * 9 + 2


def test_every_alternative_of_a_condition_is_told_of_at_its_own_place() -> None:
    text = with_routes(
        """\
        receiver: a
        routes:
        - {receiver: b, match: {account.country: [DE, Germany, austria, {x: y}], amount: [5, x, y]}}
        - {receiver: c, match: {amount: 6}}
        """
    )

    assert problems_in(text) == [
        "10:49: this is no code of a country: write two capital letters, such as DE",
        "10:58: this is no code of a country: write two capital letters, such as DE",
        "10:67: a condition is a text, a number, or a list of these",
        "10:88: amount holds numbers, and 'x' is none: write a number, >=5, <5, !=5, or 100..500",
        "10:91: amount holds numbers, and 'y' is none: write a number, >=5, <5, !=5, or 100..500",
    ]


@pytest.mark.parametrize("route", ["[]", "x", "{receiver: }", "{receiver: [a]}"])
def test_a_root_that_cannot_be_read_is_told_of_once(route: str) -> None:
    text = f"version: 1\nreceivers: [{{name: a, sms: ['{PHONE}'], email: [{MAIL}]}}]\nroute: {route}\n"

    said = problems_in(text)
    assert [one for one in said if "no route names" not in one] == [said[-1]]


def test_a_recipient_that_stands_there_twice_hides_nothing() -> None:
    text = (
        "version: 1\nreceivers:\n- name: a\n  webhook:\n  - {to: 'https://x.example/', secret: cases}\n"
        "  - {to: 'https://x.example/', secret: nope}\nroute: {receiver: a}\n"
    )

    assert problems_in(text) == [
        "6:10: the same recipient stands in line 5 already",
        "6:10: the settings have no secret of the name that stands here: there are cases",
    ]
