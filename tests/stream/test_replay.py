"""A file's rows as the records that their producer would have sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pandas as pd
import pytest

from model.data.dataset import dataset_from_frame
from model.profile import Profile, TimeColumn
from stream import kafka as clients
from stream.replay import RateInvalid, send, transactions_of
from stream.settings import KafkaSettings
from tests.harness.topics import CommittedReader

PROFILE = Profile(
    name="small",
    id="id",
    label="fraud",
    amount="amount",
    account="account",
    currency="EUR",
    inputs=("amount", "V1"),
    time=TimeColumn(column="when"),
)
FRAME = pd.DataFrame(
    {
        "id": ["late", "early", "middle"],
        "when": ["2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.5Z"],
        "account": [7, 7, None],
        "amount": [0.1, None, 3],
        "V1": [1e-300, -0.0, 2.5],
        "fraud": [1, 0, 0],
    }
)


def records(limit: int | None = None) -> list[tuple[bytes | None, dict[str, object]]]:
    dataset = dataset_from_frame(FRAME, PROFILE, need_labels=False, source="the test")
    made = transactions_of(dataset, PROFILE, topic="transactions", limit=limit)
    return [(record.key, json.loads(record.value or b"")) for record in made]


def test_rows_become_transactions_in_the_order_of_their_time_without_their_label() -> None:
    assert records() == [
        (
            b"7",
            {
                "transaction_id": "early",
                "event_time": "2026-01-01T00:00:00Z",
                "account_id": "7",
                "amount": None,
                "currency": "EUR",
                "V1": -0.0,
            },
        ),
        (
            None,
            {
                "transaction_id": "middle",
                "event_time": "2026-01-02T00:00:00.500000Z",
                "amount": 3.0,
                "currency": "EUR",
                "V1": 2.5,
            },
        ),
        (
            b"7",
            {
                "transaction_id": "late",
                "event_time": "2026-01-03T00:00:00Z",
                "account_id": "7",
                "amount": 0.1,
                "currency": "EUR",
                "V1": 1e-300,
            },
        ),
    ]


def test_a_limit_takes_the_earliest() -> None:
    assert [fields["transaction_id"] for _, fields in records(limit=2)] == ["early", "middle"]


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_kept_is_refused(rate: float) -> None:
    producer = clients.producer(KafkaSettings(bootstrap_servers="127.0.0.1:1"))

    with pytest.raises(RateInvalid, match="rate"):
        send([], producer, rate=rate, stop=threading.Event(), progress=lambda _: None)


@pytest.mark.kafka
def test_records_are_sent_at_their_rate_and_in_order(kafka: str, make_topic: Callable[..., str]) -> None:
    topic = make_topic("transactions")
    dataset = dataset_from_frame(FRAME, PROFILE, need_labels=False, source="the test")
    pauses: list[float] = []

    class NeverStopped:
        """Time stands still but for the pauses that are asked for."""

        def is_set(self) -> bool:
            return False

        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0.0)
            return False

    sent = send(
        transactions_of(dataset, PROFILE, topic=topic),
        clients.producer(KafkaSettings(bootstrap_servers=kafka)),
        rate=4.0,
        stop=NeverStopped(),
        progress=lambda _: None,
        timer=lambda: 100.0 + sum(pauses),
    )

    reader = CommittedReader(kafka, [topic])
    found = [json.loads(message.value() or b"")["transaction_id"] for message in reader.read_to_end()]
    reader.close()
    assert sent == 3
    assert pauses == [0.25, 0.25]
    assert found == ["early", "middle", "late"]
