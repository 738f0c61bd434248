"""What is said about a fraud, and what never is."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alerting.message import SHORT_TEXT_SEPTETS
from alerting.text import gsm7, septets
from stream.contracts import Source
from tests.alerting.verdicts import ACCOUNT, MASKED, alert

HOSTILE = [
    "x",
    "x" * 100_000,
    "€" * 512,
    "a\r\nBcc: everybody@example.com\r\n\r\nbody",
    "\x00\x1b]0;title\x07\u202e\u2028",
    "🚨" * 200,
    "{}[]~|\\^" * 60,
]


def test_the_text_message_says_what_matters() -> None:
    assert alert().short_text == (
        "Fraud suspected: EUR 1,234.50, account ****3000, 2026-01-31 12:00 UTC, probability 97.3%, transaction tx-0001"
    )


def test_the_subject_and_the_mail_say_what_matters() -> None:
    told = alert()

    assert told.subject == "Fraud suspected: EUR 1,234.50, account ****3000"
    assert told.long_text == (
        "A card transaction was judged fraudulent.\n"
        "\n"
        "Amount:      EUR 1,234.50\n"
        "Account:     ****3000\n"
        "Time:        2026-01-31 12:00:05 UTC\n"
        "Probability: 97.3% (threshold 50.0%)\n"
        "Transaction: tx-0001\n"
        "Judged:      2026-01-31 12:00:06 UTC by simulated 1\n"
        "Record:      transactions, partition 0, offset 0\n"
        f"Alert:       {told.id}\n"
    )


def test_machines_get_the_same_facts_as_json() -> None:
    told = alert()

    assert json.loads(told.payload) == {
        "type": "fraud.detected",
        "timestamp": "2026-01-31T12:00:06Z",
        "data": {
            "alert_id": told.id,
            "transaction_id": "tx-0001",
            "account": MASKED,
            "event_time": "2026-01-31T12:00:05Z",
            "amount": 1234.5,
            "currency": "EUR",
            "fraud_probability": 0.973,
            "threshold": 0.5,
            "model": {"name": "simulated", "version": "1"},
            "source": {"topic": "transactions", "partition": 0, "offset": 0},
        },
    }


def test_unknown_facts_are_left_out() -> None:
    told = alert(account_id=None, amount=None, currency=None)

    assert told.subject == "Fraud suspected: amount not known"
    assert told.short_text.startswith("Fraud suspected: amount not known, 2026-01-31 12:00 UTC")
    assert "Account:     not known" in told.long_text
    assert json.loads(told.payload)["data"]["account"] is None


@pytest.mark.parametrize(
    ("account", "hidden"),
    [(ACCOUNT, ACCOUNT[:-4]), ("4111 7777 7777 1111", "7777"), ("87654321", "8765"), ("8765", "8765")],
)
def test_no_account_number_is_in_anything_that_is_said(account: str, hidden: str) -> None:
    told = alert(account_id=account)

    for said in (told.subject, told.short_text, told.long_text, told.payload.decode()):
        assert account not in said
        assert hidden not in said


def test_a_verdict_read_twice_is_the_same_alert() -> None:
    assert alert() == alert()


def test_a_transaction_id_that_comes_twice_is_two_alerts() -> None:
    places = itertools.product(("transactions", "transactions.2"), (0, 1), (0, 1, 10))
    ids = {alert(source=Source(topic=topic, partition=p, offset=o)).id for topic, p, o in places}

    assert len(ids) == 12
    # The signature of a webhook joins id, time and body with full stops.
    assert all("." not in each for each in ids)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_producer_writes_stays_in_its_place(hostile: str) -> None:
    usual = alert()
    told = alert(transaction_id=hostile, account_id=hostile, currency=hostile)

    assert told.subject.isprintable()
    assert len(told.subject) < 100
    assert told.short_text == gsm7(told.short_text)
    assert septets(told.short_text) <= SHORT_TEXT_SEPTETS
    assert told.long_text.count("\n") == usual.long_text.count("\n")
    assert len(told.payload) < 20_000
    assert len(json.loads(told.payload)["data"]["transaction_id"]) <= 512


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0.0, "EUR 0.00"),
        (-5.0, "EUR -5.00"),
        (1e308, "EUR 1e+308"),
        (123456789.125, "EUR 123,456,789.12"),
    ],
)
def test_any_amount_is_short_enough_to_be_said(amount: float, said: str) -> None:
    assert alert(amount=amount).subject == f"Fraud suspected: {said}, account {MASKED}"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1))), "2026-01-31 12:00 UTC"),
        (datetime(9999, 12, 31, 23, 0, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31 23:00-05:00"),
        (datetime(1, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=5))), "0001-01-01 00:00+05:00"),
        (datetime(1, 1, 1, 0, 0, tzinfo=UTC), "0001-01-01 00:00 UTC"),
    ],
)
def test_times_are_said_in_utc_as_far_as_it_reaches(moment: datetime, said: str) -> None:
    assert f", {said}, " in alert(event_time=moment).short_text
