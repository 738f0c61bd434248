"""What came of it: do the counts tie, how right were the verdicts, how long did they take (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from demo.notices import Notices
from stream.contracts import Ruling, Verdict


@dataclass(frozen=True)
class Outcome:
    """Everything that was counted in one run.

    Attributes:
        ids: The transactions that were to be sent.
        labels: For each of them 1 where it was a fraud.
        sent: How many records the transactions topic has.
        verdicts: All that a reader of committed records found.
        latencies_ms: From a transaction's record to its verdict at that reader.
        dead_letters: Transactions that could not be scored.
        notices: For each channel what the ledger says became of its notices.
        expected: For each channel what its receiver was to be told of frauds one by one.
        received: For each channel what its receiver was told, digests included.
        repeated: Deliveries that a receiver recognised as repetitions.
    """

    ids: Sequence[str]
    labels: Sequence[int]
    sent: int
    verdicts: Sequence[Verdict]
    latencies_ms: Sequence[float]
    dead_letters: int
    notices: Mapping[str, Notices]
    expected: Mapping[str, Sequence[str]]
    received: Mapping[str, Sequence[str]]
    repeated: int

    @property
    def frauds(self) -> list[Verdict]:
        """The verdicts that people are told of."""
        return [verdict for verdict in self.verdicts if verdict.verdict is Ruling.FRAUD]


@dataclass(frozen=True)
class Rightness:
    """Verdicts against labels.

    Attributes:
        caught: Frauds with the verdict fraud.
        missed: Frauds with the verdict legitimate.
        false_alarms: Legitimate transactions with the verdict fraud.
    """

    caught: int
    missed: int
    false_alarms: int

    @property
    def precision(self) -> float | None:
        """Share of the alarms that were right; None where there were none."""
        return _share(self.caught, self.caught + self.false_alarms)

    @property
    def recall(self) -> float | None:
        """Share of the frauds that were caught; None where there were none."""
        return _share(self.caught, self.caught + self.missed)


def rightness(outcome: Outcome) -> Rightness:
    """How right the verdicts were."""
    label_of = dict(zip(outcome.ids, outcome.labels, strict=True))
    pairs = Counter(
        (label_of[verdict.transaction_id] == 1, verdict.verdict is Ruling.FRAUD)
        for verdict in outcome.verdicts
        if verdict.transaction_id in label_of
    )
    return Rightness(caught=pairs[True, True], missed=pairs[True, False], false_alarms=pairs[False, True])


def percentile_ms(latencies_ms: Sequence[float], percent: float) -> float | None:
    """The latency that `percent` of the verdicts keep; None where there are none."""
    return float(np.percentile(latencies_ms, percent)) if latencies_ms else None


def discrepancies(outcome: Outcome) -> list[str]:
    """Every count that does not tie, a sentence each.

    Empty where one verdict came of each transaction, and each channel's receiver was told of each fraud verdict once:
    by itself, or counted in a digest.
    """
    found = []
    if outcome.sent != len(outcome.ids):
        found.append(f"{len(outcome.ids)} transactions were to be sent, {outcome.sent} are in the topic")
    if outcome.dead_letters:
        found.append(f"{outcome.dead_letters} transactions could not be scored (dead letters)")
    missing, surplus = _difference(outcome.ids, (verdict.transaction_id for verdict in outcome.verdicts))
    if missing:
        found.append(f"{missing} transactions have no verdict")
    if surplus:
        found.append(f"{surplus} verdicts are more than one for a transaction, or for none that was sent")
    for channel, notices in outcome.notices.items():
        found += _of_channel(channel, notices, outcome)
    if outcome.repeated:
        found.append(f"webhook: {outcome.repeated} deliveries came again")
    return found


def _of_channel(channel: str, notices: Notices, outcome: Outcome) -> list[str]:
    found = []
    frauds = len(outcome.frauds)
    if notices.settled != frauds:
        found.append(f"{channel}: of {frauds} fraud verdicts the ledger knows {notices.settled}")
    if notices.counted != notices.held:
        found.append(f"{channel}: {notices.held} alerts were held back, and its digests count {notices.counted}")
    missing, surplus = _difference(outcome.expected[channel], outcome.received.get(channel, ()))
    if missing:
        found.append(f"{channel}: {missing} fraud verdicts were not delivered")
    if surplus != notices.digests:
        found.append(
            f"{channel}: {surplus} deliveries tell of no single fraud verdict, and {notices.digests} digests were sent"
        )
    if notices.lost:
        found.append(f"{channel}: {notices.lost} notices could not be delivered (dead letters)")
    return found


def _difference(expected: Iterable[str], seen: Iterable[str]) -> tuple[int, int]:
    """How many of the expected were not seen, and how many were seen that were not expected."""
    wanted, got = Counter(expected), Counter(seen)
    return (wanted - got).total(), (got - wanted).total()


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
