"""`fraud dlq` as people use it: how much, why, one of them without what is in it, and all of them once more."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stream.contracts import DeadLetterReason
from stream.records import Record, first_header, record_of
from tests.harness.commands import invoked, refusal_of, run
from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.letters import CARD, put_letters, refused
from tests.harness.poison import MALFORMED, malformed, transaction
from tests.harness.topics import CommittedReader, Stream, new_stream


@pytest.fixture
def stream(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """A stream that commands of this process use too."""
    made = new_stream(kafka, 4)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


def listing(*options: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run("dlq", "list", "--json", *options))
    return said


def place_of_only(*options: str) -> str:
    """Where the one dead letter stands that is meant."""
    (letter,) = listing(*options)["newest"]
    return str(letter["place"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("list", "--since", "2026-01-31T12:00:00"), "--since"),
        (("list", "--until", "yesterday"), "--until"),
        (("show", "3"), "PARTITION:OFFSET"),
        (("show", "3:-1"), "PARTITION:OFFSET"),
        (("show", "0:0", "--value", "--json"), "--value and --json"),
        (("replay",), "--all"),
        (("replay", "--limit", "5"), "--all"),
        (("replay", "--dry-run"), "--all"),
        (("replay", "--all", "--partition", "0"), "--all and a filter"),
    ],
)
def test_what_is_not_clear_is_refused_before_the_broker_is_asked(options: tuple[str, ...], said: str) -> None:
    assert said in refusal_of("dlq", *options, "--bootstrap-servers", "127.0.0.1:1")


def test_a_reason_that_there_is_not_is_refused_with_all_that_there_are() -> None:
    result = invoked("dlq", "list", "--reason", "bad_luck")

    assert result.exit_code == 2
    told = "".join(result.stderr.split())
    assert all(f"'{reason}'" in told for reason in DeadLetterReason)


@pytest.mark.kafka
def test_dead_letters_are_counted_by_reason_and_partition(stream: Stream) -> None:
    put_letters(stream, (refused(stream, number, partition=number % 2) for number in range(30)))
    put_letters(stream, (refused(stream, number, partition=3) for number in range(30, 40)), DeadLetterReason.TOO_LONG)

    said = listing("--limit", "2")

    assert (said["topic"], said["dead_letters"]) == (stream.dead_letters, 40)
    groups = [(one["reason"], one["partition"], one["dead_letters"], one["replayed"]) for one in said["groups"]]
    assert groups == [("not_json", 0, 15, 0), ("not_json", 1, 15, 0), ("too_long", 3, 10, 0)]
    assert said["groups"][1]["first"] == "2023-11-14T22:13:20.001Z"
    assert said["groups"][1]["last"] == "2023-11-14T22:13:20.029Z"
    assert [one["source"]["offset"] for one in said["newest"]] == [39, 38]
    newest = said["newest"][0]
    assert (newest["reason"], newest["value_bytes"], newest["replayed"]) == ("too_long", 19, False)

    for options, count in (
        (["--reason", "too_long"], 10),
        (["--reason", "too_long", "--reason", "not_json"], 40),
        (["--reason", "tombstone"], 0),
        (["--partition", "0", "--partition", "3"], 25),
        (["--since", "2023-11-14T22:13:20.025Z"], 15),
        (["--since", "2023-11-14T23:13:20.0245+01:00"], 15),
        (["--until", "2023-11-14T22:13:20.025Z"], 25),
        (["--until", "2023-11-14T22:13:20.0245Z"], 25),
        (["--since", "2023-11-14T22:13:20.010Z", "--until", "2023-11-14T22:13:20.020Z", "--partition", "1"], 5),
        (["--since", "2100-01-01T00:00:00Z"], 0),
    ):
        assert listing(*options)["dead_letters"] == count, options

    table = run("dlq", "list")
    assert f"40 dead letters in {stream.dead_letters}" in table
    assert "2023-11-14T22:13:20.001Z" in table
    assert newest["place"] in table


@pytest.mark.kafka
def test_nothing_of_keys_and_values_is_shown_unless_it_is_asked_for(stream: Stream) -> None:
    record = refused(stream, 7)
    put_letters(stream, [record])
    place = place_of_only()

    said = json.loads(run("dlq", "show", place, "--json"))

    assert said == {
        "place": place,
        "reason": "not_json",
        "message": "it is not_json",
        "source": {"topic": stream.transactions, "partition": 3, "offset": 7},
        "timestamp": "2023-11-14T22:13:20.007Z",
        "key_bytes": len(record.key or b""),
        "value_bytes": len(record.value or b""),
        "replayed": False,
        "headers": [["number", "7"], ["number", None]],
    }
    shown = "".join(run("dlq", *command) for command in (["list"], ["list", "--json"], ["show", place]))
    assert CARD.decode() not in shown
    assert invoked("dlq", "show", place, "--value").stdout_bytes == record.value


@pytest.mark.kafka
def test_a_header_does_nothing_to_the_terminal(stream: Stream) -> None:
    record = refused(stream, 7)
    hostile = (("name\x1b]0;owned\x07", b"\x1b[2J\xff[red]"),)
    put_letters(stream, [Record(record.topic, 0, 7, None, None, hostile, 0)])

    shown = run("dlq", "show", place_of_only())

    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"\x1b[2J\xff[red]" in shown
    assert invoked("dlq", "show", place_of_only(), "--value").stdout_bytes == b""


@pytest.mark.kafka
def test_a_place_without_a_dead_letter_is_refused(stream: Stream) -> None:
    assert "nothing stands at 0:0" in refusal_of("dlq", "show", "0:0")
    assert "nothing stands at 99:0" in refusal_of("dlq", "show", "99:0")


@pytest.mark.kafka
def test_a_list_of_none_is_empty_and_needs_no_ledger(kafka: str, make_topic: Any) -> None:
    topic = make_topic("dlq")
    env = {"FRAUD_KAFKA__BOOTSTRAP_SERVERS": kafka, "FRAUD_TOPICS__DEAD_LETTERS": topic}

    assert fraud("dlq", "list", env=env) == ""
    missing = attempt("dlq", "list", env={**env, "FRAUD_TOPICS__DEAD_LETTERS": f"{topic}-not"})
    assert (missing.returncode, missing.stdout) == (2, "")
    assert f"{topic}-not" in missing.stderr


@pytest.mark.kafka
def test_once_what_was_wrong_is_mended_replayed_records_are_scored_and_bad_ones_come_back(
    stream: Stream, trained_model: Path, tmp_path: Path
) -> None:
    good = [transaction(number, note="x" * 300) for number in range(40)]
    bad = [malformed(number) for number in range(len(MALFORMED))]
    stream.produce([*good, *bad], partitioner="murmur2_random")
    letters = CommittedReader(stream.bootstrap, [stream.dead_letters])
    verdicts = CommittedReader(stream.bootstrap, [stream.verdicts])

    with _scorer(stream, trained_model, tmp_path / "narrow.log", FRAUD_SCORER__MAX_RECORD_BYTES="200"):
        letters.read_until(50)
    assert listing("--reason", "too_long")["dead_letters"] == 40

    with _scorer(stream, trained_model, tmp_path / "mended.log"):
        assert json.loads(fraud("dlq", "replay", "--all", "--json", env=stream.env))["sent"] == 50
        verdicts.read_until(40)
        letters.read_until(60)
        again = json.loads(fraud("dlq", "replay", "--reason", "too_long", "--json", env=stream.env))
    assert (again["sent"], again["already_replayed"]) == (0, 40)

    scored = Counter(json.loads(message.value() or b"")["transaction_id"] for message in verdicts.read_to_end())
    assert scored == {f"t-{number}": 1 for number in range(40)}
    came_back = [
        record
        for record in map(record_of, letters.read_to_end())
        if first_header(record.headers, "dead-letter-replayed-from") is not None
    ]
    assert Counter(_kind(record) for record in came_back) == dict.fromkeys(MALFORMED, 1)
    assert all(dict(record.headers)["dead-letter-reason"] == _kind(record).encode() for record in came_back)
    # In its new place it is a dead letter like any other.
    groups = listing()["groups"]
    assert (sum(one["dead_letters"] for one in groups), sum(one["replayed"] for one in groups)) == (60, 50)
    letters.close()
    verdicts.close()


def _scorer(stream: Stream, model: Path, log: Path, **env: str) -> FraudProcess:
    return FraudProcess("score", "--model", model, env={**stream.env, **env}, log=log)


def _kind(record: Record) -> str:
    return (first_header(record.headers, "kind") or b"").decode()
