"""The contracts of alerts as JSON Schema. Generated, never edited.

`python -m alerting.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from alerting import contracts
from alerting.contracts import SCHEMA_VERSION, ChannelStopped, FraudDetected, FraudDigest
from alerting.delivery import FailureReason
from alerting.labels import SCHEMA_VERSION as LABEL_VERSION
from alerting.labels import Label
from alerting.ledger.entries import Entry as LedgerEntry
from alerting.ledger.writing import SCHEMA_VERSION as LEDGER_VERSION
from alerting.routing.schema import rules_schema
from alerting.silences import SCHEMA_VERSION as SILENCE_VERSION
from alerting.silencing import Silence
from stream import contracts as stream_contracts
from stream.schemas import NUMBER, TEXT, as_text, headers_schema, value_schema, write_documents


def documents() -> dict[str, str]:
    """File name to text of every document."""
    return as_text(
        {
            "alert.schema.json": value_schema(FraudDetected, SCHEMA_VERSION),
            "alert-digest.schema.json": value_schema(FraudDigest, SCHEMA_VERSION),
            "alert-channel-stopped.schema.json": value_schema(ChannelStopped, SCHEMA_VERSION),
            "alert-dead-letter-headers.schema.json": _dead_letter_headers(),
            "alert-ledger.schema.json": value_schema(LedgerEntry, LEDGER_VERSION),
            "alert-silence.schema.json": value_schema(Silence, SILENCE_VERSION),
            "alert-routes.schema.json": rules_schema(),
            "label.schema.json": value_schema(Label, LABEL_VERSION),
        }
    )


def _dead_letter_headers() -> dict[str, Any]:
    who = "Fingerprint: the first 16 hexadecimal digits of SHA-256 over channel, a zero byte and address"
    return headers_schema(
        {
            stream_contracts.DEAD_LETTER_TOPIC_HEADER: TEXT,
            stream_contracts.DEAD_LETTER_PARTITION_HEADER: NUMBER,
            stream_contracts.DEAD_LETTER_OFFSET_HEADER: NUMBER,
            stream_contracts.DEAD_LETTER_REASON_HEADER: {"enum": [reason.value for reason in FailureReason]},
            stream_contracts.DEAD_LETTER_MESSAGE_HEADER: TEXT,
            contracts.DEAD_LETTER_CHANNEL_HEADER: TEXT,
            contracts.DEAD_LETTER_RECEIVER_HEADER: TEXT,
            contracts.DEAD_LETTER_RECIPIENT_HEADER: {**TEXT, "description": who},
            contracts.DEAD_LETTER_ATTEMPTS_HEADER: NUMBER,
        },
        SCHEMA_VERSION,
        required=(
            stream_contracts.DEAD_LETTER_PARTITION_HEADER,
            stream_contracts.DEAD_LETTER_REASON_HEADER,
            stream_contracts.DEAD_LETTER_MESSAGE_HEADER,
        ),
        title="Headers of an alert's dead letter",
        comment="A notice has channel, receiver, recipient and attempts, and the partition of its entry in the ledger; "
        "a record that is no verdict has topic, partition and offset behind its own headers.",
    )


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), documents())
