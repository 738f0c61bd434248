"""Operators are told, through the other channels, of one that stands still until somebody mends it (no I/O)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from alerting.attempts import Attempt
from alerting.delivery import ChannelStopped
from alerting.ledger.entries import Delivery
from alerting.notices import OPERATOR, notice, page_id
from alerting.policies import ChannelPolicy, Routes

_EVERY: Final = timedelta(hours=1)


class Paging:
    """Pages operators, not more often than once an hour for the same channel. Used by one thread.

    Args:
        routes: Say who they are.
        policies: Of each channel.
        name: The worker's.
    """

    def __init__(self, routes: Routes, policies: Mapping[str, ChannelPolicy], *, name: str) -> None:
        self._routes = routes
        self._policies = policies
        self._name = name
        self._paged: dict[str, datetime] = {}

    def pages(self, attempt: Attempt, failure: ChannelStopped, now: datetime) -> Iterator[Delivery]:
        """What operators are told.

        Args:
            attempt: That found the channel standing still.
            failure: Why it does.
            now: With a zone.
        """
        stopped, verdict = attempt.delivery.channel, attempt.delivery.verdict
        last = self._paged.get(stopped)
        if verdict is None or (last is not None and last <= now < last + _EVERY):
            return
        self._paged[stopped] = now
        about = page_id(stopped, self._name, now)
        fields = {"channel": stopped, "reason": failure.reason.value, "detail": failure.message}
        for one in self._routes.operators():
            if one.channel != stopped:
                life = now + self._policies[one.channel].life
                page = notice(about, verdict, one, group=None, now=now, expires_at=life)
                yield replace(page, transaction_id=None, template=OPERATOR, fields=fields)
