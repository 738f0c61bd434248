"""A digest: alerts that a group or a limit held back, to be told of together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerting.ledger.entries import Tally
from alerting.severity import LOWEST


@dataclass(frozen=True, slots=True)
class Digest:
    """What one digest tells; the same at every attempt.

    Attributes:
        id: The same at every attempt, and for every recipient.
        made_at: When it was decided on, with a zone.
        fields: What its alerts have in common, by the names of `alerting.alert.FIELDS`; none where a limit held
            them back.
        tally: Of the alerts.
        severity: The gravest of them.
    """

    id: str
    made_at: datetime
    fields: Mapping[str, str]
    tally: Tally
    severity: str = LOWEST
