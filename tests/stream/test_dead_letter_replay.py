"""Each dead letter is sent again once: whoever is killed, frozen or overtaken, and however often it is tried."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream import kafka as clients
from stream.contracts import DeadLetterReason
from stream.dead_letter_reading import Choice, letter_of
from stream.dead_letter_replay import Tally, due, record_again
from stream.dead_letters import dead_letter
from stream.diagnosis import Rejection
from stream.records import Record, record_of
from stream.settings import KafkaSettings
from tests.harness.fault_points import Action
from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.letters import ACCOUNTS, put_letters, refused
from tests.harness.topics import CommittedReader, Stream, new_stream
from tests.harness.waiting import wait_until

LETTERS: Final = 2_000  # four transactions
ROOT: Final = Path(__file__).parents[2]
AT: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka, 4)


def replayed(stream: Stream, *options: str) -> dict[str, Any]:
    """What `fraud dlq replay` says that it did."""
    said: dict[str, Any] = json.loads(fraud("dlq", "replay", *options, "--json", env=stream.env))
    return said


def replaying(stream: Stream, log: Path, point: str, nth: int, action: Action) -> FraudProcess:
    """A replay of all to which something happens."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # So long that a replay which is overtaken learns that, and not that its time was up.
    patient = json.dumps({"transaction.timeout.ms": 50_000, "session.timeout.ms": 55_000})
    return FraudProcess(
        *("dlq", "replay", "--all", "--json"),
        env={**stream.env, "PYTHONPATH": path, "FRAUD_KAFKA__PROPERTIES": patient},
        log=log,
        program=[sys.executable, "-m", "tests.harness.faulty", point, str(nth), action, "--"],
    )


def sent(stream: Stream) -> list[Record]:
    """All committed records of the transactions topic."""
    reader = CommittedReader(stream.bootstrap, [stream.transactions])
    try:
        return [record_of(message) for message in reader.read_to_end(within_s=60)]
    finally:
        reader.close()


def require_each_once(stream: Stream, count: int) -> None:
    """Each of the letters of records 0, 1, ... is in the transactions topic once, as its record was."""
    records = sent(stream)
    numbers = Counter(int((record.value or b"").split()[0]) for record in records)
    assert numbers == dict.fromkeys(range(count), 1)
    places = Counter(dict(record.headers)["dead-letter-replayed-from"] for record in records)
    assert set(places.values()) == {1}
    for record in records:
        before = refused(stream, int((record.value or b"").split()[0]))
        assert (record.key, record.value) == (before.key, before.value)
        assert record.headers[:2] == before.headers
        assert [name for name, _ in record.headers[2:]] == ["dead-letter-replayed-from", "dead-letter-replayed-at"]
    partitions = {record.key: record.partition for record in records}
    assert all(partitions[record.key] == record.partition for record in records)


def letter(record: Record, place: tuple[int, int] = (3, 17)) -> Record:
    """What a reader of the dead-letter topic gets."""
    written = dead_letter(record, Rejection(DeadLetterReason.NOT_JSON, "m"), topic="dlq", now_ms=0)
    return Record("dlq", *place, written.key, written.value, written.headers, written.timestamp_ms)


def source(topic: str = "transactions", value: bytes | None = b"v") -> Record:
    return Record(topic, 2, 41, None, value, (("h", None), ("h", b"1")), 123)


@pytest.mark.parametrize("value", [b"v", b"", None])
def test_a_record_is_sent_as_it_came_and_says_where_from(value: bytes | None) -> None:
    found = letter_of(letter(source(value=value)))
    assert found is not None

    again = record_again(found, AT)

    assert (again.topic, again.partition, again.key, again.value) == ("transactions", 2, None, value)
    assert again.timestamp_ms == 0, "an old one's would have the record deleted again"
    assert again.headers == (
        ("h", None),
        ("h", b"1"),
        ("dead-letter-replayed-from", b"dlq/3/17"),
        ("dead-letter-replayed-at", b"2026-01-31T12:00:00.000+00:00"),
    )


def test_a_record_that_comes_back_keeps_where_it_was_sent_from_before() -> None:
    first = letter_of(letter(source()))
    assert first is not None
    again = record_again(first, AT)
    refused_again = Record("transactions", 2, 99, again.key, again.value, again.headers, again.timestamp_ms)

    second = letter_of(letter(refused_again, (0, 5)))
    assert second is not None

    said = [value for name, value in record_again(second, AT).headers if name == "dead-letter-replayed-from"]
    assert said == [b"dlq/3/17", b"dlq/0/5"]
    assert (second.topic, second.offset) == ("transactions", 99)


