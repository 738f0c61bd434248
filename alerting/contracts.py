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

# Headers that an alert's dead letter has besides those of every dead letter.
DEAD_LETTER_CHANNEL_HEADER = "dead-letter-channel"
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


class FraudDetected(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=FRAUD_DETECTED):
    """An event after Standard Webhooks 1.0.0: a type, when it happened, and its data."""

    timestamp: Annotated[Instant, Meta(description="When the transaction was judged")]
    data: AlertData
