"""Conditions: what they accept, and which are refused."""

from __future__ import annotations

import math

import pytest

from alerting.accounts import Account
from alerting.alert import FIELDS
from alerting.routing.domains import DOMAINS, comparable
from alerting.routing.matching import ConditionUnclear, condition, failing, matches, shown
from tests.alerting.told_of import alert
from tests.alerting.verdicts import ACCOUNT

LATE = "2026-01-31T23:59:59.999999+00:00"


@pytest.mark.parametrize(
    ("name", "alternatives", "accepted", "refused"),
    [
        ("amount", ["5"], [5, 5.0], [4.999, None]),
        ("amount", [">=5"], [5, 6], [4.999, None]),
        ("amount", ["> 5"], [5.001], [5, None]),
        ("amount", ["<=5"], [5, -6], [5.001, None]),
        ("amount", ["<5"], [4.999], [5, None]),
        ("amount", ["!=5"], [4, 6, None], [5]),
        ("amount", ["100..500"], [100, 250.5, 500], [99.99, 500.01, None]),
        ("amount", ["-5..-1.5"], [-5, -2], [0, -1]),
        ("amount", ["1e3"], [1000], [1]),
        ("amount", [">=5", "<3"], [6, 2], [3, 4, None]),
        ("amount", [None, "<3"], [None, 2], [3]),
        ("account.country", ["DE"], ["DE"], ["de", "AT", None]),
        ("account.country", ["DE", "AT"], ["DE", "AT"], ["CH", None]),
        ("account.country", ["!=DE"], ["AT", None], ["DE"]),
        ("account.segment", [None], [None], ["private"]),
        ("account_id", ["0012"], ["0012"], ["12", None]),
        ("account.segment", ["a b"], ["a b"], ["a", "b"]),
        ("source.partition", [">2", "0"], [0, 3], [1, 2]),
        ("event_time", ["2026-01-31T23:05:05Z"], ["2026-01-31T23:05:05+00:00", "2026-02-01T00:05:05+01:00"], [LATE]),
        ("event_time", ["2026-01-31"], ["2026-01-31T00:00:00+00:00", LATE], ["2026-02-01T00:00:00+00:00"]),
        ("event_time", ["<=2026-01-31"], [LATE], ["2026-02-01T00:00:00+00:00"]),
        ("event_time", [">2026-01-31"], ["2026-02-01T00:00:00+00:00"], [LATE]),
        ("event_time", ["<2026-01-31"], ["2026-01-30T23:59:59+00:00"], [LATE]),
        ("event_time", [">=2026-01-31T23:59:59.5+00:00"], [LATE], ["2026-01-31T23:59:59+00:00"]),
        ("event_time", ["2026-01-01..2026-01-31"], ["2026-01-01T00:00:00+00:00", LATE], ["2026-02-01T00:00:00+00:00"]),
        ("event_time", ["!=2026-01-31"], ["2026-02-01T00:00:00+00:00"], [LATE]),
    ],
)
def test_a_condition_accepts_what_it_says(
    name: str, alternatives: list[str | None], accepted: list[object], refused: list[object]
) -> None:
    said = condition(name, alternatives)

    assert all(said.holds(comparable(name, value)) for value in accepted)  # type: ignore[arg-type]
    assert not any(said.holds(comparable(name, value)) for value in refused)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "alternatives", "problem"),
    [
        ("amount", [], "an empty list matches nothing"),
        ("amount", ["much"], "amount holds numbers, and 'much' is none: write a number"),
        ("amount", [">="], "amount holds numbers, and '' is none"),
        ("amount", ["nan"], "'nan' is none"),
        ("amount", ["1e999"], "'1e999' is none"),
        ("amount", ["1_000"], "'1_000' is none"),
        ("amount", ["١٢"], "is none"),
        ("amount", ["500..100"], "500..100 is a range with nothing in it: write the lower end first"),
        ("amount", ["1..2..3"], "'2..3' is none"),
        ("amount", [""], "an empty text matches nothing"),
        ("amount", [">=3", "<5"], "one of these always holds"),
        ("account.country", ["!=DE", "!=AT"], "one of these always holds"),
        ("account.country", ["de"], "two capital letters"),
        ("account.country", [">=DE"], "account.country holds texts, which >= does not compare"),
        ("fraud_probability", [">1"], ">1 matches nothing: fraud_probability goes from 0 to 1"),
        ("fraud_probability", ["95"], "95 matches nothing"),
        ("fraud_probability", [">=0.5", "2..3"], "2..3 matches nothing"),
        ("source.partition", ["<0"], "matches nothing"),
        ("transaction_id", [None], "transaction_id always has a value: leave null out"),
        ("source.partition", ["1.5"], "source.partition holds whole numbers, and '1.5' is none"),
        ("source.partition", ["1.2..1.8"], "source.partition holds whole numbers, and '1.2' is none"),
        ("currency", ["E" * 17], "currency never has more than 16 characters"),
        ("account_id", ["x" * 513], "account_id never has more than 512 characters"),
        ("account.segment", ["!=" + "x" * 101], "account.segment never has more than 100 characters"),
        ("currency", ["EUR\n"], "a line break or control character stands in it"),
        ("account.locale", ["german!"], "this is no language"),
        ("currency", ["==EUR"], "= is no operator here"),
        ("currency", ["=~EUR|USD"], "= is no operator here"),
        ("currency", ["~EUR"], "~ is no operator here"),
        ("currency", ["! =EUR"], "! is no operator here"),
        ("currency", ["!=~EUR"], "~ is no operator here"),
        ("currency", ["!=null"], "!=null would match nothing-there too: let an earlier rule with null take"),
        ("amount", ["!= null"], "!=null would match nothing-there too"),
        ("event_time", ["2026-01-31T12:00:00"], "event_time holds moments, and '****0000' is none"),
        ("event_time", ["yesterday"], "event_time holds moments, and 'yesterday' is none: write a day of UTC, such as"),
        ("event_time", ["2026-02-01..2026-01-31"], "is a range with nothing in it"),
        ("amuont", ["5"], "there is no field 'amuont': the nearest that exists is 'amount'"),
    ],
)
def test_what_nobody_can_mean_is_refused(name: str, alternatives: list[str | None], problem: str) -> None:
    with pytest.raises(ConditionUnclear) as refusal:
        condition(name, alternatives)

    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("amount", ACCOUNT),
        ("amount", "max@bank.example"),
        ("fraud_probability", "4915112345678"),
        ("amount", "9" * 5_000),
        ("amount", f"{ACCOUNT}..{ACCOUNT}"),
        ("amount", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        (ACCOUNT, "1"),
    ],
)
def test_what_may_be_personal_is_not_repeated(name: str, said: str) -> None:
    with pytest.raises(ConditionUnclear) as refusal:
        condition(name, [said])

    assert len(str(refusal.value)) < 300
    assert name == ACCOUNT or said not in str(refusal.value)
    assert ACCOUNT not in str(refusal.value)


