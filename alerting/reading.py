"""From a record of the verdicts topic to the fraud that people are told of, if it is one (pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from stream.contracts import SCHEMA_VERSION, SCHEMA_VERSION_HEADER, VERDICT_HEADER, Ruling, Verdict
from stream.records import Record, first_header

# Hundreds of times what a scorer writes. What is kept of a verdict while its notices are on their way has to fit into
# the ledger, whose records have a megabyte unless somebody says otherwise.
MOST_BYTES: Final = 512 * 1024
_KNOWN_VERSION: Final = SCHEMA_VERSION.encode()
_LEGITIMATE: Final = Ruling.LEGITIMATE.encode()
_decode = msgspec.json.Decoder(Verdict).decode


class Unreadable(Exception):
    """The record is no verdict.

    Args:
        message: Names fields and types, never values.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def fraud_in(record: Record) -> Verdict | None:
    """A fraud verdict; None for a legitimate one.

    The header decides without a look at the value, which almost every record is spared. A record without it is
    read, rather than passed over.

    Raises:
        Unreadable: The value is no verdict.
    """
    if first_header(record.headers, VERDICT_HEADER) == _LEGITIMATE:
        return None
    version = first_header(record.headers, SCHEMA_VERSION_HEADER)
    if version is not None and version != _KNOWN_VERSION:
        shown = version[:20].decode("ascii", "replace")
        raise Unreadable(
            f"a verdict of schema version {shown!r}; this worker reads version {SCHEMA_VERSION}: upgrade it"
        )
    if record.value is None:
        raise Unreadable("the record has no value; a verdict is a JSON object")
    if len(record.value) > MOST_BYTES:
        raise Unreadable(f"the value has {len(record.value)} bytes; a verdict has {MOST_BYTES} at most")
    try:
        verdict = _decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        # msgspec's messages hold types, fields and byte positions, but no values.
        detail = str(refusal) if isinstance(refusal, msgspec.DecodeError) else refusal.__class__.__name__
        raise Unreadable(f"not a verdict: {detail}") from None
    return verdict if verdict.verdict is Ruling.FRAUD else None


def written_at(record: Record, *, otherwise: datetime) -> datetime:
    """When a record was written; something else where its producer says nothing, or what is no time."""
    try:
        return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) if record.timestamp_ms > 0 else otherwise
    except (ValueError, OverflowError, OSError):  # milliseconds may have any number of digits
        return otherwise
