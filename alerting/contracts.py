"""What machines are told: the JSON that the webhook's and the topic's subscribers get, typed and versioned.

`docs/contracts/` holds the schemas that `alerting.schemas` generates from these types.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stream.contracts import Instant, ModelRef, Probability, Source

SCHEMA_VERSION = "1"
FRAUD_DETECTED: Final = "fraud.detected"
FRAUD_DIGEST: Final = "fraud.digest"
CHANNEL_STOPPED: Final = "channel.stopped"

# Headers that an alert's dead letter has besides those of every dead letter.
DEAD_LETTER_CHANNEL_HEADER = "dead-letter-channel"
DEAD_LETTER_RECEIVER_HEADER = "dead-letter-receiver"
DEAD_LETTER_RECIPIENT_HEADER = "dead-letter-recipient"
DEAD_LETTER_ATTEMPTS_HEADER = "dead-letter-attempts"


class AlertData(msgspec.Struct, frozen=True, kw_only=True):
    """The transaction that was judged fraudulent, its account number masked."""

    alert_id: Annotated[str, Meta(description="The same for every attempt, channel and recipient")]
    transaction_id: str
    account: Annotated[str | None, Meta(description="Masked: four asterisks and the last four characters at most")]
    event_time: Instant
    amount: Annotated[float | None, Meta(description="In units of the currency")]
    currency: str | None
    fraud_probability: Probability
    threshold: Probability
    model: ModelRef
    source: Annotated[Source, Meta(description="Where the transaction stands in Kafka")]
    severity: Annotated[str | None, Meta(description="The band that it falls in, of the bank's own")] = None
    reasons: Annotated[
        tuple[str, ...], Meta(description="Why, in words of the receiver's language; the strongest first")
    ] = ()
    acknowledge_url: Annotated[str | None, Meta(description="Where the alert is answered; None where it is not")] = None
    test: Annotated[bool, Meta(description="Made up by `fraud alerts test`: no transaction is behind it")] = False


class FraudDetected(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=FRAUD_DETECTED):
    """An event after Standard Webhooks 1.0.0: a type, when it happened, and its data."""

    timestamp: Annotated[Instant, Meta(description="When the transaction was judged")]
    data: AlertData


class DigestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a digest, its account number masked."""

    alert_id: str
    transaction_id: str
    account: Annotated[str | None, Meta(description="Masked: four asterisks and the last four characters at most")]
    event_time: Instant
    amount: Annotated[float | None, Meta(description="In units of the currency")]
    currency: str | None
    fraud_probability: Probability
    severity: str


class DigestData(msgspec.Struct, frozen=True, kw_only=True):
    """Transactions that were judged fraudulent, and are told of together. All of them are counted."""

    digest_id: Annotated[str, Meta(description="The same for every attempt, channel and recipient")]
    group: Annotated[
        dict[str, str], Meta(description="What they have in common, account numbers masked; empty for nothing")
    ]
    count: Annotated[int, Meta(ge=0)]
    sums: Annotated[
        dict[str, str], Meta(description="Exact decimal sum of each currency, 20 at most; '' where none is known")
    ]
    currencies: Annotated[int, Meta(ge=0, description="How many there are, those that sums leaves out as well")]
    without_amount: Annotated[int, Meta(ge=0, description="How many are in no sum")]
    first: Annotated[Instant | None, Meta(description="When the first of the transactions happened")]
    last: Instant | None
    strongest: Annotated[tuple[DigestLine, ...], Meta(description="By probability, then amount; 5 at most")]
    truncated: Annotated[int, Meta(ge=0, description="How many more there are than strongest lists")]
    severity: Annotated[str | None, Meta(description="The gravest of them, by the bank's own bands")] = None
    severities: Annotated[dict[str, int], Meta(description="How many of each")] = {}
    acknowledge_url: Annotated[str | None, Meta(description="Where the group is answered; None where it is not")] = None


class FraudDigest(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=FRAUD_DIGEST):
    """An event after Standard Webhooks 1.0.0: alerts that a group or a limit held back, told of together."""

    timestamp: Annotated[Instant, Meta(description="When it was decided on")]
    data: DigestData


class ChannelStoppedData(msgspec.Struct, frozen=True, kw_only=True):
    """A channel on which nobody is told until somebody mends it."""

    page_id: Annotated[str, Meta(description="The same for every attempt, channel and recipient")]
    channel: str
    reason: Annotated[str, Meta(description="Of a closed set: auth_error, ...")]
    detail: str


class ChannelStopped(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=CHANNEL_STOPPED):
    """An event after Standard Webhooks 1.0.0, for operators."""

    timestamp: Annotated[Instant, Meta(description="When it was noticed")]
    data: ChannelStoppedData
