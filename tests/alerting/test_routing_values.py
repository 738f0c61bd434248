"""Sets of values obey the laws of sets, and hold what they say."""

from __future__ import annotations

import math
import random
from itertools import product

from alerting.routing.values import (
    ALL_NUMBERS,
    ALL_TEXTS,
    EVERYTHING,
    MISSING,
    NOTHING,
    Values,
    between,
    number,
    texts,
)

SAMPLES = [None, "a", "b", "c", "", -math.inf, -1.0, 0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf]


def some(chance: random.Random) -> Values:
    """A set made of a few others."""
    parts = [
        between(
            chance.choice([-1, 0, 1, 2]),
            chance.choice([0, 1, 2, 3]),
            with_low=chance.random() < 0.5,
            with_high=chance.random() < 0.5,
        ),
        number(chance.choice([0, 1, 2])),
        texts(chance.sample("abc", chance.randrange(3))),
        MISSING,
    ]
    made = NOTHING
    for part in chance.sample(parts, chance.randrange(4)):
        made |= part
    return made.complement() if chance.random() < 0.3 else made


def test_what_sets_make_holds_what_logic_says() -> None:
    chance = random.Random(7)
    for _ in range(500):
        one, other = some(chance), some(chance)
        for value in SAMPLES:
            assert (value in one | other) == (value in one or value in other)
            assert (value in one & other) == (value in one and value in other)
            assert (value in one.complement()) == (value not in one)


def test_sets_with_the_same_values_are_equal() -> None:
    chance = random.Random(8)
    for _ in range(500):
        one, other = some(chance), some(chance)
        assert one.complement().complement() == one
        assert one | other == other | one
        assert (one | other).complement() == one.complement() & other.complement()
        assert (one & other.complement()) | (one & other) == one
        assert not one & one.complement()
        assert one | one.complement() == EVERYTHING


def test_ends_are_in_it_or_not() -> None:
    for with_low, with_high in product((True, False), repeat=2):
        span = between(1, 2, with_low=with_low, with_high=with_high)
        assert (1 in span, 1.5 in span, 2 in span, 0.5 in span) == (with_low, True, with_high, False)


def test_ranges_that_touch_become_one() -> None:
    assert between(0, 1) | between(1, 2, with_low=False) == between(0, 2)
    assert between(0, 1, with_high=False) | between(1, 2, with_low=False) != between(0, 2)


def test_only_what_holds_something_is_true() -> None:
    assert not NOTHING
    assert not between(2, 1)
    assert not between(1, 1, with_high=False)
    assert not texts([])
    assert all((MISSING, ALL_TEXTS, ALL_NUMBERS, EVERYTHING, number(0), texts([""])))
