from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from model.simulation_plan import SimulationPlan


def test_the_default_plan_can_be_carried_out() -> None:
    assert SimulationPlan().mistakes() == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"customers": 0}, "customers=0"),
        ({"terminals": -1}, "terminals=-1"),
        ({"days": 0}, "days=0"),
        ({"customers": 1_000_000}, "1000000 customers or terminals for 90 days"),
        ({"terminals": 1_000_000}, "1000000 customers or terminals for 90 days"),
        ({"radius": -0.1}, "radius=-0.1"),
        ({"radius": float("nan")}, "radius=nan"),
        ({"radius": float("inf")}, "radius=inf"),
        ({"amount_limit": 0.5}, "amount_limit=0.5"),
        ({"over_limit_rate": 1.1}, "over_limit_rate=1.1"),
        ({"terminal_compromise_rate": -0.1}, "terminal_compromise_rate=-0.1"),
        ({"card_compromise_rate": float("nan")}, "card_compromise_rate=nan"),
        ({"start": date(1969, 12, 31)}, "start=1969-12-31"),
        ({"start": date(9999, 12, 1)}, "90 days from 9999-12-01"),
    ],
)
def test_what_cannot_be_carried_out_is_named(changed: dict[str, Any], named: str) -> None:
    (mistake,) = replace(SimulationPlan(), **changed).mistakes()
    assert mistake.startswith(named)


def test_every_mistake_is_named() -> None:
    assert len(SimulationPlan(customers=0, days=0, radius=-1.0, card_compromise_rate=2.0).mistakes()) == 4
