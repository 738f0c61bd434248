"""A label as it is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec

from alerting.labels import Label, Word, record_of_label
from stream.contracts import Source

LABEL = Label(
    transaction_id="tx-0001",
    source=Source(topic="transactions", partition=3, offset=42),
    alert_id="alert-1",
    label=Word.LEGITIMATE,
    by="fraud-desk/0123456789abcdef",
    at=datetime(2026, 1, 31, 12, tzinfo=UTC),
)


def test_a_label_stands_under_its_transaction_with_its_version() -> None:
    record = record_of_label(LABEL, topic="labels")

    assert (record.topic, record.key, record.partition) == ("labels", b"tx-0001", None)
    assert dict(record.headers) == {"content-type": b"application/json", "schema-version": b"1"}
    assert json.loads(record.value or b"") == {
        "transaction_id": "tx-0001",
        "source": {"topic": "transactions", "partition": 3, "offset": 42},
        "alert_id": "alert-1",
        "label": "legitimate",
        "by": "fraud-desk/0123456789abcdef",
        "at": "2026-01-31T12:00:00Z",
    }
    assert msgspec.json.decode(record.value or b"", type=Label) == LABEL
