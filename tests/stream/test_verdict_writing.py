"""Verdicts as JSON: the contract's, byte for byte."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from stream.contracts import LATEST_EPOCH_MS, Holder, ModelRef, Reason, Ruling, Source, Transaction, Verdict
from stream.decoding import event_time_of
from stream.records import Record
from stream.verdict_writing import VerdictWriting

SCORED_AT = datetime(2026, 1, 31, 23, 59, 59, 999_001, tzinfo=UTC)
TEXTS = ("a", 'quo"te\\', "line\nend\x00", "100 % of {0}", "Zürich €", "\U0001f4b3", "x" * 512)


def _both(record: Record, transaction: Transaction, model: ModelRef, verdict: Verdict) -> tuple[bytes, bytes]:
    writing = VerdictWriting(model, threshold=verdict.threshold, scored_at=SCORED_AT)
    written = writing.value(record, transaction, verdict.verdict, verdict.fraud_probability, verdict.reasons)
    return written, msgspec.json.encode(verdict)


@pytest.mark.parametrize("seed", range(200))
def test_a_verdict_is_written_as_the_contract_writes_it(seed: int) -> None:
    pick = random.Random(seed)
    record = Record(pick.choice(("a", "b-c_d.e")), pick.randrange(99), pick.randrange(2**63), b"k", b"", (), 0)
    zone = timezone(timedelta(minutes=pick.randrange(-719, 720)))
    times: list[datetime | int] = [pick.randrange(LATEST_EPOCH_MS), SCORED_AT.astimezone(zone), SCORED_AT]
    transaction = Transaction(
        transaction_id=pick.choice(TEXTS),
        event_time=pick.choice(times),
        account_id=pick.choice([None, "", *TEXTS]),
        amount=pick.choice([None, 0.0, -0.0, 1e300, 5e-324, round(pick.uniform(0, 500), 2)]),
        currency=pick.choice([None, "EUR", 'E"']),
        holder_phone=pick.choice([None, "+4915112345678"]),
        holder_email=pick.choice([None, "holder@mail.example"]),
        holder_locale=pick.choice([None, "de"]),
    )
    ruling = pick.choice(list(Ruling))
    holder = Holder(transaction.holder_phone, transaction.holder_email, transaction.holder_locale)
    model = ModelRef(name=pick.choice(TEXTS), version="%d%b")
    reasons = [Reason(pick.choice(TEXTS), pick.choice([None, pick.random()]), pick.random()) for _ in range(3)]
    verdict = Verdict(
        transaction_id=transaction.transaction_id,
        account_id=transaction.account_id,
        event_time=event_time_of(transaction),
        amount=transaction.amount,
        currency=transaction.currency,
        verdict=ruling,
        fraud_probability=pick.choice([0.0, 1.0, pick.random()]),
        threshold=pick.random(),
        model=model,
        source=Source(record.topic, record.partition, record.offset),
        scored_at=SCORED_AT,
        reasons=tuple(reasons[: pick.randrange(4)]) if ruling is Ruling.FRAUD else (),
        # Nobody is told of what is legitimate: a verdict on it needs no addresses.
        holder=msgspec.UNSET if ruling is not Ruling.FRAUD or holder == Holder() else holder,
    )

    written, expected = _both(record, transaction, model, verdict)

    assert written == expected


def test_records_of_several_partitions_are_told_apart() -> None:
    writing = VerdictWriting(ModelRef("m", "1"), threshold=0.5, scored_at=SCORED_AT)
    transaction = Transaction(transaction_id="t", event_time=0)

    sources = [
        msgspec.json.decode(
            writing.value(Record(topic, partition, 7, None, b"", (), 0), transaction, Ruling.LEGITIMATE, 0.1, ()),
            type=Verdict,
        ).source
        for topic, partition in (("a", 0), ("a", 1), ("b", 0), ("a", 0))
    ]

    assert sources == [Source("a", 0, 7), Source("a", 1, 7), Source("b", 0, 7), Source("a", 0, 7)]
