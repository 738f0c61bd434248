"""How many workers, partitions and transactions a rate takes: the plan, from what a batch costs (pure).

The model. A worker gathers a batch of m records, which takes a wait of w seconds, and deals with it in c0 + m c1
seconds: c0 for the transaction, c1 for each record, on one core. While it does, L records a second come for the next
batch, so that it settles where a cycle T brings in what it deals with: m = L T, hence

    T = (w + c0) / (1 - L c1),   and T >= w + c0 + c1, for there is no batch of less than one record.

A record that has just missed a batch waits for the whole cycle, and takes part in the next one: 2 T. The slowest
hundredth meets cycles of which all but the wait, a timer's, takes `tail` times as long; and `transit` seconds pass in
clients and broker before and after. That is p99 = transit + 2 (w + tail (T - w)). It is a bound for steady arrivals; a
burst is met by the headroom.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from stream.errors import Mendable

_MOST_WAIT_MS: Final = 20
_LARGEST_BATCH: Final = 2_000
_SMALLEST_BATCH: Final = 100
# More partitions spread a missing worker's share more evenly over the others, and each costs the broker something.
_MOST_PARTITIONS_A_WORKER: Final = 12


class LatencyImpossible(Mendable):
    """A p99 below what one transaction costs, which no number of workers gets under."""


@dataclass(frozen=True)
class Costs:
    """What a batch costs one worker.

    Attributes:
        transaction_s: Seconds of a batch, whatever it holds: begin, flush, offsets, commit.
        record_s: Seconds of each record in it: consume, decode, score, encode, produce.
    """

    transaction_s: float
    record_s: float

    def __add__(self, other: Costs) -> Costs:
        """Those of doing one thing after the other."""
        return Costs(self.transaction_s + other.transaction_s, self.record_s + other.record_s)

    def throughput(self, batch: float) -> float:
        """Records a second of one worker that is never out of work, in batches of `batch` records."""
        return batch / (self.transaction_s + batch * self.record_s)


@dataclass(frozen=True)
class Demand:
    """What is asked for.

    Attributes:
        rate: Transactions a second at the peak.
        p99_s: Seconds from a producer's send to a reader of committed verdicts, of 99 in 100 transactions.
    """

    rate: float
    p99_s: float


@dataclass(frozen=True)
class Assumptions:
    """What was not measured here, or is a choice.

    Attributes:
        headroom: Share of a worker's throughput that stays free at the peak.
        tail: The slowest hundredth of cycles, in cycles.
        transit_s: Seconds in the producer, in fetches and in the reader.
        replicas: Copies of each partition.
        readers: Groups that read all verdicts.
        record_bytes: Of a transaction, uncompressed.
        verdict_bytes: Of a verdict, uncompressed.
        partition_bytes_s: Bytes a second that one partition takes.
        broker_bytes_s: Bytes a second that one broker writes, copies included.
        worker_bytes: Resident memory of one worker.
    """

    headroom: float = 0.3
    tail: float = 3.0
    transit_s: float = 0.004
    replicas: int = 3
    readers: int = 1
    record_bytes: float = 900.0
    verdict_bytes: float = 450.0
    partition_bytes_s: float = 10e6
    broker_bytes_s: float = 100e6
    worker_bytes: float = 250e6


@dataclass(frozen=True)
class Plan:
    """What meets a demand. Where one worker is away, the others carry the peak.

    Attributes:
        workers: Processes, one a core.
        partitions: Of transactions and of verdicts: as many for each worker.
        batch_size: Setting scorer.batch_size, records.
        batch_wait_ms: Setting scorer.batch_wait_ms.
        p99_s: Seconds, with all at work.
        p99_one_away_s: Seconds, for the busiest of the others where one is away.
        utilisation: Of a worker's throughput at the peak, with all at work.
        records_a_transaction: At the peak, with all at work.
        transactions_s: Kafka transactions a second, of all workers.
        markers_s: Ends of transactions a second that the broker writes into partitions, before copies.
        in_bytes_s: Bytes a second that producers and workers send to the brokers.
        out_bytes_s: Bytes a second that workers and the readers of verdicts fetch.
        copied_bytes_s: Bytes a second that brokers send to each other.
        written_bytes_s: Bytes a second that all brokers write, copies included.
        brokers: That many take it.
        memory_bytes: Resident memory of all workers.
    """

    workers: int
    partitions: int
    batch_size: int
    batch_wait_ms: int
    p99_s: float
    p99_one_away_s: float
    utilisation: float
    records_a_transaction: float
    transactions_s: float
    markers_s: float
    in_bytes_s: float
    out_bytes_s: float
    copied_bytes_s: float
    written_bytes_s: float
    brokers: int
    memory_bytes: float


def fitted(points: Sequence[tuple[int, float]]) -> Costs:
    """The line through what batches of several sizes took, each weighing the same whatever its size.

    Least squares of the relative errors; neither cost is below 0.

    Args:
        points: Records of a batch, and the seconds that it took; one at least.
    """
    if len({batch for batch, _ in points}) == 1:
        return Costs(0.0, sum(seconds / batch for batch, seconds in points) / len(points))
    # With x = 1/s and y = b/s, find c0 x + c1 y closest to 1.
    xs, ys = [1 / seconds for _, seconds in points], [batch / seconds for batch, seconds in points]
    xx, yy = sum(x * x for x in xs), sum(y * y for y in ys)
    xy = sum(x * y for x, y in zip(xs, ys, strict=True))
    determinant = xx * yy - xy * xy
    fixed, each = (sum(xs) * yy - sum(ys) * xy) / determinant, (sum(ys) * xx - sum(xs) * xy) / determinant
    if fixed < 0:
        return Costs(0.0, sum(ys) / yy)
    return Costs(sum(xs) / xx, 0.0) if each < 0 else Costs(fixed, each)


def cycle(costs: Costs, rate: float, *, wait_s: float = 0.0) -> float:
    """Seconds from one batch's begin to the next one's, for one worker; infinite where it cannot keep up.

    Args:
        costs: Of a batch.
        rate: Records a second that come for this worker.
        wait_s: Seconds that a batch waits for more.
    """
    free = 1 - rate * costs.record_s
    fixed = wait_s + costs.transaction_s
    return max(fixed / free, fixed + costs.record_s) if free > 0 else math.inf


def least_p99(costs: Costs, given: Assumptions) -> float:
    """Seconds: the p99 of a worker that has almost nothing to do; more workers do not make it less."""
    return _p99(cycle(costs, 0.0), 0.0, given)


def plan(demand: Demand, costs: Costs, given: Assumptions) -> Plan:
    """The fewest workers that meet a demand, and what goes with them.

    Args:
        demand: What is asked for; both above 0.
        costs: Of a batch; those of a record above 0.
        given: What else it rests on.

    Raises:
        LatencyImpossible: The p99 is below what one transaction costs; names the bound.
    """
    least = least_p99(costs, given)
    if demand.p99_s < least:
        raise LatencyImpossible(
            f"a p99 of {demand.p99_s * 1000:g} ms is below what one transaction costs: a batch of one record takes "
            f"{cycle(costs, 0.0) * 1000:.2f} ms, a record that just missed one waits for two, the slowest hundredth "
            f"takes {given.tail:g} times as long, and {given.transit_s * 1000:g} ms pass in clients and broker; "
            f"the bound is {math.ceil(least * 1000)} ms",
            remedy=f"ask for --p99-ms {math.ceil(least * 1000)} or more, or bring the broker nearer and measure again",
        )
    longest = (demand.p99_s - given.transit_s) / (2 * given.tail)
    most = min(
        (1 - given.headroom) * costs.throughput(_LARGEST_BATCH),
        # At the bound itself a worker has one record a batch, whatever the rounding makes of it.
        max(1 - costs.transaction_s / longest, costs.record_s / longest) / costs.record_s,
    )
    workers, each = _shared(demand.rate, most)
    each *= math.ceil(demand.rate * given.record_bytes / given.partition_bytes_s / (workers * each)) or 1
    busiest = demand.rate * _busiest_share(workers, each)
    usual = demand.rate / workers
    wait_ms = next(
        (
            ms
            for ms in range(_MOST_WAIT_MS, 0, -1)
            if _p99(cycle(costs, busiest, wait_s=ms / 1000), ms / 1000, given) <= demand.p99_s
        ),
        0,
    )
    wait_s = wait_ms / 1000
    turn, turn_one_away = cycle(costs, usual, wait_s=wait_s), cycle(costs, busiest, wait_s=wait_s)
    batch = _batch_size(costs, busiest, turn_one_away, given.headroom)
    records = min(max(usual * turn, 1.0), batch)
    transactions = min(usual / records, 1 / turn) * workers
    incoming = demand.rate * (given.record_bytes + given.verdict_bytes)
    written = incoming * given.replicas
    return Plan(
        workers=workers,
        partitions=workers * each,
        batch_size=batch,
        batch_wait_ms=wait_ms,
        p99_s=_p99(turn, wait_s, given),
        p99_one_away_s=_p99(turn_one_away, wait_s, given),
        utilisation=usual / costs.throughput(batch),
        records_a_transaction=records,
        transactions_s=transactions,
        markers_s=transactions * (min(each, records) + 1),
        in_bytes_s=incoming,
        out_bytes_s=demand.rate * (given.record_bytes + given.readers * given.verdict_bytes),
        copied_bytes_s=incoming * (given.replicas - 1),
        written_bytes_s=written,
        brokers=max(given.replicas, math.ceil(written / given.broker_bytes_s)),
        memory_bytes=workers * given.worker_bytes,
    )


def _p99(turn_s: float, wait_s: float, given: Assumptions) -> float:
    return given.transit_s + 2 * (wait_s + given.tail * (turn_s - wait_s))


def _shared(rate: float, most: float) -> tuple[int, int]:
    """Workers, and partitions of each, so that the busiest has `most` records a second at most with one away."""
    for workers in count(max(2, math.ceil(rate / most))):
        for each in range(1, _MOST_PARTITIONS_A_WORKER + 1):
            if rate * _busiest_share(workers, each) <= most:
                return workers, each
    raise AssertionError


def _busiest_share(workers: int, each: int) -> float:
    """The share of all partitions that the busiest of the others has where one is away."""
    partitions = workers * each
    return math.ceil(partitions / (workers - 1)) / partitions


def _batch_size(costs: Costs, rate: float, turn_s: float, headroom: float) -> int:
    """Records at most in a batch: room for what a cycle brings, and for the throughput that the headroom is of."""
    wanted = rate / (1 - headroom)
    free = 1 - wanted * costs.record_s
    least = max(rate * turn_s / (1 - headroom), wanted * costs.transaction_s / free if free > 0 else _LARGEST_BATCH)
    rounded = (_SMALLEST_BATCH, 200, 500, 1_000, _LARGEST_BATCH)
    return next(size for size in rounded if size >= min(max(least, _SMALLEST_BATCH), _LARGEST_BATCH))
