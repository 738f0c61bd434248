"""Notices that reached nobody, sent again by hand, and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.alert import alert_id
from alerting.ledger.entries import State
from demo.receivers.script import Fault
from stream.contracts import Source
from tests.alerting.alert_stream import alerting, dead_letters, deliveries, put, rule, unlimited, wait_for
from tests.alerting.receivers import PRIVATE, Receivers, receivers
from tests.alerting.verdicts import ACCOUNT
from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.topics import Stream, new_stream
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.kafka


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 2)


@pytest.fixture
def people() -> Iterator[Receivers]:
    with receivers() as listening:
        yield listening


def settings(stream: Stream, people: Receivers, folder: Path) -> dict[str, str]:
    return {**stream.env, **people.env("webhook"), **unlimited(folder, people, "webhook"), "FRAUD_LOG__FORMAT": "json"}


def test_what_reached_nobody_is_sent_once_more_under_its_id(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.webhook.script(*[Fault(status=400)] * 3)
    put(stream, b"no verdict")
    with alerting(stream, people, tmp_path, "webhook") as worker:
        refused = rule(stream, 0, 3)
        dead_letters(stream, 4)
        rule(stream, 3, 2)
        wait_until(lambda: len(people.webhook.received()) == 2, within_s=60, what="the others are not told")
        assert worker.terminate() == 0
    given_up = {one.id for one in deliveries(stream) if one.state is State.DEAD}
    env = settings(stream, people, tmp_path)

    counted = json.loads(fraud("alerts", "replay", "--json", env=env))
    assert len(people.webhook.received()) == 2, "counting sends nothing"
    sent = json.loads(fraud("alerts", "replay", "--execute", "--json", env=env))
    again = json.loads(fraud("alerts", "replay", "--execute", "--json", env=env))

    none = dict.fromkeys(("sent", "failed", "unsure", "held", "gone", "forgotten", "unreadable", "settled"), 0)
    assert counted == {**none, "executed": False, "sent": 3, "unreadable": 1}
    assert sent == {**none, "executed": True, "sent": 3, "unreadable": 1}
    assert again == {**none, "executed": True, "unreadable": 1, "settled": 3}
    assert set(refused) <= set(people.told()["webhook"])
    assert given_up == {event.id for event in people.webhook.received()[2:]}
    assert {one.state for one in deliveries(stream)} == {State.SENT}


def test_what_fails_again_is_a_dead_letter_again(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    people.webhook.script(*[Fault(status=400)] * 2)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        refused = rule(stream, 0, 1)
        dead_letters(stream, 1)
        assert worker.terminate() == 0
    env = settings(stream, people, tmp_path)

    failed = json.loads(fraud("alerts", "replay", "--execute", "--json", env=env))
    sent = json.loads(fraud("alerts", "replay", "--execute", "--json", env=env))

    assert (failed["sent"], failed["failed"]) == (0, 1)
    assert (sent["sent"], sent["failed"]) == (1, 0)
    assert people.told()["webhook"] == refused
    assert len(dead_letters(stream, 2)) == 2


def test_a_replay_that_is_killed_is_gone_on_with_by_the_next_though_a_worker_runs(
    stream: Stream, people: Receivers, tmp_path: Path
) -> None:
    people.webhook.script(*[Fault(status=400)] * 3)
    with alerting(stream, people, tmp_path, "webhook") as worker:
        refused = rule(stream, 0, 3)
        dead_letters(stream, 3)
        env = settings(stream, people, tmp_path)
        people.webhook.script(*[Fault(hold_s=60, drop=True)] * 3)
        replaying = FraudProcess("alerts", "replay", "--execute", "--json", env=env, log=tmp_path / "replay.log")
        with replaying:
            wait_until(lambda: people.webhook.attempts == 6, within_s=60, what="nothing is sent again")
            replaying.kill()

        again = json.loads(fraud("alerts", "replay", "--execute", "--json", env=env))
        wait_for(people, refused, "webhook")
        assert worker.terminate() == 0

    assert (again["sent"], again["settled"]) == (3, 0)
    assert sorted(people.told()["webhook"]) == refused
    assert {one.state for one in deliveries(stream)} == {State.SENT}


def test_the_status_of_a_transaction_is_known(stream: Stream, people: Receivers, tmp_path: Path) -> None:
    with alerting(stream, people, tmp_path, "webhook", "sms") as worker:
        (fraud_id,) = rule(stream, 7, 1)
        wait_for(people, [fraud_id], "webhook", "sms")
        assert worker.terminate() == 0
    env = settings(stream, people, tmp_path)

    table = fraud("alerts", "status", fraud_id, env=env)
    listed = json.loads(fraud("alerts", "status", fraud_id, "--json", env=env))["notices"]
    unknown = attempt("alerts", "status", "nobody-knows", env=env)

    assert sorted((one["channel"], one["state"], one["attempts"]) for one in listed) == [
        ("sms", "sent", 1),
        ("webhook", "sent", 1),
    ]
    assert "sent" in table
    assert [text for text in (*PRIVATE, ACCOUNT) if text in table + str(listed)] == []
    assert unknown.returncode == 2
    assert "'nobody-knows'" in unknown.stderr


def test_a_receiver_is_tried_out_with_an_alert_that_says_so(people: Receivers, tmp_path: Path) -> None:
    env = {**people.env("webhook", "email"), **unlimited(tmp_path, people, "webhook", "email")}

    tried = json.loads(fraud("alerts", "test", "desk", "--json", env=env))
    fraud("alerts", "test", "desk", env=env)
    unknown = attempt("alerts", "test", "desks", env=env)

    assert [(one["channel"], one["outcome"]) for one in tried["told"]] == [
        ("webhook", "accepted"),
        ("email", "accepted"),
    ]
    assert [text for text in PRIVATE if text in str(tried)] == []
    event, again = people.webhook.received()
    assert event.payload["data"]["test"] is True
    # No receiver takes the second for the first, or either for the alert of a record.
    ids = {one.payload["data"]["alert_id"] for one in (event, again)}
    assert len(ids | {alert_id(Source("transactions", 0, 0))}) == 3
    mail, _ = people.smtp.received()
    assert str(mail.message["Subject"]).startswith("[TEST]")
    assert unknown.returncode == 2
    assert "'desks'" in unknown.stderr


def test_a_receiver_of_account_holders_alone_cannot_be_tried_out(people: Receivers, tmp_path: Path) -> None:
    (routes := tmp_path / "holders.yml").write_text(
        "version: 1\nreceivers: [{name: customer, account_holder: [email], template: holder}]\n"
        "route: {receiver: customer}\n"
    )
    refused = attempt("alerts", "test", "customer", env={**people.env("email"), "FRAUD_ALERTS__ROUTES": str(routes)})

    assert refused.returncode == 2
    assert "receiver 'customer' tells account holders alone" in refused.stderr
