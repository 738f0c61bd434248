"""Scored again: the same bits by the same model, only what was asked for, each once, and nobody else notices."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from model.scoring.scorer import Scorer
from model.versions.loading import load_scorer
from stream import kafka as clients
from stream.offset_ranges import Range, RangeUnavailable, Wanted
from stream.records import first_header, record_of
from stream.rescoring import (
    RUN_HEADER,
    OutputUnusable,
    Rescored,
    RescoringUnfinished,
    go_on_with,
    require_apart,
    require_output,
    rescore,
    rescoring_id,
)
from stream.settings import KafkaSettings, ScorerSettings, TopicSettings
from stream.verdict_diff import diff_topics
from tests.harness.past import (
    GOOD,
    STEP_MS,
    Past,
    past,
    records_in,
    sources_of,
    verdicts_in,
    without_time,
)
from tests.harness.poison import MALFORMED
from tests.harness.topics import Stream, committed_offsets, end_offsets, new_stream

BATCH: Final = 50


@pytest.fixture(scope="module")
def scored(kafka: str, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """What all tests here score again; none of them changes it."""
    return past(kafka, simulated, tmp_path_factory.mktemp("past"))


@pytest.fixture(scope="module")
def scorers(scored: Past) -> tuple[Scorer, Scorer]:
    """The model that gave the verdicts, and another one."""
    first, second = (load_scorer(directory) for directory in scored.models)
    return first, second


def again(
    stream: Stream,
    scorer: Scorer,
    wanted: Wanted,
    out: str,
    *,
    run: str = "run-1",
    stop: threading.Event | None = None,
    progress: Callable[[Rescored], None] = lambda _: None,
) -> Rescored:
    env = stream.env
    return rescore(
        scorer,
        wanted,
        out=out,
        run=run,
        kafka=KafkaSettings(bootstrap_servers=stream.bootstrap),
        topics=TopicSettings(
            transactions=env["FRAUD_TOPICS__TRANSACTIONS"],
            verdicts=env["FRAUD_TOPICS__VERDICTS"],
            dead_letters=env["FRAUD_TOPICS__DEAD_LETTERS"],
        ),
        settings=ScorerSettings(group_id=stream.group, batch_size=BATCH),
        stop=stop or threading.Event(),
        now=lambda: datetime.now(UTC),
        planned=lambda _: None,
        progress=progress,
    )


@pytest.mark.parametrize("topic", ["transactions", "verdicts", "transactions.dlq", "alerts.dlq"])
def test_no_verdict_goes_to_a_topic_that_is_read_for_another_reason(topic: str) -> None:
    with pytest.raises(OutputUnusable, match=r"'verdicts\.shadow'"):
        require_apart(topic, TopicSettings())
    require_apart("verdicts.shadow", TopicSettings())
    require_apart("verdicts.of-mine", TopicSettings())


def test_a_topic_that_is_missing_is_to_be_made() -> None:
    with pytest.raises(OutputUnusable, match=r"fraud topics create --set topics\.shadow_verdicts=mine"):
        require_output("mine", {"verdicts": object()})
    require_output("mine", {"mine": object()})


def test_what_is_left_is_what_the_next_run_is_told() -> None:
    done = Rescored({0: Range(3, 9), 1: Range(0, 5), 2: Range(7, 7)}, reached={0: 6, 1: 5, 2: 7})

    assert done.left == {0: Range(6, 9)}
    assert done.passed == 8
    assert go_on_with(done.left) == "--from-offset 0:6 --to-offset 0:9"
    assert Rescored({0: Range(3, 9)}).left == {0: Range(3, 9)}


@pytest.mark.kafka
def test_the_same_model_says_the_same_in_everything_but_the_time(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = scored.stream, make_topic("again", partitions=3)
    dead_letters = end_offsets(stream.bootstrap, stream.dead_letters)

    done = again(stream, scorers[0], Wanted(0), out, run="run-7")

    before = {one["transaction_id"]: without_time(one) for one in verdicts_in(stream, stream.verdicts)}
    after = verdicts_in(stream, out)
    assert len(after) == len(before) == GOOD
    assert {one["transaction_id"]: without_time(one) for one in after} == before
    assert len({one["fraud_probability"] for one in after}) > 20
    assert (done.read, done.verdicts, done.left) == (len(scored.sent), GOOD, {})
    assert done.frauds == sum(one["verdict"] == "fraud" for one in after) > 0
    # Bad records are counted, and are not dead letters for a second time.
    assert done.dead_letters == dict.fromkeys(MALFORMED, 1)
    assert end_offsets(stream.bootstrap, stream.dead_letters) == dead_letters

    # Keys, partitions and headers are the stream's own too, and one header says which run it was.
    def by_key(topic: str) -> Counter[tuple[object, ...]]:
        records = (record_of(message) for message in records_in(stream, topic))
        own = (
            (one.key, one.partition, tuple(pair for pair in one.headers if pair[0] != RUN_HEADER)) for one in records
        )
        return Counter(own)

    assert by_key(out) == by_key(stream.verdicts)
    assert {first_header(record_of(one).headers, RUN_HEADER) for one in records_in(stream, out)} == {b"run-7"}

    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    found = diff_topics(kafka, stream.verdicts, out, examples=5, progress=lambda _: None)
    assert found.is_identical
    assert (found.compared, found.flips, found.left.outside, found.right.outside) == (GOOD, 0, 0, 0)


@pytest.mark.kafka
def test_the_flips_of_another_model_are_those_that_can_be_counted_by_hand(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = scored.stream, make_topic("again", partitions=2)

    again(stream, scorers[1], Wanted(0), out)

    before = {one["transaction_id"]: one for one in verdicts_in(stream, stream.verdicts)}
    pairs = [(before[one["transaction_id"]], one) for one in verdicts_in(stream, out)]
    rulings = Counter((one["verdict"], other["verdict"]) for one, other in pairs)
    sizes = [abs(other["fraud_probability"] - one["fraud_probability"]) for one, other in pairs]
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    found = diff_topics(kafka, stream.verdicts, out, examples=3, progress=lambda _: None)
    assert found.flips > 0
    assert found.to_fraud == rulings["legitimate", "fraud"]
    assert found.to_legitimate == rulings["fraud", "legitimate"]
    assert found.same_ruling == GOOD - found.flips
    assert found.identical == sum(size == 0 for size in sizes) < GOOD
    assert found.change.largest == max(sizes)
    assert [abs(one.right - one.left) for one in found.examples] == sorted(sizes, reverse=True)[:3]
    assert [model.version for model in found.left.models] == [scorers[0].version]
    assert [model.version for model in found.right.models] == [scorers[1].version]


@pytest.mark.kafka
def test_only_the_offsets_that_are_asked_for(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = scored.stream, make_topic("again")

    done = again(stream, scorers[0], Wanted({0: 100, 2: 7}, {0: 180}), out)

    end = end_offsets(stream.bootstrap, stream.transactions)[2]
    assert done.ranges == {0: Range(100, 180), 2: Range(7, end)}
    meant = {*((0, at) for at in range(100, 180)), *((2, at) for at in range(7, end))}
    assert sources_of(verdicts_in(stream, out)) == sorted(meant & scored.good())
    assert done.read == len(meant)


@pytest.mark.kafka
def test_only_the_time_that_is_asked_for(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = scored.stream, make_topic("again")

    def moment(number: int) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=scored.first_ms + STEP_MS * number)

    done = again(stream, scorers[0], Wanted(moment(200), moment(900)), out)

    meant = {(one.partition, one.offset) for one in scored.sent[200:900]}
    assert sources_of(verdicts_in(stream, out)) == sorted(meant & scored.good())
    assert (done.read, done.cut) == (700, ())


@pytest.mark.kafka
def test_a_run_that_is_stopped_finishes_its_batch_and_another_goes_on_from_there(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out, stop = scored.stream, make_topic("again"), threading.Event()

    def stop_soon(done: Rescored) -> None:
        if done.read >= 6 * BATCH:
            stop.set()

    first = again(stream, scorers[0], Wanted(0), out, stop=stop, progress=stop_soon)

    assert 6 * BATCH <= first.read < 7 * BATCH
    assert len(verdicts_in(stream, out)) == first.verdicts
    rest = Wanted(
        {number: range_.start for number, range_ in first.left.items()},
        {number: range_.end for number, range_ in first.left.items()},
    )
    second = again(stream, scorers[0], rest, out)
    assert (second.left, first.read + second.read) == ({}, len(scored.sent))
    assert sources_of(verdicts_in(stream, out)) == sorted(scored.good())


@pytest.mark.kafka
def test_of_two_runs_into_one_topic_the_older_ends_and_says_how_far_it_came(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = scored.stream, make_topic("again")
    kafka = KafkaSettings(bootstrap_servers=stream.bootstrap)
    reached: list[dict[int, int]] = []

    def overtake(done: Rescored) -> None:
        if done.read and not reached:
            reached.append(done.reached)
            newer = clients.transactional_producer(kafka, rescoring_id(ScorerSettings(group_id=stream.group), out))
            newer.init_transactions(30)

    with pytest.raises(RescoringUnfinished, match="another rescoring") as failure:
        again(stream, scorers[0], Wanted(0), out, progress=overtake)

    ends = end_offsets(stream.bootstrap, stream.transactions)
    left = {number: Range(start, ends[number]) for number, start in reached[0].items() if start < ends[number]}
    assert go_on_with(left) in str(failure.value)
    assert len(verdicts_in(stream, out)) <= BATCH


@pytest.mark.kafka
def test_a_topic_that_refuses_verdicts_ends_the_run_with_how_to_go_on(
    scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, narrow = scored.stream, make_topic("narrow", max_message_bytes="300")

    with pytest.raises(RescoringUnfinished, match=r"after 0 verdicts .*max\.message\.bytes.* 0:100 --to-offset 0:180"):
        again(stream, scorers[0], Wanted({0: 100}, {0: 180}), narrow)

    assert verdicts_in(stream, narrow) == []


@pytest.mark.kafka
def test_what_was_deleted_is_refused_with_the_first_offset_that_is_there(
    kafka: str, scored: Past, scorers: tuple[Scorer, Scorer], make_topic: Callable[..., str]
) -> None:
    stream, out = new_stream(kafka, 1), make_topic("again")
    stream.produce({"value": json.dumps({"transaction_id": str(at), "event_time": at})} for at in range(30))
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_records([TopicPartition(stream.transactions, 0, 12)]).values():
        future.result()

    with pytest.raises(RangeUnavailable, match=r"begins at offset 12 .* 0:12"):
        again(stream, scorers[0], Wanted(0), out)

    assert again(stream, scorers[0], Wanted({0: 12}), out).verdicts == 18
    by_time = again(stream, scorers[0], Wanted(datetime.fromtimestamp(0, UTC)), out)
    assert (by_time.verdicts, by_time.cut) == (18, (0,))
    assert committed_offsets(kafka, stream.group, stream.transactions) == {0: -1001}
