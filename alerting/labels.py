"""Labels: what people say of a transaction that was judged fraudulent, for the next training. Topic `labels`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stream.contracts import (
    CONTENT_TYPE_HEADER,
    JSON_CONTENT_TYPE,
    SCHEMA_VERSION_HEADER,
    Instant,
    Source,
)
from stream.records import Headers, Outgoing

SCHEMA_VERSION: Final = "1"
_HEADERS: Final[Headers] = (
    (CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE),
    (SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode()),
)


class Word(StrEnum):
    """What it was."""

    FRAUD = "fraud"
    LEGITIMATE = "legitimate"


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One answer; of several about a transaction the last counts."""

    transaction_id: str
    source: Annotated[Source, Meta(description="Where the transaction stands in Kafka")]
    alert_id: str
    label: Word
    by: Annotated[str, Meta(description="Receiver and recipient's fingerprint, or the name given at the command line")]
    at: Instant


def record_of_label(label: Label, *, topic: str) -> Outgoing:
    """A label as it is written (pure)."""
    return Outgoing(topic, label.transaction_id.encode(), msgspec.json.encode(label), _HEADERS)
