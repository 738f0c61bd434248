"""The contracts as documents: JSON Schema for each value, AsyncAPI for the topics. Generated, never edited.

`python -m stream.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from stream import contracts
from stream.contracts import SCHEMA_VERSION, DeadLetterReason, Transaction, Verdict
from stream.settings import TopicSettings

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """File name to text of every document."""
    written = {
        "transaction.schema.json": _transaction(),
        "verdict.schema.json": _schema(Verdict),
        "dead-letter-headers.schema.json": _dead_letter_headers(),
        "asyncapi.json": _asyncapi(TopicSettings()),
    }
    return {name: json.dumps(document, indent=2) + "\n" for name, document in written.items()}


def _schema(contract: type) -> dict[str, Any]:
    return {"$schema": _DIALECT, "x-schema-version": SCHEMA_VERSION, **msgspec.json.schema(contract)}


def _transaction() -> dict[str, Any]:
    schema = _schema(Transaction)
    schema["$comment"] = (
        "Every further property is a model input by its own name: a finite number, or null where it is missing. "
        "Properties that the model does not name are ignored."
    )
    return schema


def _dead_letter_headers() -> dict[str, Any]:
    text = {"type": "string"}
    number = {"type": "string", "pattern": "^[0-9]+$"}
    properties = {
        contracts.DEAD_LETTER_TOPIC_HEADER: text,
        contracts.DEAD_LETTER_PARTITION_HEADER: number,
        contracts.DEAD_LETTER_OFFSET_HEADER: number,
        contracts.DEAD_LETTER_REASON_HEADER: {"enum": [reason.value for reason in DeadLetterReason]},
        contracts.DEAD_LETTER_MESSAGE_HEADER: text,
    }
    return {
        "$schema": _DIALECT,
        "x-schema-version": SCHEMA_VERSION,
        "title": "Headers of a dead letter",
        "$comment": "Added behind the record's own headers; key, value and timestamp are the record's, untouched.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _asyncapi(topics: TopicSettings) -> dict[str, Any]:
    verdict_headers = {
        contracts.CONTENT_TYPE_HEADER: {"const": contracts.JSON_CONTENT_TYPE.decode()},
        contracts.SCHEMA_VERSION_HEADER: {"const": SCHEMA_VERSION},
        contracts.VERDICT_HEADER: {"enum": [ruling.value for ruling in contracts.Ruling]},
        contracts.TRACEPARENT_HEADER: {"type": "string"},
    }
    messages = {
        "transaction": {
            "contentType": "application/json",
            "summary": "A card transaction; the key is the account.",
            "payload": {"$ref": "./transaction.schema.json"},
        },
        "verdict": {
            "contentType": "application/json",
            "summary": "The ruling on one transaction; the key is the transaction's, else account_id, else its id.",
            "headers": {
                "type": "object",
                "properties": verdict_headers,
                "required": [name for name in verdict_headers if name != contracts.TRACEPARENT_HEADER],
            },
            "payload": {"$ref": "./verdict.schema.json"},
        },
        "deadLetter": {
            "summary": "A record that could not be scored, untouched, with the reason in its headers.",
            "headers": {"$ref": "./dead-letter-headers.schema.json"},
        },
    }
    channels = {
        "transactions": (topics.transactions, "transaction"),
        "verdicts": (topics.verdicts, "verdict"),
        "deadLetters": (topics.dead_letters, "deadLetter"),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "fraudstream",
            "version": SCHEMA_VERSION,
            "description": "Scores card transactions exactly once: one verdict or dead letter for each transaction.",
            "license": {"name": "Apache-2.0"},
        },
        "channels": {
            name: {"address": address, "messages": {message: {"$ref": f"#/components/messages/{message}"}}}
            for name, (address, message) in channels.items()
        },
        "operations": {
            "scoreTransactions": {"action": "receive", "channel": {"$ref": "#/channels/transactions"}},
            "writeVerdicts": {"action": "send", "channel": {"$ref": "#/channels/verdicts"}},
            "writeDeadLetters": {"action": "send", "channel": {"$ref": "#/channels/deadLetters"}},
        },
        "components": {"messages": messages},
    }


def main(folder: Path) -> None:
    """Writes every document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
