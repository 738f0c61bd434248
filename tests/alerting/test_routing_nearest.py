"""Names and values in the words of problems."""

from __future__ import annotations

import pytest

from alerting.routing.nearest import hint, presentable, quoted


def test_the_nearest_name_is_named_and_else_all_but_those_that_may_be_somebody_s() -> None:
    assert hint("desl", ["desk", "ops"]) == "the nearest that exists is 'desk'"
    assert hint("x", ["desk", "4915112345678", "ops"]) == "there are desk, ops and 1 more"
    assert hint("4915112345679", ["4915112345678"]) == "there are 1, of names that are not repeated here"
    assert hint("x", []) == "there are none"
    assert hint("?", [f"n{i:02}" for i in range(25)]).endswith("n19 and 5 more")


@pytest.mark.parametrize("name", ["a@b.example", "whsec_abc", "https://x", "DE8937", "x\ny", "\x1b[31m", "x" * 41, ""])
def test_what_is_no_name_is_not_repeated(name: str) -> None:
    assert quoted(name) == "of that name"


@pytest.mark.parametrize("name", ["fraud-desk", "Köln Süd", "a.b_c", "n20"])
def test_what_is_a_name_is(name: str) -> None:
    assert quoted(name) == f"'{name}'"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("max@bank.example", "****"),
        ("whsec_abc", "****"),
        ("+49 151 1234567", "****4567"),
        ("x\ny", "x?y"),
        ("much", "much"),
        ("z" * 100, "z" * 57 + "..."),
    ],
)
def test_a_value_is_shown_as_far_as_it_is_nobody_s(value: str, shown: str) -> None:
    assert presentable(value) == shown