def test_what_is_not_to_be_sent_is_counted() -> None:
    records = [
        letter(source(), (0, 1)),
        letter(source(), (0, 2)),
        letter(source("other"), (0, 3)),
        source("dlq"),
        letter(source(), (0, 4)),
    ]
    tally = Tally()

    found = due(records, Choice(until_ms=124), {"0:2"}, "transactions", tally)

    assert [one.place for one in found] == ["0:1", "0:4"]
    assert tally == Tally(sent=0, already_replayed=1, of_other_topics=1, no_dead_letters=1)
    assert list(due(records, Choice(until_ms=123), set(), "transactions", Tally())) == []


@pytest.mark.kafka
def test_all_are_sent_once_and_the_second_time_none(stream: Stream) -> None:
    put_letters(stream, (refused(stream, number) for number in range(LETTERS)))

    assert replayed(stream, "--all", "--dry-run")["sent"] == LETTERS
    assert sent(stream) == []
    assert replayed(stream, "--all") == {
        "dry_run": False,
        "sent": LETTERS,
        "already_replayed": 0,
        "of_other_topics": 0,
        "no_dead_letters": 0,
    }
    require_each_once(stream, LETTERS)
    for options in (["--all", "--dry-run"], ["--all"]):
        again = replayed(stream, *options)
        assert (again["sent"], again["already_replayed"]) == (0, LETTERS)
    assert f"{LETTERS} already replayed" in fraud("dlq", "replay", "--all", env=stream.env)
    require_each_once(stream, LETTERS)


@pytest.mark.kafka
@pytest.mark.parametrize(
    "point", ["after-begin", "after-first-produce", "after-flush", "before-commit", "during-commit", "after-commit"]
)
def test_killed_at_any_point_and_run_again(point: str, stream: Stream, tmp_path: Path) -> None:
    put_letters(stream, (refused(stream, number) for number in range(LETTERS)))
    with replaying(stream, tmp_path / "log", point, 3, Action.KILL) as killed:
        assert killed.ended() == -signal.SIGKILL

    said = replayed(stream, "--all")

    assert said["sent"] + said["already_replayed"] == LETTERS
    assert said["already_replayed"] >= LETTERS // 2
    require_each_once(stream, LETTERS)


@pytest.mark.kafka
@pytest.mark.parametrize("point", ["after-begin", "after-flush", "after-commit"])
def test_a_replay_that_another_one_overtakes_ends_and_says_so(point: str, stream: Stream, tmp_path: Path) -> None:
    put_letters(stream, (refused(stream, number) for number in range(LETTERS)))
    with replaying(stream, tmp_path / "log", point, 2, Action.STOP) as older:
        wait_until(older.is_frozen, within_s=60, what="it does not come to its second transaction")
        newer = replayed(stream, "--all")
        older.thaw()
        assert older.ended() == 1

    assert newer["sent"] + newer["already_replayed"] == LETTERS
    said = older.log.read_text()
    assert "another replay" in said
    assert f"after {newer['already_replayed']} dead letters" in said
    require_each_once(stream, LETTERS)


@pytest.mark.kafka
def test_several_at_once_send_each_once(stream: Stream, tmp_path: Path) -> None:
    put_letters(stream, (refused(stream, number) for number in range(LETTERS)))
    # No ledger yet: they make it at once, too.
    client = AdminClient({"bootstrap.servers": stream.bootstrap})
    for future in client.delete_topics([f"{stream.dead_letters}.replayed"]).values():
        future.result()

    options = ("dlq", "replay", "--all")
    logs = [tmp_path / name for name in ("a", "b", "c")]
    with ExitStack() as running:
        for process in [running.enter_context(FraudProcess(*options, env=stream.env, log=log)) for log in logs]:
            assert process.ended() in {0, 1}, process.log.read_text()

    replayed(stream, "--all")
    require_each_once(stream, LETTERS)


@pytest.mark.kafka
def test_asked_to_end_it_finishes_what_it_has_in_hand(stream: Stream, tmp_path: Path) -> None:
    put_letters(stream, (refused(stream, number) for number in range(LETTERS)))
    with replaying(stream, tmp_path / "log", "after-flush", 2, Action.TERM) as process:
        assert process.ended() == 130

    assert json.loads(process.log.read_text().splitlines()[0])["sent"] == LETTERS // 2
    assert replayed(stream, "--all")["sent"] == LETTERS // 2
    require_each_once(stream, LETTERS)


