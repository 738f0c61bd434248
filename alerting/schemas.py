"""The contracts of alerts as JSON Schema. Generated, never edited.

`python -m alerting.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from alerting import contracts
from alerting.contracts import SCHEMA_VERSION, FraudDetected
from alerting.delivery import FailureReason
from stream import contracts as stream_contracts
from stream.schemas import NUMBER, TEXT, as_text, headers_schema, value_schema, write_documents


def documents() -> dict[str, str]:
    """File name to text of every document."""
    return as_text(
        {
            "alert.schema.json": value_schema(FraudDetected, SCHEMA_VERSION),
            "alert-dead-letter-headers.schema.json": _dead_letter_headers(),
        }
    )


def _dead_letter_headers() -> dict[str, Any]:
    place = "Place in the channel's settings, from 1; 0 where nobody was tried"
    return headers_schema(
        {
            stream_contracts.DEAD_LETTER_TOPIC_HEADER: TEXT,
            stream_contracts.DEAD_LETTER_PARTITION_HEADER: NUMBER,
            stream_contracts.DEAD_LETTER_OFFSET_HEADER: NUMBER,
            stream_contracts.DEAD_LETTER_REASON_HEADER: {"enum": [reason.value for reason in FailureReason]},
            stream_contracts.DEAD_LETTER_MESSAGE_HEADER: TEXT,
            contracts.DEAD_LETTER_CHANNEL_HEADER: TEXT,
            contracts.DEAD_LETTER_RECIPIENT_HEADER: {**NUMBER, "description": place},
            contracts.DEAD_LETTER_ATTEMPTS_HEADER: NUMBER,
        },
        SCHEMA_VERSION,
        title="Headers of an alert's dead letter",
        comment="Added behind the verdict's own headers; key, value and timestamp are the verdict's, untouched.",
    )


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), documents())
