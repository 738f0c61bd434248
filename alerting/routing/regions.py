"""Which alerts can get to a rule: conditions as regions, and what is left of one when others were cut out of it (pure).

A region is what each field may be; a field that it does not name may be anything. Nothing here guesses: where cutting
would take too long, more is said to be left than there is, and nobody hears of a rule that could match after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from alerting.routing.domains import DOMAINS
from alerting.routing.matching import Conditions
from alerting.routing.values import MISSING, Values, texts
from alerting.severity import LOWEST, Band

Region: TypeAlias = Mapping[str, Values]

ANYWHERE: Final[Region] = {}
_MOST_PIECES: Final = 2_000
# What is known of an account, and not of an alert without one; its language the transaction may say.
_OF_ACCOUNT: Final = ("account.segment", "account.country")


def region_of(conditions: Conditions) -> Region:
    """The alerts that satisfy conditions."""
    return {name: condition.accepted & DOMAINS[name] for name, condition in conditions.items()}


def shared(one: Region, other: Region) -> Region | None:
    """What is in both; None where nothing is."""
    both = {**one, **{name: values & one[name] if name in one else values for name, values in other.items()}}
    return both if all(both.values()) and contradiction(both) is None else None


def contradiction(region: Region) -> str | None:
    """Why no fraud is there, though each field by itself can be so; None where one can be."""
    probability, threshold = region.get("fraud_probability"), region.get("threshold")
    if probability and threshold and not threshold.numbers[0][0] < probability.numbers[-1][1]:
        return "a fraud's probability is its threshold at least"
    if region.get("account_id") == MISSING:
        for name in _OF_ACCOUNT:
            if name in region and not region[name].missing:
                return f"without an account there is no {name}"
    return None


def left_of(pieces: Iterable[Region], cut: Iterable[Region]) -> list[Region]:
    """What remains of regions, none of them empty, when others are cut out; in pieces that do not overlap."""
    left = list(pieces)
    for region in cut:
        if len(left) > _MOST_PIECES:
            break
        left = [rest for piece in left for rest in _without(piece, region)]
    return left


class Severities:
    """Which alerts have which severity.

    Args:
        bands: In the file's order.
    """

    def __init__(self, bands: Sequence[Band]) -> None:
        self._regions: dict[str, list[Region]] = {}
        left: list[Region] = [ANYWHERE]
        for band in bands:
            when = region_of(band.when)
            own = [both for piece in left if (both := shared(piece, when)) is not None]
            self._regions.setdefault(band.name, []).extend(own if band.whole else [ANYWHERE])
            if band.whole:
                left = left_of(left, [when])
        self._regions.setdefault(LOWEST, []).extend(left)

    @property
    def given(self) -> frozenset[str]:
        """Severities that some alert has."""
        return frozenset(name for name, regions in self._regions.items() if regions)

    @property
    def named(self) -> frozenset[str]:
        """Those that rules may name, whether some alert has them or not."""
        return frozenset(self._regions)

    def possible(self, region: Region) -> bool:
        """Whether an alert can be there, given that its other fields decide its severity."""
        return any(
            shared(region, {**part, "severity": texts([name])}) is not None
            for name, parts in self._regions.items()
            for part in parts
        )


def _without(piece: Region, cut: Region) -> list[Region]:
    """The piece without what it shares with another region: a part for each field that the other one narrows."""
    inside = shared(piece, cut)
    if inside is None:
        return [piece]
    parts: list[Region] = []
    within = dict(piece)
    for name, values in cut.items():
        whole = within.get(name, DOMAINS[name])
        outside = whole & values.complement()
        if outside:
            parts.append({**within, name: outside})
        within[name] = whole & values
    return parts
