"""The section `alerts.slack`."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from alerting.channels.sections import Timeout, private, reachable
from stream.settings import Section


class SlackSettings(Section):
    """Slack's incoming webhooks. Their URLs are secrets: the routing file names them."""

    urls: dict[str, SecretStr] = Field(min_length=1, description="By the names that the routing file gives")
    timeout_s: Timeout = 10.0

    @field_validator("urls")
    @classmethod
    def _are_urls(cls, urls: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for url in urls.values():
            private(reachable(url.get_secret_value()))
        return urls
