"""What the alert worker tells Prometheus: one catalogue. `fraud_` is the prefix, seconds and counts the units."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from alerting.delivery import FailureReason

_ATTEMPT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)
_END_TO_END = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class AlertMetrics:
    """Metrics of all channels; every series exists at zero from the start. Used by every channel's thread.

    Names are Prometheus Alertmanager's where it has the same thing.

    Args:
        registry: Where the series are registered; one for each process.
        channels: The names of those that are open.
    """

    def __init__(self, registry: CollectorRegistry, channels: Iterable[str]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"fraud_{name}", text, ("channel", *labels), registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"fraud_{name}", text, ("channel",), buckets=buckets, registry=registry)

        self._notifications = counter("notifications", "Recipients to tell, those given up included")
        self._failed = counter("notifications_failed", "Recipients given up and dead-lettered", "reason")
        self._retries = counter("notification_retries", "Attempts that were put off to another", "reason")
        self._latency = histogram("notification_latency_seconds", "Time of one attempt, accepted or not", _ATTEMPT)
        self._end_to_end = histogram(
            "alert_end_to_end_seconds", "From the transaction's event_time to the provider's acceptance", _END_TO_END
        )
        self._from_verdict = histogram(
            "alert_from_verdict_seconds", "From the verdict's Kafka timestamp to the provider's acceptance", _END_TO_END
        )
        self._dead_letters = counter("alert_dead_letters", "Records written to the alert dead letters", "reason")
        self._skipped = counter("alert_skipped_records", "Verdicts that the broker deleted unread")
        self._lag = Gauge(
            "fraud_alert_consumer_lag",
            "Records behind the partition's end",
            ["channel", "partition"],
            registry=registry,
        )
        self._partitions: dict[str, set[str]] = {}
        for channel in channels:
            for series in (self._notifications, self._latency, self._end_to_end, self._from_verdict, self._skipped):
                series.labels(channel)
            for reason in FailureReason:
                for series_by_reason in (self._failed, self._retries, self._dead_letters):
                    series_by_reason.labels(channel, reason.value)

    def attempted(self, channel: str, seconds: float) -> None:
        """One attempt has ended."""
        self._latency.labels(channel).observe(seconds)

    def put_off(self, channel: str, reason: FailureReason) -> None:
        """The attempt failed and another will follow."""
        self._retries.labels(channel, reason.value).inc()

    def accepted(self, channel: str, *, event_time: datetime, verdict_ms: int, now: datetime) -> None:
        """The provider took it.

        Args:
            channel: Which.
            event_time: When the transaction happened.
            verdict_ms: The verdict's Kafka timestamp, milliseconds since 1970-01-01 UTC; 0 where it has none.
            now: With a time zone.
        """
        self._notifications.labels(channel).inc()
        # Clocks of other machines may be ahead.
        self._end_to_end.labels(channel).observe(max((now - event_time).total_seconds(), 0.0))
        if verdict_ms:
            self._from_verdict.labels(channel).observe(max(now.timestamp() - verdict_ms / 1000, 0.0))

    def given_up(self, channel: str, reason: FailureReason) -> None:
        """A recipient will not be told."""
        self._notifications.labels(channel).inc()
        self._failed.labels(channel, reason.value).inc()

    def dead_lettered(self, channel: str, reason: FailureReason) -> None:
        """The broker acknowledged a dead letter."""
        self._dead_letters.labels(channel, reason.value).inc()

    def skipped(self, channel: str, count: int) -> None:
        """Verdicts were gone before they were read."""
        self._skipped.labels(channel).inc(count)

    def lag(self, channel: str, lags: dict[tuple[str, int], int]) -> None:
        """Sets the lag of the partitions that the channel's group gave to this process, and forgets others'."""
        shown = {str(partition) for _, partition in lags}
        for gone in self._partitions.get(channel, set()) - shown:
            self._lag.remove(channel, gone)
        self._partitions[channel] = shown
        for (_, partition), behind in lags.items():
            self._lag.labels(channel, str(partition)).set(behind)
