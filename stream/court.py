"""Who judges the stream: one judge, at a batch's boundary perhaps the next one, and a challenger who is only heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import structlog

from model.scoring.scorer import Scorer
from stream.judging import Judge, Judged
from stream.metrics import ScorerMetrics
from stream.model_watch import Handover
from stream.records import Record
from stream.shadow import Shadow

log = structlog.get_logger()


class Court:
    """The judge in office. Used by one thread.

    Args:
        first: The model that rules from the start.
        judge_with: Makes a judge of a model.
        metrics: Told which model rules.
        champions: Where the next one is laid down; None where no other will come.
        shadow: Hears what was ruled on, for the challenger; None where there is none.
    """

    def __init__(
        self,
        first: Scorer,
        judge_with: Callable[[Scorer], Judge],
        *,
        metrics: ScorerMetrics,
        champions: Handover | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self._judge_with = judge_with
        self._metrics = metrics
        self._champions = champions
        self._shadow = shadow
        self._judge, self._version = judge_with(first), first.version
        metrics.model_loaded(first.name, first.version, first.inputs)

    def judge(self, records: Sequence[Record]) -> Judged:
        """One answer for each record of a batch, in its order; the whole batch by one model."""
        self._renew()
        with nullcontext() if self._shadow is None else self._shadow.still():
            return self._judge.judge(records)

    def committed(self, judged: Judged) -> None:
        """Told of each batch whose answers stand for good."""
        if self._shadow is not None:
            self._shadow.offer(judged)

    def _renew(self) -> None:
        scorer = None if self._champions is None else self._champions.take()
        if scorer is not None and scorer.version != self._version:
            self._judge, self._version = self._judge_with(scorer), scorer.version
            self._metrics.model_loaded(scorer.name, scorer.version, scorer.inputs)
            self._metrics.swapped()
            log.info("another model rules", model=scorer.name, version=scorer.version, threshold=scorer.threshold)
