"""The section `alerts.pagerduty`."""

from __future__ import annotations

from pydantic import Field

from alerting.channels.sections import FilledSecret, PrivateUrl, Timeout
from stream.settings import Section


class PagerDutySettings(Section):
    """PagerDuty's Events API v2. Routing keys are secrets: the routing file names them."""

    routing_keys: dict[str, FilledSecret] = Field(min_length=1, description="By the names that the routing file gives")
    base_url: PrivateUrl = Field(
        default="https://events.pagerduty.com", description="Another address, such as a stand-in's"
    )
    timeout_s: Timeout = 10.0
