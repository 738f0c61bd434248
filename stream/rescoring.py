"""A range of transactions scored again, by any model, into a topic of its own; no group's offsets are touched.

The judge is the stream's own, so a verdict is bit for bit what the stream would say with that model; only `scored_at`
is another. Verdicts are written in transactions. No offsets go with them, so a run that is killed leaves what it wrote,
and a run over the same range writes it once more: each verdict's headers say of which run it is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from msgspec.structs import replace

from model.scoring.scorer import Scorer
from stream import kafka as clients
from stream.contracts import DeadLetterReason
from stream.errors import Mendable, NotAllowed, SlotTaken, WorkerFailed
from stream.judging import Judge, Judged
from stream.kafka import Stop
from stream.offset_ranges import Plan, Range, Wanted, plan_ranges
from stream.range_reading import RangeReader, consumer_apart
from stream.records import Outgoing
from stream.settings import KafkaSettings, ScorerSettings, TopicSettings
from stream.timeouts import timeouts
from stream.transaction import Outcome, TransactionalWriter

# A header of each verdict besides the stream's: which run wrote it.
RUN_HEADER: Final = "rescoring-run"

_PAUSES_S: Final = (0.2, 1.0, 5.0)


class OutputUnusable(Mendable):
    """A topic that rescored verdicts must not be mixed into."""


class RescoringUnfinished(WorkerFailed):
    """A rescoring ended before its last record; says from where to go on."""


@dataclass
class Rescored:
    """What a run has done so far.

    Attributes:
        ranges: What it is to read, by partition.
        cut: As `Plan.cut`.
        reached: For each partition the offset before which everything is answered.
        verdicts: Written, and committed.
        frauds: Among them.
        dead_letters: Records that cannot be scored, by reason; they are written nowhere.
    """

    ranges: Mapping[int, Range]
    cut: Sequence[int] = ()
    reached: dict[int, int] = field(default_factory=dict)
    verdicts: int = 0
    frauds: int = 0
    dead_letters: Counter[DeadLetterReason] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        """How many records were answered."""
        return self.verdicts + self.dead_letters.total()

    @property
    def left(self) -> dict[int, Range]:
        """What remains of the ranges; empty at the end."""
        left = {number: Range(self.reached.get(number, start), end) for number, (start, end) in self.ranges.items()}
        return {number: rest for number, rest in left.items() if rest.start < rest.end}

    @property
    def passed(self) -> int:
        """How many offsets of the ranges are behind; some have no record that a reader sees."""
        return sum(self.reached.get(number, start) - start for number, (start, _) in self.ranges.items())

    def add(self, judged: Judged) -> None:
        """Counts a committed batch."""
        self.verdicts += len(judged.ruled)
        self.frauds += judged.frauds
        self.dead_letters.update(rejection.reason for rejection in judged.rejections)


def go_on_with(left: Mapping[int, Range]) -> str:
    """The options of `fraud rescore` for what remains (pure)."""
    return " ".join(
        f"--from-offset {number}:{start} --to-offset {number}:{end}" for number, (start, end) in sorted(left.items())
    )


def rescoring_id(settings: ScorerSettings, out: str) -> str:
    """The transactional id that all rescorings into a topic share, so that there is one at a time."""
    return f"{settings.group_id}-rescore-{out}"


def require_apart(out: str, topics: TopicSettings) -> None:
    """Makes sure that verdicts for comparison are not taken for others (pure).

    Raises:
        OutputUnusable: The topic is one of the system's own, other than that for shadow verdicts.
    """
    if out in topics.names and out != topics.shadow_verdicts:
        raise OutputUnusable(
            f"topic {out!r} is one that the system reads or writes itself: rescored verdicts do not belong there",
            remedy=f"write them to {topics.shadow_verdicts!r}, or to a topic of their own",
        )


def require_output(out: str, existing: Mapping[str, object]) -> None:
    """Makes sure that there is a topic to write to (pure).

    Raises:
        OutputUnusable: There is none, or this client may not see it.
    """
    if out not in existing:
        raise OutputUnusable(
            f"topic {out!r} missing on the broker, or hidden from this client",
            remedy=f"make it with `fraud topics create --set topics.shadow_verdicts={out}`, or grant this client the "
            "write",
        )


def rescore(
    scorer: Scorer,
    wanted: Wanted,
    *,
    out: str,
    run: str,
    kafka: KafkaSettings,
    topics: TopicSettings,
    settings: ScorerSettings,
    stop: Stop,
    now: Callable[[], datetime],
    planned: Callable[[Plan], None],
    progress: Callable[[Rescored], None],
) -> Rescored:
    """Scores what is wanted of `topics.transactions` and writes the verdicts to `out`.

    Args:
        scorer: The model.
        wanted: Which records.
        out: Exists, and is apart (`require_apart`).
        run: What the verdicts' header says.
        kafka: Where.
        topics: Which topic to read.
        settings: Bounds of a batch and of a record, and the group's name, which the transactional id begins with.
        stop: Ends it after the batch in hand.
        now: The time of day, with a zone.
        planned: Told once what is about to be read.
        progress: Told after each batch.

    Returns:
        What was done; where `stop` came first, something is left.

    Raises:
        RangeUnavailable: The broker does not have all that is wanted; nothing was written.
        InputNameUnusable: The model cannot be fed from the transaction contract.
        NotAllowed: A grant is missing.
        RescoringUnfinished: It ended before its last record: another one began, the model raises an error whatever it
            is given, or the broker did not do its part.
        WorkerFailed: The broker does not say what it has.
    """
    judge = Judge(
        scorer,
        topics.model_copy(update={"verdicts": out}),
        max_record_bytes=settings.max_record_bytes,
        now=now,
        timer=time.perf_counter,
    )
    with consumer_apart(kafka) as consumer:
        plan = plan_ranges(consumer, topics.transactions, wanted)
        planned(plan)
        rescored = Rescored(plan.ranges, plan.cut)
        writer = TransactionalWriter(
            partial(clients.transactional_producer, kafka, rescoring_id(settings, out)),
            limits=timeouts(kafka.properties),
        )
        try:
            _open(writer)
            reader = RangeReader(consumer, topics.transactions, plan.ranges, timer=time.monotonic)
            while not stop.is_set() and not reader.done:
                records = reader.gather(settings.batch_size, settings.batch_bytes)
                if records:
                    judged = judge.judge(records)
                    _write(writer, _marked(judged, out, run), stop)
                    rescored.add(judged)
                else:
                    writer.serve()
                rescored.reached = reader.positions
                progress(rescored)
        except NotAllowed as refused:
            raise NotAllowed(
                refused.problem,
                remedy=f"grant it READ on topic {topics.transactions}, and WRITE on topic {out} and on "
                f"transactional id {rescoring_id(settings, out)}; then go on with {go_on_with(rescored.left)}",
            ) from None
        except SlotTaken:
            raise _unfinished(f"another rescoring into {out} began", rescored) from None
        except WorkerFailed as failure:
            raise _unfinished(str(failure), rescored) from None
    return rescored


def _open(writer: TransactionalWriter) -> None:
    if not writer.open():
        raise WorkerFailed("the broker does not open transactions yet")


def _marked(judged: Judged, out: str, run: str) -> list[Outgoing]:
    """The verdicts, with the run in their headers. Dead letters are left out: they are there already."""
    header = (RUN_HEADER, run.encode())
    return [replace(one, headers=(*one.headers, header)) for one in judged.outgoing if one.topic == out]


def _write(writer: TransactionalWriter, outgoing: Sequence[Outgoing], stop: Stop) -> None:
    """Writes a batch, again where it was aborted.

    Raises:
        WorkerFailed: It was aborted time and again, or nobody knows what became of it.
    """
    if not outgoing:
        return
    for pause_s in _PAUSES_S:
        outcome = writer.write(outgoing, {})
        if outcome is Outcome.COMMITTED:
            return
        if outcome is Outcome.UNKNOWN:
            raise WorkerFailed(
                f"the broker does not say whether it has the last {len(outgoing)} verdicts: they may come to be there "
                "twice, and `fraud diff` takes the last of each"
            )
        stop.wait(pause_s)
    raise WorkerFailed(f"the broker took no transaction in {len(_PAUSES_S)} attempts")


def _unfinished(why: str, rescored: Rescored) -> RescoringUnfinished:
    return RescoringUnfinished(
        f"the rescoring ends after {rescored.verdicts} verdicts ({why}): go on with {go_on_with(rescored.left)}"
    )
