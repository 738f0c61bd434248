"""The contracts of alerts as JSON Schema. Generated, never edited.

`python -m alerting.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from alerting import contracts
from alerting.contracts import SCHEMA_VERSION, FraudDetected
from alerting.delivery import FailureReason
from stream import contracts as stream_contracts

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """File name to text of every document."""
    written = {"alert.schema.json": _alert(), "alert-dead-letter-headers.schema.json": _dead_letter_headers()}
    return {name: json.dumps(document, indent=2) + "\n" for name, document in written.items()}


def _alert() -> dict[str, Any]:
    return {"$schema": _DIALECT, "x-schema-version": SCHEMA_VERSION, **msgspec.json.schema(FraudDetected)}


def _dead_letter_headers() -> dict[str, Any]:
    text = {"type": "string"}
    number = {"type": "string", "pattern": "^[0-9]+$"}
    recipient = {**number, "description": "Place in the channel's settings, from 1; 0 where nobody was tried"}
    properties = {
        stream_contracts.DEAD_LETTER_TOPIC_HEADER: text,
        stream_contracts.DEAD_LETTER_PARTITION_HEADER: number,
        stream_contracts.DEAD_LETTER_OFFSET_HEADER: number,
        stream_contracts.DEAD_LETTER_REASON_HEADER: {"enum": [reason.value for reason in FailureReason]},
        stream_contracts.DEAD_LETTER_MESSAGE_HEADER: text,
        contracts.DEAD_LETTER_CHANNEL_HEADER: text,
        contracts.DEAD_LETTER_RECIPIENT_HEADER: recipient,
        contracts.DEAD_LETTER_ATTEMPTS_HEADER: number,
    }
    return {
        "$schema": _DIALECT,
        "x-schema-version": SCHEMA_VERSION,
        "title": "Headers of an alert's dead letter",
        "$comment": "Added behind the verdict's own headers; key, value and timestamp are the verdict's, untouched.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def main(folder: Path) -> None:
    """Writes every document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
