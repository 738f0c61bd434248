"""Answers are in Kafka before anybody is told that they were taken."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from alerting.acknowledging import Answered, Said, Token, answer_of
from alerting.answers import AnswerLost, Answers
from alerting.labels import Label
from alerting.ledger.entries import Confirmation
from alerting.ledger.entries import Said as Confirmed
from alerting.ledger.writing import entry_in
from alerting.silences import all_silences
from demo.ports import LOOPBACK, free_ports
from stream import contracts
from stream.records import record_of
from stream.settings import KafkaSettings, TopicSettings
from tests.harness.led import wait_until_led
from tests.harness.topics import CommittedReader, Stream, new_stream

pytestmark = pytest.mark.kafka

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def stream(kafka: str) -> Stream:
    return new_stream(kafka)


@pytest.fixture
def settings(kafka: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka)


@pytest.fixture
def topics(stream: Stream) -> TopicSettings:
    prefix = "FRAUD_TOPICS__"
    named = {name.removeprefix(prefix).lower(): at for name, at in stream.env.items() if name.startswith(prefix)}
    made = TopicSettings(**named)
    wait_until_led(stream.bootstrap, made.alert_silences, made.labels, made.alert_ledger)
    return made


@pytest.fixture
def answers(settings: KafkaSettings, topics: TopicSettings) -> Iterator[Answers]:
    with closing(Answers(settings, topics)) as writing:
        yield writing


def answered(number: int = 0, said: Said = Said.FRAUD) -> Answered:
    token = Token(
        alert_id=f"alert-{number}",
        transaction_id=f"tx-{number}",
        topic="transactions",
        partition=1,
        offset=number,
        group=f"group-{number}",
        receiver="desk",
        recipient="abcd",
        expires=0,
    )
    return answer_of(token, said, by="desk/abcd", now=NOW, hold=timedelta(hours=4))


def labels_in(stream: Stream, topics: TopicSettings) -> list[Label]:
    with closing(CommittedReader(stream.bootstrap, [topics.labels])) as reader:
        records = [record_of(message) for message in reader.read_to_end()]
    assert all(contracts.SCHEMA_VERSION_HEADER in dict(record.headers) for record in records)
    return [decode(record.value) for record in records]


def decode(value: bytes | None) -> Label:
    return msgspec.json.decode(value or b"", type=Label)


def test_an_answer_is_a_silence_and_a_label(
    answers: Answers, settings: KafkaSettings, topics: TopicSettings, stream: Stream
) -> None:
    given = answered()

    answers.said(given.silence, given.label)

    assert all_silences(settings, topics.alert_silences) == [given.silence]
    assert labels_in(stream, topics) == [given.label]


def test_an_answer_without_a_label_writes_none(
    answers: Answers, settings: KafkaSettings, topics: TopicSettings, stream: Stream
) -> None:
    given = answered(said=Said.SEEN)

    answers.said(given.silence, given.label)

    assert all_silences(settings, topics.alert_silences) == [given.silence]
    assert labels_in(stream, topics) == []


def test_many_threads_may_answer_at_once(answers: Answers, topics: TopicSettings, stream: Stream) -> None:
    given = [answered(number) for number in range(40)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: answers.said(one.silence, one.label), given))

    by_offset = sorted(labels_in(stream, topics), key=lambda label: label.source.offset)
    assert by_offset == [one.label for one in given]


def test_what_a_provider_says_stands_beside_the_notice(answers: Answers, topics: TopicSettings, stream: Stream) -> None:
    confirmation = Confirmation(id="notice-1", said=Confirmed.FAILED, code="30003", at=NOW)

    answers.confirmed(confirmation, 2)

    with closing(CommittedReader(stream.bootstrap, [topics.alert_ledger])) as reader:
        (record,) = [record_of(message) for message in reader.read_to_end()]
    assert (record.partition, record.key) == (2, b"confirmation/notice-1")
    assert entry_in(record) == confirmation


def test_what_the_broker_does_not_take_is_lost_aloud_and_the_next_is_taken(
    settings: KafkaSettings, topics: TopicSettings, stream: Stream
) -> None:
    given = answered()
    short = settings.model_copy(update={"properties": {"message.max.bytes": 1_000}})
    with closing(Answers(short, topics)) as answers:
        with pytest.raises(AnswerLost, match="could not be written"):
            answers.said(replace(given.silence, author="k" * 2_000), given.label)
        assert labels_in(stream, topics) == []

        answers.said(given.silence, given.label)

    assert labels_in(stream, topics) == [given.label]


def test_where_no_broker_answers_nothing_is_said_to_be_taken(
    topics: TopicSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerting.answers._WAIT_S", 0.5)
    (nobody,) = free_ports(1)
    with (
        closing(Answers(KafkaSettings(bootstrap_servers=f"{LOOPBACK}:{nobody}"), topics)) as answers,
        pytest.raises(AnswerLost, match="did not answer in time"),
    ):
        answers.said(answered().silence)
