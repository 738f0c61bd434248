"""Changed entries as the records that are written in one transaction with the offsets (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from alerting.ledger.book import Change
from alerting.ledger.entries import Confirmation, Delivery, Entry, Group
from stream.contracts import CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE, SCHEMA_VERSION_HEADER
from stream.records import Headers, Outgoing, Record

SCHEMA_VERSION: Final = "1"

_HEADERS: Final[Headers] = (
    (CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE),
    (SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode()),
)
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Delivery | Group | Confirmation).decode


def records_of(changes: Iterable[Change], *, topic: str) -> list[Outgoing]:
    """One record for each changed entry, in its partition."""
    return [
        Outgoing(
            topic,
            one.key.encode(),
            None if one.entry is None else _encode(one.entry),
            _HEADERS,
            partition=one.partition,
        )
        for one in changes
    ]


def entry_in(record: Record) -> Entry | None:
    """What a record of the ledger holds; None where it is deleted.

    Raises:
        msgspec.DecodeError: It holds something else.
    """
    return None if record.value is None else _decode(record.value)
