"""The section `alerts.sns`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from alerting.channels.sections import Timeout, Url, formed
from stream.settings import Section

Arn = Annotated[
    str,
    formed(
        r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?",
        "no ARN of a topic: write arn:aws:sns:REGION:ACCOUNT:TOPIC",
    ),
]


class SnsSettings(Section):
    """Amazon SNS topics; credentials are found as boto3 finds them."""

    topic_arn: Arn | None = Field(default=None, description="Which is told where there is no routing file")
    region: str | None = Field(default=None, description="None takes the topic's")
    endpoint_url: Url | None = Field(default=None, description="Another endpoint, such as a stand-in's")
    when_unsure: Literal["send again", "hold"] = Field(
        default="send again",
        description="Where SNS may have taken a message, or not: subscribers know it by alert_id, and FIFO "
        "topics drop a repetition within five minutes",
    )
    timeout_s: Timeout = 10.0
