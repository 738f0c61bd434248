"""The stream's metrics: one catalogue. `fraud_` is their prefix, seconds and counts their units."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from model.registry.moves import Role
from stream.batch_histogram import BatchHistogram
from stream.contracts import DeadLetterReason, Ruling
from stream.judging import Judged
from stream.shadow import Skipped
from stream.transaction import Outcome

_SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class ScorerMetrics:
    """What a scorer tells Prometheus. Every series exists at zero from the start, so that rates have a start.

    Records are counted when their transaction is committed, never before.

    Args:
        registry: Where the series are registered; one for each process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"fraud_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"fraud_{name}", text, buckets=buckets, registry=registry)

        self._transactions = counter("transactions", "Records read and dealt with, bad ones included")
        self._verdicts = counter("verdicts", "Verdicts written", "verdict")
        self._dead_letters = counter("dead_letters", "Records that could not be scored", "reason")
        self._missing = counter("missing_inputs", "Transactions without a model input, which is imputed", "input")
        self._commits = counter("batch_commits", "Kafka transactions by how they ended", "outcome")
        self._batch_size = histogram("batch_size", "Records of a batch", _SIZES)
        self._scoring = histogram("scoring_seconds", "Time in the model for a batch", _SHORT)
        self._event_to_verdict = BatchHistogram(
            "fraud_event_to_verdict_seconds", "From the transaction's event_time to its verdict", _LONG, registry
        )
        self._record_to_verdict = BatchHistogram(
            "fraud_record_to_verdict_seconds", "From the transaction's Kafka timestamp to its verdict", _LONG, registry
        )
        self._lag = Gauge(
            "fraud_consumer_lag", "Records behind the partition's end", ["topic", "partition"], registry=registry
        )
        self._model = Gauge(
            "fraud_model_info", "1 for the model that rules now", ["name", "version"], registry=registry
        )
        self._challenger = Gauge(
            "fraud_challenger_info", "1 for the model that rules in shadow", ["name", "version"], registry=registry
        )
        self._swaps = counter("model_swaps", "How often another model took over without a restart")
        self._model_refusals = counter("model_refusals", "Versions that were not taken over", "role", "cause")
        self._shadow_verdicts = counter(
            "shadow_verdicts", "Verdicts of the challenger, by what both said", "champion", "challenger"
        )
        self._shadow_skipped = counter("shadow_skipped", "Transactions without a verdict of the challenger", "cause")
        self._breaker_open = Gauge(
            "fraud_breaker_open", "1 while reading pauses because of too many dead letters", registry=registry
        )
        self._breaker_trips = counter("breaker_trips", "How often reading was paused because of too many dead letters")
        self._skipped = counter("skipped_records", "Records that the broker deleted unread", "partition")
        self._rebalances = counter("rebalances", "How often partitions came to this worker or went from it")
        self._counted_rebalances = 0
        for ruling in Ruling:
            self._verdicts.labels(ruling.value)
            for challenger in Ruling:
                self._shadow_verdicts.labels(ruling.value, challenger.value)
        for reason in DeadLetterReason:
            self._dead_letters.labels(reason.value)
        for cause in Skipped:
            self._shadow_skipped.labels(cause.value)
        for outcome in Outcome:
            self._commits.labels(outcome.value)

    def model_loaded(self, name: str, version: str, inputs: Iterable[str]) -> None:
        """Says which model rules, and what it wants to know."""
        self._model.clear()
        self._model.labels(name, version).set(1)
        for wanted in inputs:
            self._missing.labels(wanted)

    def swapped(self) -> None:
        """Another model took over while running."""
        self._swaps.inc()

    def refused(self, role: Role, cause: str) -> None:
        """A version was not taken over.

        Args:
            role: Which it was to have.
            cause: The error's name.
        """
        self._model_refusals.labels(role, cause).inc()

    def challenger_loaded(self, name: str, version: str) -> None:
        """Says which model rules in shadow."""
        self._challenger.clear()
        self._challenger.labels(name, version).set(1)

    def challenger_gone(self) -> None:
        """No model rules in shadow."""
        self._challenger.clear()

    def shadow_verdict(self, champion: Ruling, challenger: Ruling) -> None:
        """Counts a verdict of the challenger that was written, by what both said."""
        self._shadow_verdicts.labels(champion.value, challenger.value).inc()

    def shadow_skipped(self, cause: Skipped, count: int) -> None:
        """Counts transactions that the challenger has no verdict on."""
        self._shadow_skipped.labels(cause.value).inc(count)

    def batch_ended(self, outcome: Outcome, judged: Judged) -> None:
        """Counts a batch whose transaction has ended."""
        self._commits.labels(outcome.value).inc()
        if outcome is not Outcome.COMMITTED:
            return
        self._batch_size.observe(len(judged.outgoing))
        self._scoring.observe(judged.scoring_seconds)
        self._transactions.inc(len(judged.outgoing))
        for name, count in judged.missing.items():
            if count:
                self._missing.labels(name).inc(count)
        for rejection in judged.rejections:
            self._dead_letters.labels(rejection.reason.value).inc()
        self._verdicts.labels(Ruling.FRAUD.value).inc(judged.frauds)
        self._verdicts.labels(Ruling.LEGITIMATE.value).inc(len(judged.ruled) - judged.frauds)
        # Clocks of other machines may be ahead.
        self._event_to_verdict.observe_all(np.maximum(judged.event_ages, 0.0))
        self._record_to_verdict.observe_all(np.maximum(judged.record_ages, 0.0))

    def skipped(self, partition: int, count: int) -> None:
        """Counts records that were gone before they were read."""
        self._skipped.labels(str(partition)).inc(count)

    def breaker(self, *, is_open: bool) -> None:
        """Says whether reading pauses now."""
        self._breaker_open.set(is_open)

    def tripped(self) -> None:
        """Counts a pause that begins."""
        self._breaker_trips.inc()

    def rebalanced(self, times: int) -> None:
        """Counts rebalances.

        Args:
            times: Since the start.
        """
        self._rebalances.inc(times - self._counted_rebalances)
        self._counted_rebalances = times

    def lag(self, lags: dict[tuple[str, int], int]) -> None:
        """Sets the lag of the partitions owned now and forgets those of others."""
        self._lag.clear()
        for (topic, partition), behind in lags.items():
            self._lag.labels(topic, str(partition)).set(behind)
