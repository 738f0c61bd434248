"""The wire: what stands in the topics, typed and versioned.

`docs/contracts/` holds the JSON Schemas that `stream.schemas` generates from these types. A field is added
with a default and keeps the schema version; a field that is renamed, removed or re-typed raises it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

SCHEMA_VERSION = "1"

# Headers of a verdict: a consumer filters on these without parsing the value.
CONTENT_TYPE_HEADER = "content-type"
SCHEMA_VERSION_HEADER = "schema-version"
VERDICT_HEADER = "verdict"
# W3C Trace Context, https://www.w3.org/TR/trace-context/: carried from the transaction to its verdict.
TRACEPARENT_HEADER = "traceparent"
JSON_CONTENT_TYPE = b"application/json"

# Headers that a dead letter has besides the record's own.
DEAD_LETTER_TOPIC_HEADER = "dead-letter-source-topic"
DEAD_LETTER_PARTITION_HEADER = "dead-letter-source-partition"
DEAD_LETTER_OFFSET_HEADER = "dead-letter-source-offset"
DEAD_LETTER_REASON_HEADER = "dead-letter-reason"
DEAD_LETTER_MESSAGE_HEADER = "dead-letter-message"
# Where its timestamp was so far ahead of the clock that a broker would refuse it: what it was, in epoch milliseconds.
DEAD_LETTER_TIMESTAMP_HEADER = "dead-letter-source-timestamp"
# And those of a record that was a dead letter, and was sent again: once for each time.
DEAD_LETTER_REPLAYED_FROM_HEADER = "dead-letter-replayed-from"
DEAD_LETTER_REPLAYED_AT_HEADER = "dead-letter-replayed-at"

# Bounds that keep a verdict small enough to be written wherever its transaction could be.
MAX_ID_LENGTH = 512
MAX_CURRENCY_LENGTH = 16
MAX_PHONE_LENGTH = 32
MAX_EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3, without its brackets
MAX_LOCALE_LENGTH = 35  # RFC 5646, 4.4.1
MAX_KEY_BYTES = 16_384
# The last millisecond of the year 9999, the last that RFC 3339 can write.
LATEST_EPOCH_MS = 253_402_300_799_999

# RFC 3339 with an offset: a time without one means another instant in every country.
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset")]
Probability = Annotated[float, Meta(ge=0, le=1)]


class Ruling(StrEnum):
    """What a verdict says."""

    FRAUD = "fraud"
    LEGITIMATE = "legitimate"


class DeadLetterReason(StrEnum):
    """Why a record could not be scored: a closed set, and a metric's label."""

    TOMBSTONE = "tombstone"
    EMPTY_VALUE = "empty_value"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    INVALID_UTF8 = "invalid_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    EMPTY_ID = "empty_id"
    WRONG_TYPE = "wrong_type"
    NON_FINITE = "non_finite"
    INVALID_EVENT_TIME = "invalid_event_time"
    SCORING_FAILED = "scoring_failed"


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A card transaction: one flat JSON object on topic `transactions`.

    Every further field is a model input by its own name (a finite number, or null where it is missing).
    Fields that neither this contract nor the model names are ignored.
    """

    transaction_id: Annotated[
        str, Meta(min_length=1, max_length=MAX_ID_LENGTH, description="The producer's id; need not be unique")
    ]
    event_time: Annotated[
        Instant | int, Meta(description="RFC 3339 with offset, or integer milliseconds since 1970-01-01 UTC")
    ]
    account_id: Annotated[str, Meta(max_length=MAX_ID_LENGTH)] | None = None
    amount: Annotated[float | None, Meta(description="In units of the currency")] = None
    currency: Annotated[str, Meta(max_length=MAX_CURRENCY_LENGTH, description="ISO 4217 code")] | None = None
    holder_phone: (
        Annotated[str, Meta(max_length=MAX_PHONE_LENGTH, description="The account holder's, E.164: told of a fraud")]
        | None
    ) = None
    holder_email: (
        Annotated[str, Meta(max_length=MAX_EMAIL_LENGTH, description="The account holder's: told of a fraud")] | None
    ) = None
    holder_locale: (
        Annotated[str, Meta(max_length=MAX_LOCALE_LENGTH, description="Language of the account holder: de or de-AT")]
        | None
    ) = None


class ModelRef(msgspec.Struct, frozen=True):
    """Which model ruled."""

    name: str
    version: str


class Source(msgspec.Struct, frozen=True):
    """Where the transaction stands in Kafka."""

    topic: str
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]


class Reason(msgspec.Struct, frozen=True):
    """A feature that raised a transaction's probability of fraud."""

    feature: Annotated[str, Meta(description="A model input, or a calendar feature: hour, night or weekend, in UTC")]
    value: Annotated[float | None, Meta(description="As it came; null where it was missing")]
    contribution: Annotated[float, Meta(description="What it added to fraud_probability; above 0")]


class Holder(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the account's holder can be told, as the transaction says. Personal data."""

    phone: Annotated[str | None, Meta(description="E.164")] = None
    email: str | None = None
    locale: Annotated[str | None, Meta(description="Language, such as de or de-AT")] = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The ruling on one transaction: a JSON object on topic `verdicts`."""

    transaction_id: str
    account_id: str | None
    event_time: Instant
    amount: float | None
    currency: str | None
    verdict: Annotated[Ruling, Meta(description="fraud where fraud_probability reaches the threshold")]
    fraud_probability: Probability
    threshold: Probability
    model: ModelRef
    source: Source
    scored_at: Instant
    reasons: Annotated[
        tuple[Reason, ...], Meta(description="Why it is fraud, the strongest first, 5 at most; empty for legitimate")
    ] = ()
    holder: Annotated[
        Holder | msgspec.UnsetType, Meta(description="Only of a fraud, and only where the transaction has any of it")
    ] = msgspec.UNSET
