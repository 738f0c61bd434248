"""The contracts as documents: JSON Schema for each value, AsyncAPI for the topics. Generated, never edited.

`python -m stream.schemas docs/contracts` writes them; a test fails where they have drifted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from model.json_schema import DIALECT, as_text, value_schema, write_documents
from stream import contracts
from stream.contracts import SCHEMA_VERSION, DeadLetterReason, Transaction, Verdict
from stream.settings import TopicSettings

__all__ = ["NUMBER", "TEXT", "as_text", "documents", "headers_schema", "value_schema", "write_documents"]

# How header values, which are bytes, read.
TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "string", "pattern": "^[0-9]+$"}


def documents() -> dict[str, str]:
    """File name to text of every document."""
    return as_text(
        {
            "transaction.schema.json": _transaction(),
            "verdict.schema.json": value_schema(Verdict, SCHEMA_VERSION),
            "dead-letter-headers.schema.json": _dead_letter_headers(),
            "asyncapi.json": _asyncapi(TopicSettings()),
        }
    )


def headers_schema(
    properties: Mapping[str, object], version: str, *, title: str, comment: str, required: Iterable[str] | None = None
) -> dict[str, Any]:
    """The JSON Schema of a record's headers, all of them required unless it is said which."""
    return {
        "$schema": DIALECT,
        "x-schema-version": version,
        "title": title,
        "$comment": comment,
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


def _transaction() -> dict[str, Any]:
    schema = value_schema(Transaction, SCHEMA_VERSION)
    schema["$comment"] = (
        "Every further property is a model input by its own name: a finite number, or null where it is missing. "
        "Properties that the model does not name are ignored."
    )
    return schema


def _dead_letter_headers() -> dict[str, Any]:
    schema = headers_schema(
        {
            contracts.DEAD_LETTER_TOPIC_HEADER: TEXT,
            contracts.DEAD_LETTER_PARTITION_HEADER: NUMBER,
            contracts.DEAD_LETTER_OFFSET_HEADER: NUMBER,
            contracts.DEAD_LETTER_REASON_HEADER: {"enum": [reason.value for reason in DeadLetterReason]},
            contracts.DEAD_LETTER_MESSAGE_HEADER: TEXT,
        },
        SCHEMA_VERSION,
        title="Headers of a dead letter",
        comment=(
            "Added behind the record's own headers; key, value and timestamp are the record's, untouched. A timestamp "
            "that is half an hour ahead or more, which a broker may refuse, is in a header before these instead. "
            "`fraud dlq replay` takes them off again, and leaves a pair of its own at each time."
        ),
    )
    schema["properties"] |= {
        contracts.DEAD_LETTER_TIMESTAMP_HEADER: NUMBER,
        contracts.DEAD_LETTER_REPLAYED_FROM_HEADER: {"type": "string", "pattern": "^[^/]+/[0-9]+/[0-9]+$"},
        contracts.DEAD_LETTER_REPLAYED_AT_HEADER: {"type": "string", "format": "date-time"},
    }
    return schema


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
            "summary": "A card transaction; the key is the account, as UTF-8 text.",
            "description": (
                "Records of one key keep their order. `fraud produce` partitions as Java does (murmur2), and so should "
                "producers that share the topic. A model input is a JSON number or null: a boolean or a number in "
                "quotes makes the record a dead letter. event_time in milliseconds has no decimal point."
            ),
            "payload": {"$ref": "./transaction.schema.json"},
        },
        "verdict": {
            "contentType": "application/json",
            "summary": "The ruling on one transaction; the key is the transaction's, else account_id, else its id.",
            "description": (
                "Read with isolation.level=read_committed: otherwise verdicts of aborted batches are seen too. "
                "`source` (topic, partition, offset) names a transaction for good; transaction_id is its producer's."
            ),
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
        "alertDeadLetter": {
            "summary": (
                "A notice that reached nobody: its last entry in the ledger, with the verdict; headers say why. Or a "
                "record of the verdicts that is none, untouched."
            ),
            "headers": {"$ref": "./alert-dead-letter-headers.schema.json"},
        },
        "ledgerEntry": {
            "contentType": "application/json",
            "summary": "What became of a notice, or of a group of alerts; the last of a key counts.",
            "description": "Partition n holds what came of partition n of the verdicts.",
            "payload": {"$ref": "./alert-ledger.schema.json"},
        },
        "silence": {
            "contentType": "application/json",
            "summary": "What people want no notices of; the last of a key counts.",
            "payload": {"$ref": "./alert-silence.schema.json"},
        },
        "label": {
            "contentType": "application/json",
            "summary": "What somebody says that a transaction was; the last of a transaction counts.",
            "payload": {"$ref": "./label.schema.json"},
        },
    }
    channels = {
        "transactions": (topics.transactions, "transaction"),
        "verdicts": (topics.verdicts, "verdict"),
        "deadLetters": (topics.dead_letters, "deadLetter"),
        "alertDeadLetters": (topics.alert_dead_letters, "alertDeadLetter"),
        "alertLedger": (topics.alert_ledger, "ledgerEntry"),
        "alertSilences": (topics.alert_silences, "silence"),
        "labels": (topics.labels, "label"),
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
            "tellPeople": {"action": "receive", "channel": {"$ref": "#/channels/verdicts"}},
            "writeAlertDeadLetters": {"action": "send", "channel": {"$ref": "#/channels/alertDeadLetters"}},
            "keepLedger": {"action": "send", "channel": {"$ref": "#/channels/alertLedger"}},
            "readLedger": {"action": "receive", "channel": {"$ref": "#/channels/alertLedger"}},
            "silence": {"action": "send", "channel": {"$ref": "#/channels/alertSilences"}},
            "heedSilences": {"action": "receive", "channel": {"$ref": "#/channels/alertSilences"}},
            "writeLabels": {"action": "send", "channel": {"$ref": "#/channels/labels"}},
        },
        "components": {"messages": messages},
    }


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]), documents())
