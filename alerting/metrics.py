"""What the alert worker tells Prometheus: one catalogue. `fraud_` is the prefix, seconds and counts the units."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alerting.attempts import Ended
from alerting.delivery import FailureReason
from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, Held, Said, State
from alerting.notices import OPERATOR

_ATTEMPT: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
_END_TO_END: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
ANSWERS: Final = ("seen", "fraud", "legitimate")


class AlertMetrics:
    """Metrics of all channels; every series exists at zero from the start. Used by one thread.

    Names are Prometheus Alertmanager's where it has the same thing.

    Args:
        registry: Where the series are registered; one for each process.
        channels: The names of those that are open.
    """

    def __init__(self, registry: CollectorRegistry, channels: Iterable[str]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"fraud_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"fraud_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"fraud_{name}", text, ("channel",), buckets=buckets, registry=registry)

        self._notifications = counter("notifications", "Notices to send, those given up included", "channel")
        self._failed = counter(
            "notifications_failed",
            "Notices given up and dead-lettered, by the last reason; undelivered where the provider says so later",
            "channel",
            "reason",
        )
        self._suppressed = counter(
            "notifications_suppressed",
            "Notices held back: counted in a digest (group, limit, storm) or by somebody's wish",
            "channel",
            "reason",
        )
        self._retries = counter(
            "notification_retries", "Attempts that were put off to another, by reason", "channel", "reason"
        )
        self._unsure = counter("notifications_unsure", "Attempts that may have been accepted, or not", "channel")
        self._digests = counter("alert_digests", "Notices that tell of several alerts together", "channel")
        self._latency = histogram("notification_latency_seconds", "Time of one attempt, accepted or not", _ATTEMPT)
        self._end_to_end = histogram(
            "alert_end_to_end_seconds", "From the transaction's event_time to the provider's acceptance", _END_TO_END
        )
        self._from_verdict = histogram(
            "alert_from_verdict_seconds", "From the decision to tell to the provider's acceptance", _END_TO_END
        )
        self._open = gauge("alert_open_notifications", "Notices that are neither sent nor given up")
        self._breaker = gauge("alert_breaker_open", "1 while a channel's breaker keeps attempts back", "channel")
        self._templates = counter("alert_template_failures", "Notices said in plain text: their template failed")
        self._unreadable = counter("alert_unreadable_records", "Records of the verdicts that are none")
        self._repeated = counter("alert_repeated_notices", "Notices that a verdict asked for again: not sent again")
        self._confirmations = counter("notification_confirmations", "What providers said later", "said")
        self._answers = counter("alert_answers", "What people said of alerts", "answer")
        self._skipped = counter("alert_skipped_records", "Verdicts that the broker deleted unread")
        self._lag = gauge("alert_consumer_lag", "Records behind the partition's end", "partition")
        self._channels = tuple(channels)
        self._begin_at_zero()

    def ended(self, ended: Ended, became: Delivery) -> None:
        """One attempt has ended.

        Args:
            ended: What it came to.
            became: What the delivery is by it.
        """
        delivery = ended.attempt.delivery
        channel = delivery.channel
        if not ended.attempt.asks and ended.begun:
            self._latency.labels(channel).observe(ended.seconds)
        if became.state is State.SENT:
            self._accepted(delivery, ended.at)
        elif became.state is State.AMBIGUOUS and not ended.attempt.asks:
            self._unsure.labels(channel).inc()
        elif became.state is State.PENDING and became.reason is not None:
            self._retries.labels(channel, became.reason).inc()

    def decided(self, changes: Iterable[Change]) -> None:
        """What was held back, and what was given up."""
        for change in changes:
            entry = change.entry
            if not isinstance(entry, Delivery):
                continue
            if entry.state is State.PARKED and entry.held is not None:
                self._suppressed.labels(entry.channel, entry.held.value).inc()
            elif entry.state is State.DEAD:
                self._notifications.labels(entry.channel).inc()
                self._failed.labels(entry.channel, entry.reason or FailureReason.UNSURE.value).inc()

    def confirmed(self, channel: str, said: Said) -> None:
        """A provider said later what became of a notice that it had taken."""
        self._confirmations.labels(said.value).inc()
        if said is Said.FAILED:
            self._failed.labels(channel, FailureReason.UNDELIVERED.value).inc()

    def answered(self, what: str) -> None:
        """Somebody answered an alert: seen, fraud or legitimate."""
        self._answers.labels(what).inc()

    def _begin_at_zero(self) -> None:
        for said in Said:
            self._confirmations.labels(said.value)
        for answer in ANSWERS:
            self._answers.labels(answer)
        for channel in self._channels:
            for series in (self._notifications, self._unsure, self._digests, self._breaker):
                series.labels(channel)
            for histograms in (self._latency, self._end_to_end, self._from_verdict):
                histograms.labels(channel)
            for reason in FailureReason:
                self._failed.labels(channel, reason.value)
                self._retries.labels(channel, reason.value)
            for held in Held:
                self._suppressed.labels(channel, held.value)

    def _accepted(self, delivery: Delivery, at: datetime) -> None:
        channel = delivery.channel
        self._notifications.labels(channel).inc()
        # Clocks of other machines may be ahead.
        self._from_verdict.labels(channel).observe(max((at - delivery.created_at).total_seconds(), 0.0))
        if delivery.tally is not None:
            self._digests.labels(channel).inc()
        elif delivery.verdict is not None and delivery.template != OPERATOR:
            event_time = delivery.verdict.event_time
            self._end_to_end.labels(channel).observe(max((at - event_time).total_seconds(), 0.0))

    def template_failed(self) -> None:
        """A notice was said in plain text."""
        self._templates.inc()

    def unreadable(self) -> None:
        """A record of the verdicts is none."""
        self._unreadable.inc()

    def repeated(self, count: int) -> None:
        """Verdicts were read that had been told of."""
        self._repeated.inc(count)

    def skipped(self, count: int) -> None:
        """Verdicts were gone before they were read."""
        self._skipped.inc(count)

    def breakers(self, left_alone: Collection[str]) -> None:
        """Says of which channels something is not tried for a while."""
        for channel in self._channels:
            self._breaker.labels(channel).set(channel in left_alone)

    def open_notifications(self, count: int) -> None:
        """Says how many notices are neither sent nor given up."""
        self._open.set(count)

    def lag(self, lags: dict[tuple[str, int], int]) -> None:
        """Sets the lag of the partitions owned now and forgets those of others."""
        self._lag.clear()
        for (_, partition), behind in lags.items():
            self._lag.labels(str(partition)).set(behind)
