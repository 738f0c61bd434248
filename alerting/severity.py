"""How grave an alert is: the first band that it falls in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from alerting.alert import Alert
from alerting.routing.matching import Conditions, matches, satisfied
from alerting.routing.places import START, Place

# Of alerts that fall in no band.
LOWEST: Final = "low"


@dataclass(frozen=True, slots=True)
class Band:
    """A severity, and what alerts must be to have it.

    Attributes:
        name: The severity's.
        when: Conditions, none of them on the severity.
        place: Where its name stands in the file.
        when_places: Where each condition stands.
        whole: Whether all of `when` was understood.
    """

    name: str
    when: Conditions
    place: Place = START
    when_places: Mapping[str, Place] = field(default_factory=dict)
    whole: bool = True


def severity_of(alert: Alert, bands: Iterable[Band]) -> str:
    """The name of the first band that an alert falls in, whatever severity it has now."""
    return next((band.name for band in bands if matches(band.when, alert)), LOWEST)


def why_severe(alert: Alert, bands: Iterable[Band]) -> str:
    """Why an alert has its severity, for people; account numbers masked."""
    band = next((band for band in bands if matches(band.when, alert)), None)
    return "it falls in no band" if band is None else satisfied(band.when, alert) or "that band takes every alert"


def with_severity(alert: Alert, bands: Iterable[Band]) -> Alert:
    """The alert with the severity that it falls in."""
    return replace(alert, severity=severity_of(alert, bands))
