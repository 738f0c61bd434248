"""Amounts, shares and times as a language writes them (pure). Whatever came through the stream can be written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from alerting.text import one_line
from alerting.words import FigureWords

_LONGEST_CURRENCY_SHOWN: Final = 8
# A double may have 300 digits.
_LONGEST_PLAIN: Final = 10**15
_MOST_SUMS_SHOWN: Final = 3


class Figures:
    """Figures in one language.

    Args:
        words: The language's.
    """

    def __init__(self, words: FigureWords) -> None:
        self._words = words
        self._separators = str.maketrans({",": words.thousands, ".": words.decimal})

    def number(self, value: float) -> str:
        """Six digits at most."""
        return f"{value:.6g}".translate(self._separators)

    def count(self, value: float) -> str:
        """Without a fraction."""
        return self._plain(value, digits=0)

    def figure(self, value: float | Decimal) -> str:
        """An amount without its currency."""
        return self._plain(value, digits=2)

    def percent(self, share: float) -> str:
        """A share of 1, to a tenth of a percent."""
        return self._words.percent.format(figure=f"{share * 100:.1f}".translate(self._separators))

    def points(self, share: float) -> str:
        """A difference of shares in percentage points: whole ones where there are ten or more."""
        points = share * 100
        return f"{points:.{0 if points >= 9.95 else 1}f}".translate(self._separators)

    def money(self, amount: float | Decimal | None, currency: str | None) -> str:
        """An amount with its currency, where these are known."""
        if amount is None:
            return self._words.amount_unknown
        if not currency:
            return self.figure(amount)
        shown = one_line(currency, _LONGEST_CURRENCY_SHOWN)
        return self._words.money.format(currency=shown, figure=self.figure(amount))

    def sums(self, sums: Mapping[str, str]) -> str:
        """The largest three of exact sums by currency, and how many more there are."""
        if not sums:
            return self._words.amount_unknown
        exact = sorted(((Decimal(total), currency) for currency, total in sums.items()), key=_largest_first)
        shown = ", ".join(self.money(total, currency) for total, currency in exact[:_MOST_SUMS_SHOWN])
        more = len(exact) - _MOST_SUMS_SHOWN
        return self._words.more_currencies.format(sums=shown, count=self.count(more)) if more > 0 else shown

    def moment(self, moment: datetime, timespec: str = "minutes") -> str:
        """A time in UTC, as far as that reaches.

        Args:
            moment: With a zone.
            timespec: As `datetime.isoformat` has it.
        """
        utc = _in_utc(moment)
        if utc is None:
            return moment.isoformat(" ", timespec)
        return self._words.moment.format(date=self._date(utc), clock=utc.time().isoformat(timespec))

    def span(self, first: datetime | None, last: datetime | None) -> str:
        """From the first to the last, the date once where it is the same; empty where there is none."""
        if first is None or last is None:
            return ""
        begin, end = _in_utc(first), _in_utc(last)
        if begin is None or end is None or begin.date() != end.date():
            return self._words.span.format(first=self.moment(first), last=self.moment(last))
        clocks = [moment.time().isoformat("minutes") for moment in (begin, end)]
        if clocks[0] == clocks[1]:
            return self.moment(first)
        return self._words.span_in_a_day.format(date=self._date(begin), first=clocks[0], last=clocks[1])

    def _plain(self, value: float | Decimal, *, digits: int) -> str:
        plain = -_LONGEST_PLAIN < value < _LONGEST_PLAIN
        return (f"{value:,.{digits}f}" if plain else f"{value:.6g}").translate(self._separators)

    def _date(self, moment: datetime) -> str:
        return self._words.date.format(year=f"{moment.year:04}", month=f"{moment.month:02}", day=f"{moment.day:02}")


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and the last hours that a datetime can hold
        return None


def _largest_first(summed: tuple[Decimal, str]) -> tuple[Decimal, str]:
    total, currency = summed
    return -total, currency
