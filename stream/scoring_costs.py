"""What judging a batch costs on this machine, without Kafka: decode, score, explain, encode."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from model.scoring.calibration import IDENTITY
from model.scoring.forest import LEAF, Forest
from model.scoring.scorer import Scorer
from model.scoring.serving import ServingModel
from stream.judging import Judge
from stream.records import Record
from stream.settings import TopicSettings

_BATCHES: Final = (1, 10, 100, 500, 2_000)
_SECONDS: Final = 0.4
_LONGEST_VALUE: Final = 1 << 20
_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
# Frauds are explained, which costs more than they do: about as many as there are among real transactions.
_FRAUDS: Final = 0.002


@dataclass(frozen=True)
class JudgingCosts:
    """What was measured.

    Attributes:
        points: Records of a batch, and the median of the seconds that it took.
        record_bytes: Of a transaction, in the mean.
        verdict_bytes: Of a verdict, in the mean.
    """

    points: tuple[tuple[int, float], ...]
    record_bytes: float
    verdict_bytes: float


def judging_costs(
    scorer: Scorer,
    *,
    random: np.random.Generator,
    timer: Callable[[], float],
    batches: Sequence[int] = _BATCHES,
    seconds: float = _SECONDS,
) -> JudgingCosts:
    """Judges made-up transactions in batches of several sizes.

    Args:
        scorer: The model.
        random: Of the transactions.
        timer: Seconds of this core, those of other processes left out.
        batches: Sizes, one at least.
        seconds: For each size; it is judged three times at least.
    """
    records = made_up_records(scorer.inputs, max(batches), random)
    judge = Judge(scorer, TopicSettings(), max_record_bytes=_LONGEST_VALUE, now=lambda: _MOMENT, timer=timer)
    verdicts = judge.judge(records).outgoing
    return JudgingCosts(
        tuple((batch, _median_s(judge, records[:batch], timer, seconds)) for batch in batches),
        statistics.fmean(len(record.value or b"") for record in records),
        statistics.fmean(len(verdict.value or b"") for verdict in verdicts),
    )


def made_up_scorer(trees: int, depth: int, inputs: int, *, random: np.random.Generator) -> Scorer:
    """A model that has learnt nothing, and costs what one that has learnt costs.

    Args:
        trees: In the forest.
        depth: Of each tree: splits on the way to a leaf.
        inputs: Columns.
        random: Of splits and leaves.
    """
    serving = ServingModel(
        inputs=tuple(f"V{at + 1}" for at in range(inputs)),
        calendar=(),
        medians=np.zeros(inputs),
        low=np.full(inputs, -1e9),
        high=np.full(inputs, 1e9),
        centre=np.zeros(inputs),
        scale=np.ones(inputs),
        classifier=made_up_forest(trees, depth, inputs, random=random),
        calibration=IDENTITY,
    )
    sample = serving.probabilities(random.normal(size=(2_000, inputs)), np.zeros(2_000, np.int64))
    threshold = float(np.quantile(sample, 1 - _FRAUDS))
    return Scorer(serving, threshold=threshold, name="made-up", version="0")


def made_up_forest(trees: int, depth: int, inputs: int, *, random: np.random.Generator) -> Forest:
    """Complete trees of random splits over inputs that are normal; takes what `made_up_scorer` takes."""
    inner, nodes = 2**depth - 1, 2 ** (depth + 1) - 1
    number = np.arange(nodes, dtype=np.int32)
    splits = number < inner
    first = np.arange(trees, dtype=np.int64) * nodes
    shape = trees, nodes
    return Forest(
        roots=first,
        feature=np.where(splits, random.integers(0, inputs, shape), LEAF).astype(np.int32).ravel(),
        # Each split of a normal input sends a fair part either way.
        threshold=random.normal(0, 0.5, shape).ravel(),
        left=(np.where(splits, 2 * number + 1, number) + first[:, None]).astype(np.int32).ravel(),
        right=(np.where(splits, 2 * number + 2, number) + first[:, None]).astype(np.int32).ravel(),
        probability=random.random(shape).ravel(),
    )


def made_up_records(inputs: Sequence[str], count: int, random: np.random.Generator) -> list[Record]:
    """Transactions with every input, normal, as they come from a topic.

    Args:
        inputs: Names.
        count: How many.
        random: Of the values.
    """
    encode = msgspec.json.Encoder().encode
    moment = int(_MOMENT.timestamp() * 1000)
    return [
        Record(
            "transactions",
            0,
            at,
            b"account-%d" % (at % 997),
            encode(
                {
                    "transaction_id": f"transaction-{at}",
                    "event_time": moment + at,
                    "account_id": f"account-{at % 997}",
                    **dict(zip(inputs, row, strict=True)),
                }
            ),
            (),
            moment + at,
        )
        for at, row in enumerate(random.normal(size=(count, len(inputs))).tolist())
    ]


def _median_s(judge: Judge, records: Sequence[Record], timer: Callable[[], float], seconds: float) -> float:
    taken: list[float] = []
    end = timer() + seconds
    while len(taken) < 3 or timer() < end:
        began = timer()
        judge.judge(records)
        taken.append(timer() - began)
    return statistics.median(taken)
