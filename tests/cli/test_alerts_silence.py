"""`fraud alerts silence` as a user runs it, on a real broker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting.alert import Alert
from alerting.ledger.entries import Held
from alerting.silences import all_silences
from alerting.silencing import Hush
from stream.settings import KafkaSettings
from tests.alerting.verdicts import ACCOUNT, MASKED, verdict
from tests.harness.commands import invoked, refusal_of, run
from tests.harness.led import wait_until_led
from tests.harness.topics import Stream, new_stream

SAID = ("--author", "kim", "--reason", "a test of [the] terminals")


@pytest.fixture(autouse=True)
def _in_a_directory_without_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stream(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Stream:
    made = new_stream(kafka)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    wait_until_led(kafka, *[made.env[f"FRAUD_TOPICS__{name}"] for name in ("ALERT_SILENCES", "LABELS")])
    return made


def held_by(stream: Stream, alert: Alert) -> Held | None:
    """What a worker that starts now would hold an alert back for."""
    hush, now = Hush(), datetime.now(UTC)
    for one in all_silences(KafkaSettings(bootstrap_servers=stream.bootstrap), topic_of(stream)):
        hush.put(one, now)
    return hush.hushed(alert, "group", now)


def topic_of(stream: Stream) -> str:
    return stream.env["FRAUD_TOPICS__ALERT_SILENCES"]


def listed(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("alerts", "silence", "list", "--json", *arguments))["silences"]
    return found


@pytest.mark.kafka
def test_what_is_added_holds_alerts_back_and_is_listed_until_it_is_ended(stream: Stream) -> None:
    conditions = ("--match", "severity=low", "--match", "amount=<500")
    low = Alert(verdict(amount=20.0), "low")

    name = run("alerts", "silence", "add", *conditions, "--for", "30m", *SAID).strip()

    assert held_by(stream, low) is Held.SILENCE
    assert held_by(stream, Alert(verdict(amount=20.0), "high")) is None
    (one,) = listed()
    assert (one["id"], one["author"], one["reason"]) == (name, "kim", "a test of [the] terminals")
    assert one["what"] == "silence: severity is low, amount is <500"
    assert datetime.fromisoformat(one["ends_at"]) - datetime.fromisoformat(one["starts_at"]) == timedelta(minutes=30)
    shown = run("alerts", "silence", "list")
    assert name in shown
    assert "[the]" in shown

    run("alerts", "silence", "expire", name, "--author", "lee")

    assert held_by(stream, low) is None
    assert listed() == []
    (ended,) = listed("--all")
    assert (ended["id"], ended["author"]) == (name, "kim")
    assert ended["reason"] == "a test of [the] terminals (ended by lee)"


@pytest.mark.kafka
def test_one_of_several_values_is_enough(stream: Stream) -> None:
    run("alerts", "silence", "add", "--match", "currency=[EUR, null]", *SAID)

    held = [held_by(stream, Alert(verdict(currency=currency), "low")) for currency in ("EUR", None, "USD")]
    assert held == [Held.SILENCE, Held.SILENCE, None]


@pytest.mark.kafka
def test_a_blocked_account_is_held_back_and_shown_masked(stream: Stream) -> None:
    run("alerts", "silence", "add", "--blocked", ACCOUNT, "--for", "7d", *SAID)

    assert held_by(stream, Alert(verdict(), "low")) is Held.BLOCKED
    shown = [run("alerts", "silence", "list"), json.dumps(listed())]
    assert all(MASKED in one and ACCOUNT not in one for one in shown)


@pytest.mark.kafka
def test_an_id_that_nobody_has_is_refused(stream: Stream) -> None:
    assert "there is no silence 'x'" in refusal_of("alerts", "silence", "expire", "x", "--author", "kim")


@pytest.mark.kafka
def test_a_topic_that_is_not_there_is_named(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_TOPICS__ALERT_SILENCES", "nowhere")

    assert "'nowhere'" in refusal_of("alerts", "silence", "list")
    assert "'nowhere'" in refusal_of("alerts", "silence", "add", "--match", "severity=low", *SAID)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (SAID, "a silence says of what"),
        (("--match", "severity=low", "--blocked", ACCOUNT, *SAID), "a silence says of what"),
        (("--match", "severity", *SAID), "--match is not FIELD=CONDITION"),
        (("--match", "=low", *SAID), "--match is not FIELD=CONDITION"),
        (("--match", "mood=bad", *SAID), "there is no field 'mood'"),
        (
            ("--match", "severity=low", "--match", "severity=high", *SAID),
            "--match names 'severity' twice, and all must",
        ),
        (("--match", "currency=[EUR", *SAID), "this is no list of conditions: write one such as [EUR, USD]"),
        (("--match", "currency=[[EUR]]", *SAID), "this is no list of conditions"),
        (("--match", "currency=[]", *SAID), "an empty list matches nothing"),
        (("--match", "amount=much", *SAID), "amount holds numbers"),
        (("--match", "severity=", *SAID), "an empty text matches nothing"),
        (("--match", "account_id=", *SAID), "an empty text matches nothing"),
        (("--blocked", "", *SAID), "--blocked is no account's number"),
        (("--blocked", f"!={ACCOUNT}", *SAID), "--blocked is no account's number"),
        (("--blocked", f">{ACCOUNT}", *SAID), "account_id holds texts"),
        (("--match", "severity=low", "--for", "forever", *SAID), "'forever' is no duration"),
        (("--match", "severity=low", "--for", "0s", *SAID), "'0s' is no duration"),
        (("--match", "severity=low", "--author", " ", "--reason", "why"), "--author is empty"),
        (("--match", "severity=low", "--author", "kim", "--reason", ""), "--reason is empty"),
        (("--match", "severity=low", "--author", "kim", "--reason", "y" * 501), "--reason is longer than 500"),
    ],
)
def test_what_is_unclear_is_refused_before_a_broker_is_asked(arguments: tuple[str, ...], problem: str) -> None:
    refusal = refusal_of("alerts", "silence", "add", *arguments)

    assert problem in refusal
    assert ACCOUNT not in refusal


@pytest.mark.parametrize("missing", [("--author", "kim"), ("--reason", "why")])
def test_author_and_reason_are_required(missing: tuple[str, str]) -> None:
    assert invoked("alerts", "silence", "add", "--match", "severity=low", *missing).exit_code == 2
