"""What is to be simulated: how many customers and terminals, for how long, with how much fraud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from model.errors import Mendable

# Customers (or terminals) times days: about 20 million transactions, which fit into some 10 GB.
MOST_DAYS_LIVED = 10_000_000


class ImpossiblePlan(Mendable):
    """A simulation that cannot be run; every mistake is named at once."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("cannot simulate like this: " + "; ".join(mistakes), remedy="correct these values")


@dataclass(frozen=True)
class SimulationPlan:
    """The size and the rates of a simulation; the defaults give about 60,000 transactions, 1.5 % of them fraud.

    A customer makes two transactions a day on average.

    Attributes:
        customers: How many customers; each has one account.
        terminals: How many payment terminals.
        days: How many days, from `start` on.
        start: The first day, from midnight UTC.
        radius: Up to where customers shop; the country is a square of 100 by 100.
        amount_limit: In euros. No customer spends more at once; whoever does is a fraudster.
        over_limit_rate: Share of the transactions that are fraud over the limit.
        terminal_compromise_rate: Chance that a terminal is compromised, for each day.
        card_compromise_rate: Chance that a card is compromised, for each day.
    """

    customers: int = 350
    terminals: int = 600
    days: int = 90
    start: date = date(2026, 1, 1)
    radius: float = 10.0
    amount_limit: float = 220.0
    over_limit_rate: float = 0.003
    terminal_compromise_rate: float = 0.0003
    card_compromise_rate: float = 0.0009

    def mistakes(self) -> list[str]:
        """What keeps this plan from being carried out, one phrase each; empty if nothing does."""
        return [*self._sizes_amiss(), *self._calendar_amiss(), *self._rates_amiss()]

    def _sizes_amiss(self) -> list[str]:
        counts = {"customers": self.customers, "terminals": self.terminals, "days": self.days}
        amiss = [f"{name}={count} (at least 1)" for name, count in counts.items() if count < 1]
        if not amiss and (most := max(self.customers, self.terminals)) * self.days > MOST_DAYS_LIVED:
            amiss.append(f"{most} customers or terminals for {self.days} days (at most {MOST_DAYS_LIVED} in all)")
        lengths = {"radius": (self.radius, 0.0), "amount_limit": (self.amount_limit, 1.0)}
        for name, (length, least) in lengths.items():
            if not least <= length < float("inf"):
                amiss.append(f"{name}={length} (at least {least:g}, and finite)")
        return amiss

    def _calendar_amiss(self) -> list[str]:
        if self.start.year < 1970:
            return [f"start={self.start} (not before 1970-01-01)"]
        try:
            self.start + timedelta(days=self.days)
        except OverflowError:
            return [f"{self.days} days from {self.start} (ends after the year 9999)"]
        return []

    def _rates_amiss(self) -> list[str]:
        rates = {
            "over_limit_rate": self.over_limit_rate,
            "terminal_compromise_rate": self.terminal_compromise_rate,
            "card_compromise_rate": self.card_compromise_rate,
        }
        return [f"{name}={rate} (between 0 and 1)" for name, rate in rates.items() if not 0.0 <= rate <= 1.0]