def test_one_alternative_may_take_all() -> None:
    assert condition("fraud_probability", [">=0"]).holds(0.3)


def test_all_conditions_must_hold_and_the_first_that_does_not_is_named() -> None:
    conditions = {
        "severity": condition("severity", ["high"]),
        "account.segment": condition("account.segment", ["private"]),
        "model.version": condition("model.version", ["1"]),
    }

    assert matches(conditions, alert(account=Account(segment="private")))
    assert failing(conditions, alert(account=Account(segment="private"))) is None
    assert failing(conditions, alert(severity="low", account=Account(segment="private"))) == "severity"
    assert failing(conditions, alert()) == "account.segment"
    assert matches({}, alert())


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_holds_what_its_domain_says(name: str) -> None:
    known = alert(account=Account(segment="private", country="DE", locale="de"))
    unknown = alert(account_id=None, amount=None, currency=None)

    value = comparable(name, known.value(name))
    assert value in DOMAINS[name]
    assert comparable(name, unknown.value(name)) in DOMAINS[name]
    assert bool(DOMAINS[name].numbers) == isinstance(value, int | float)


def test_account_numbers_are_shown_masked() -> None:
    said = condition("account_id", [f"!={ACCOUNT}"])

    assert shown("account_id", said) == "!=****3000"
    assert ACCOUNT not in repr(said)
    assert shown("account_id", condition("account_id", [ACCOUNT])) == "****3000"
    assert shown("amount", condition("amount", ["<3", None])) == "one of <3, nothing"


def test_a_probability_has_no_number_beyond_its_ends() -> None:
    assert math.inf not in DOMAINS["fraud_probability"]