@pytest.mark.kafka
def test_a_choice_is_sent_and_the_rest_can_follow(stream: Stream) -> None:
    put_letters(stream, (refused(stream, number) for number in range(30)))
    put_letters(stream, (refused(stream, number) for number in range(30, 60)), DeadLetterReason.TOO_LONG)

    assert replayed(stream, "--reason", "too_long", "--limit", "10")["sent"] == 10
    assert replayed(stream, "--reason", "too_long")["sent"] == 20
    in_partition_1 = sum(number % ACCOUNTS % 4 == 1 for number in range(30))
    assert replayed(stream, "--partition", "1", "--reason", "not_json")["sent"] == in_partition_1
    early = replayed(stream, "--until", "2023-11-14T22:13:20.015Z")
    assert early["sent"] + early["already_replayed"] == 15
    late = replayed(stream, "--since", "2023-11-14T23:13:20.015+01:00")
    assert late["sent"] + late["already_replayed"] == 45
    assert replayed(stream, "--all")["sent"] == 0
    require_each_once(stream, 60)


@pytest.mark.kafka
def test_what_is_of_another_topic_or_no_dead_letter_is_left(stream: Stream) -> None:
    other = new_stream(stream.bootstrap, 1)
    put_letters(stream, [refused(stream, 0)])
    put_letters(stream, [refused(other, 5)])
    put_letters(stream, [refused(stream, 1)])
    producer = clients.producer(KafkaSettings(bootstrap_servers=stream.bootstrap))
    producer.produce(stream.dead_letters, b"by hand")
    assert producer.flush(30) == 0

    said = replayed(stream, "--all")

    assert (said["sent"], said["of_other_topics"], said["no_dead_letters"]) == (2, 1, 1)
    require_each_once(stream, 2)
    assert sent(other) == []


@pytest.mark.kafka
def test_the_ledger_of_a_topic_that_was_made_anew_does_not_count(stream: Stream) -> None:
    put_letters(stream, [refused(stream, 0)])
    assert replayed(stream, "--all")["sent"] == 1
    client = AdminClient({"bootstrap.servers": stream.bootstrap})
    for future in client.delete_topics([stream.dead_letters]).values():
        future.result()
    wait_until(lambda: _made(client, stream.dead_letters), within_s=30, what="the topic cannot be made anew")

    put_letters(stream, [refused(stream, 1)])

    assert replayed(stream, "--all")["sent"] == 1
    assert sorted((record.value or b"")[:2] for record in sent(stream)) == [b"0 ", b"1 "]


@pytest.mark.kafka
def test_long_dead_letters_are_sent_too(stream: Stream) -> None:
    long = os.urandom(6 * 1024 * 1024)
    records = [refused(stream, number) for number in range(5)]
    put_letters(
        stream,
        [
            Record(one.topic, one.partition, one.offset, one.key, b"%d " % number + long, one.headers, one.timestamp_ms)
            for number, one in enumerate(records)
        ],
    )

    assert replayed(stream, "--all")["sent"] == 5
    assert sorted((record.value or b"")[:2] for record in sent(stream)) == [b"0 ", b"1 ", b"2 ", b"3 ", b"4 "]


@pytest.mark.kafka
def test_a_transaction_that_the_broker_refuses_leaves_no_entry(stream: Stream, make_topic: Any) -> None:
    narrow = make_topic("narrow", max_message_bytes="2000")
    env = {**stream.env, "FRAUD_TOPICS__TRANSACTIONS": narrow}
    own = Stream(stream.bootstrap, env)
    long = refused(own, 1)
    put_letters(own, [refused(own, 0)])
    put_letters(
        own,
        [Record(long.topic, 0, 1, long.key, os.urandom(5000), long.headers, long.timestamp_ms)],
        DeadLetterReason.TOO_LONG,
    )

    failed = attempt("dlq", "replay", "--all", env=env)

    assert failed.returncode == 1
    assert narrow in failed.stderr
    assert "max.message.bytes" in failed.stderr
    assert sent(own) == []
    assert replayed(own, "--reason", "not_json")["sent"] == 1


def _made(client: AdminClient, topic: str) -> bool:
    try:
        client.create_topics([NewTopic(topic, num_partitions=1)])[topic].result()
    except KafkaException as refusal:
        if refusal.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True
