"""A challenger's verdicts on a real broker: beside the loop, counted one by one, and never in the loop's way."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.contracts import Ruling, Verdict
from stream.errors import Mendable
from stream.judging import Judge, Judged
from stream.records import Record
from stream.settings import KafkaSettings, TopicSettings
from stream.shadow import Shadow, Skipped
from tests.harness.served import served, table
from tests.harness.topics import CommittedReader
from tests.harness.waiting import wait_until

INPUTS = ("amount", "V1", "V2", "V3")
OTHER_INPUTS = ("amount", "V1", "V2", "other")
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOBODY = "127.0.0.1:1"


def _scorer(version: str, threshold: float = 0.2, *, linear: bool = False, inputs: Sequence[str] = INPUTS) -> Scorer:
    serving = served(len(inputs), inputs=inputs, linear=linear)
    return Scorer(serving, threshold=threshold, name="small", version=version)


@pytest.fixture(scope="module")
def champion() -> Scorer:
    return _scorer("champion")


@pytest.fixture(scope="module")
def challenger() -> Scorer:
    return _scorer("challenger", 0.4, linear=True)


class Counts:
    """What the metrics were told."""

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[Ruling, Ruling]] = Counter()
        self.skipped: Counter[Skipped] = Counter()

    def shadow_verdict(self, champion: Ruling, challenger: Ruling) -> None:
        self.verdicts[champion, challenger] += 1

    def shadow_skipped(self, cause: Skipped, count: int) -> None:
        self.skipped[cause] += count

    def settled(self) -> int:
        """Of how many transactions it is known what became of them."""
        return self.verdicts.total() + self.skipped.total()


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def topics(make_topic: Callable[..., str]) -> TopicSettings:
    return TopicSettings(shadow_verdicts=make_topic("verdicts.shadow", partitions=4))


def _shadow(bootstrap: str, topics: TopicSettings, counts: Counts, **properties: str | int | float | bool) -> Shadow:
    kafka = KafkaSettings(bootstrap_servers=bootstrap, properties=properties)
    return Shadow(lambda: clients.producer(kafka), topics, max_record_bytes=100_000, metrics=counts, now=lambda: MOMENT)


def _judged(champion: Scorer, rows: int, *, first: int = 0, padding: int = 0, **fields: Any) -> Judged:
    """A batch as the champion has ruled on it: a record that is none in front, then so many transactions."""
    inputs, times, _ = table(len(INPUTS), rows=rows, seed=11)
    sent: list[Mapping[str, Any]] = [
        {
            "transaction_id": f"t-{first + at}",
            "event_time": int(moment),
            **{name: None if np.isnan(value) else value for name, value in zip(INPUTS, row.tolist(), strict=True)},
            "padding": "x" * padding,
            **fields,
        }
        for at, (row, moment) in enumerate(zip(inputs, times, strict=True))
    ]
    values = [b"no transaction", *(json.dumps(one).encode() for one in sent)]
    records = [Record("transactions", 1, first + at, b"k%d" % (at % 9), one, (), 1) for at, one in enumerate(values)]
    judge = Judge(champion, TopicSettings(), max_record_bytes=100_000, now=lambda: MOMENT, timer=time.perf_counter)
    return judge.judge(records)


def _written(kafka: str, topics: TopicSettings, count: int) -> list[Verdict]:
    reader = CommittedReader(kafka, [topics.shadow_verdicts])
    try:
        reader.read_until(count)
        return [msgspec.json.decode(message.value() or b"", type=Verdict) for message in reader.read_to_end()]
    finally:
        reader.close()


def _expected(judged: Judged, challenger: Scorer) -> dict[str, Ruling]:
    """What the challenger says of each transaction, by numpy alone."""
    values = [json.loads(record.value or b"") for record in judged.ruled]
    rows = np.array([[one.get(name) for name in challenger.inputs] for one in values], dtype=np.float64)
    times = np.array([one["event_time"] for one in values])
    frauds = challenger.score(rows, times) >= challenger.threshold
    return {
        one["transaction_id"]: Ruling.FRAUD if fraud else Ruling.LEGITIMATE
        for one, fraud in zip(values, frauds.tolist(), strict=True)
    }


@pytest.mark.kafka
def test_the_challenger_rules_on_what_the_champion_ruled_on_and_disagreements_are_counted(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    judged = _judged(champion, 300)
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(challenger)
        shadow.offer(judged)
        verdicts = _written(kafka, topics, 300)

    expected = _expected(judged, challenger)
    assert {one.transaction_id: one.verdict for one in verdicts} == expected
    assert len(verdicts) == 300
    assert {(one.model.name, one.model.version, one.threshold) for one in verdicts} == {("small", "challenger", 0.4)}
    ids = [json.loads(record.value or b"")["transaction_id"] for record in judged.ruled]
    assert {one.transaction_id: (one.source.partition, one.source.offset) for one in verdicts} == {
        name: (record.partition, record.offset) for name, record in zip(ids, judged.ruled, strict=True)
    }
    assert counts.verdicts == Counter(
        (ruling, expected[name]) for name, ruling in zip(ids, judged.rulings, strict=True)
    )
    assert counts.verdicts[Ruling.FRAUD, Ruling.LEGITIMATE] > 0
    assert counts.skipped.total() == 0


@pytest.mark.kafka
def test_without_a_challenger_nothing_is_taken_and_after_one_is_gone_neither(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    with _shadow(kafka, topics, counts) as shadow:
        shadow.offer(_judged(champion, 10))
        shadow.replace(challenger)
        shadow.offer(_judged(champion, 20, first=100))
        wait_until(lambda: counts.settled() == 20, within_s=30, what="the challenger does not rule")
        shadow.replace(_scorer("next"))
        shadow.offer(_judged(champion, 30, first=200))
        wait_until(lambda: counts.settled() == 50, within_s=30, what="the next challenger does not rule")
        shadow.replace(None)
        shadow.offer(_judged(champion, 40, first=300))

    verdicts = _written(kafka, topics, 50)
    assert Counter(one.model.version for one in verdicts) == {"challenger": 20, "next": 30}
    assert counts.settled() == counts.verdicts.total() == 50


class _Heard:
    """A scorer that tells how often it was asked."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.asked = threading.Semaphore(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def score(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        self.asked.release()
        return self._scorer.score(rows, times)


