"""Who is told, through what, and how patiently: the section `alerts` of the settings."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from alerting.acknowledge_settings import AcknowledgeSettings
from alerting.channels.email_settings import EmailSettings
from alerting.channels.pagerduty_settings import PagerDutySettings
from alerting.channels.sections import GivenPath
from alerting.channels.slack_settings import SlackSettings
from alerting.channels.sms_settings import SmsSettings
from alerting.channels.sns_settings import SnsSettings
from alerting.channels.webhook_settings import WebhookSettings
from stream.settings import Section

# A text message hours late is harm; a case can still be worked on tomorrow.
LIVES_S: Final = {"sms": 900.0}
LIFE_S: Final = 86_400.0
# Channels of this package, each with a section of its own.
BUILT_IN: Final = ("sms", "email", "sns", "webhook", "slack", "pagerduty")

Seconds = Annotated[float, Field(gt=0, le=30 * 86_400)]


class RetrySettings(Section):
    """How patiently a notice is tried, within its life, before it goes to the dead letters."""

    first_wait_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=0.5, description="Before the second attempt; then doubled, half of it left to chance"
    )
    longest_wait_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=30.0, description="Between two attempts, unless the provider asks for more"
    )
    attempts: PositiveInt | None = Field(default=None, description="At most; None leaves it to the notice's life")


class AlertSettings(Section):
    """A channel is configured where its section is present."""

    routes: GivenPath | None = Field(
        default=None, description="The routing file; without one the channels' own recipients are told of everything"
    )
    accounts: GivenPath | None = Field(default=None, description="What is known of accounts besides (CSV)")
    templates: GivenPath | None = Field(
        default=None, description="A bank's own templates, in front of the shipped ones"
    )
    group_id: str = Field(default="fraud-alerts", min_length=1)
    slot: NonNegativeInt = Field(default=0, description="Which of the group's workers this is; each needs its own")
    static_membership: bool = Field(
        default=True,
        description="The slot's partitions wait for its restart, as long as the session; false frees them at once",
    )
    gaps: Literal["stop", "skip"] = Field(
        default="stop", description="Verdicts that the broker deleted unread: stop with an error, or count and go on"
    )
    retry: RetrySettings = Field(default_factory=RetrySettings)
    life_s: dict[str, Seconds] = Field(
        default_factory=dict, description="By channel: a notice is of no use later. sms 900, others 86400"
    )
    most_waiting: PositiveInt = Field(
        default=20_000,
        description="Of a channel: what comes while as many of its notices wait is told of in digests. Bounds memory",
    )
    sms: SmsSettings | None = None
    email: EmailSettings | None = None
    sns: SnsSettings | None = None
    webhook: WebhookSettings | None = None
    slack: SlackSettings | None = None
    pagerduty: PagerDutySettings | None = None
    others: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Channels of other packages, each with what it wants"
    )
    acknowledge: AcknowledgeSettings | None = Field(
        default=None, description="Links by which analysts answer; none without it"
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> AlertSettings:
        taken = sorted(self.others.keys() & {*BUILT_IN, "storm"})
        if taken:
            raise ValueError(f"names of channels that are built in: {', '.join(taken)}")
        return self

    @model_validator(mode="after")
    def _lives_are_of_channels(self) -> AlertSettings:
        channels = [*BUILT_IN, *self.others]
        unknown = sorted(self.life_s.keys() - set(channels))
        if unknown:
            raise ValueError(
                f"life_s names channels that there are not: {', '.join(unknown)}; there are {', '.join(channels)}"
            )
        return self

    @property
    def transactional_id(self) -> str:
        """Stable for the slot, so that a restarted worker ends its own orphaned transaction at once."""
        return f"{self.group_id}-{self.slot}"

    def life(self, channel: str) -> float:
        """Seconds in which a channel's notice is of use."""
        return self.life_s.get(channel, LIVES_S.get(channel, LIFE_S))