@pytest.mark.kafka
def test_while_the_loop_judges_the_challenger_stands_still(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    heard = _Heard(challenger)
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(cast("Scorer", heard))
        with shadow.still():
            shadow.offer(_judged(champion, 300))
            assert not heard.asked.acquire(timeout=0.5)
        assert heard.asked.acquire(timeout=30)
        wait_until(lambda: counts.verdicts.total() == 300, within_s=30, what=f"{counts.verdicts}, {counts.skipped}")


@pytest.mark.kafka
def test_a_full_queue_skips_whole_batches(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    judged = _judged(champion, 3_000)
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(challenger)
        with shadow.still(), capture_logs() as logs:
            for _ in range(6):
                shadow.offer(judged)
            assert counts.skipped == {Skipped.BUSY: 9_000}
            assert counts.verdicts.total() == 0
        assert [line["detail"] for line in logs] == ["it does not keep pace with the champion"]
        wait_until(lambda: counts.settled() == 18_000, within_s=60, what=f"{counts.verdicts}, {counts.skipped}")

    assert counts.verdicts.total() == 9_000


@pytest.mark.kafka
def test_what_waits_is_bounded_in_bytes_too_but_a_batch_has_always_room(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    judged = _judged(champion, 600, padding=60_000)
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(challenger)
        with shadow.still():
            shadow.offer(judged)
            shadow.offer(judged)
        assert counts.skipped == {Skipped.BUSY: 600}
        wait_until(lambda: counts.settled() == 1_200, within_s=60, what=f"{counts.verdicts}, {counts.skipped}")

    assert counts.verdicts.total() == 600


@pytest.mark.kafka
def test_what_the_challenger_cannot_score_is_counted_and_goes_nowhere(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer
) -> None:
    bad, good = _judged(champion, 10, other="not a number"), _judged(champion, 20, first=100, other=1.5)
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(_scorer("challenger", inputs=OTHER_INPUTS))
        shadow.offer(bad)
        shadow.offer(good)
        verdicts = _written(kafka, topics, 20)

    assert {one.transaction_id for one in verdicts} == {f"t-{number}" for number in range(100, 120)}
    assert counts.skipped == {Skipped.UNSCORABLE: 10}
    assert counts.verdicts.total() == 20


class _Raises:
    """A scorer that raises, whatever it is given."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def score(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        message = f"{rows} {times}"
        raise ArithmeticError(message)


@pytest.mark.kafka
def test_a_challenger_that_raises_is_counted_said_once_and_replaced_by_one_that_works(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    with _shadow(kafka, topics, counts) as shadow, capture_logs() as logs:
        shadow.replace(cast("Scorer", _Raises(challenger)))
        for first in (0, 1_000):
            shadow.offer(_judged(champion, 300, first=first))
        wait_until(lambda: counts.settled() == 600, within_s=30, what=f"{counts.skipped}")
        assert counts.skipped == {Skipped.UNSCORABLE: 600}

        shadow.replace(challenger)
        shadow.offer(_judged(champion, 20, first=2_000))
        wait_until(lambda: counts.settled() == 620, within_s=30, what=f"{counts.verdicts}, {counts.skipped}")

    assert counts.verdicts.total() == 20
    assert [line["detail"] for line in logs] == ["its model raises ScorerBroken"]


def test_a_challenger_that_transactions_cannot_feed_leaves_the_present_one(counts: Counts, challenger: Scorer) -> None:
    shadow = _shadow(NOBODY, TopicSettings(), counts)
    shadow.replace(challenger)

    with pytest.raises(Mendable, match="account_id"):
        shadow.replace(_scorer("odd", inputs=("amount", "account_id", "V1", "V2")))


@pytest.mark.kafka
@pytest.mark.parametrize("trouble", ["missing", "refusing"])
def test_a_topic_that_is_missing_or_refuses_is_counted_and_said_once(
    trouble: str, kafka: str, make_topic: Callable[..., str], counts: Counts, champion: Scorer
) -> None:
    name = "no-such-shadow" if trouble == "missing" else make_topic("verdicts.shadow", max_message_bytes="200")
    topics = TopicSettings(shadow_verdicts=name)
    with (
        capture_logs() as logs,
        _shadow(kafka, topics, counts, **{"topic.metadata.propagation.max.ms": 100}) as shadow,
    ):
        shadow.replace(_scorer("challenger"))
        for first in (0, 1_000):
            shadow.offer(_judged(champion, 100, first=first))
        wait_until(lambda: counts.settled() == 200, within_s=60, what=f"{counts.verdicts}, {counts.skipped}")

    assert counts.skipped == {Skipped.UNWRITTEN: 200}
    assert [line["event"] for line in logs if line["event"] != "Kafka client reports"] == [
        "not every verdict of the challenger is written"
    ]


@pytest.mark.kafka
def test_at_the_end_what_is_waiting_is_still_written(
    kafka: str, topics: TopicSettings, counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    with _shadow(kafka, topics, counts) as shadow:
        shadow.replace(challenger)
        with shadow.still():
            shadow.offer(_judged(champion, 300))
        shadow.close(drain_s=30)
        assert counts.verdicts.total() == counts.settled() == 300

    assert len(_written(kafka, topics, 300)) == 300


def test_a_broker_that_is_away_keeps_no_process_from_ending_and_all_is_counted(
    counts: Counts, champion: Scorer, challenger: Scorer
) -> None:
    with _shadow(NOBODY, TopicSettings(), counts) as shadow:
        shadow.replace(challenger)
        shadow.offer(_judged(champion, 300))
        shadow.close(drain_s=0.2)

    assert counts.skipped == {Skipped.ENDED: 300}


def test_its_thread_ends_with_it(counts: Counts) -> None:
    with _shadow(NOBODY, TopicSettings(), counts):
        assert "shadow" in {thread.name for thread in threading.enumerate()}

    assert "shadow" not in {thread.name for thread in threading.enumerate()}
