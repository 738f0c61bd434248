"""A batch at once counts as its values one by one do in the client library's own histogram."""

from __future__ import annotations

import numpy as np
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from stream.batch_histogram import BatchHistogram

BOUNDS = (0.005, 0.5, 1.0, 30.0, 3600.0)


def _lines(registry: CollectorRegistry) -> list[str]:
    """What a scrape reads, without the time at which the library's own was made."""
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if "_created" not in line]


def test_the_same_is_scraped_as_from_the_library_s_own() -> None:
    own, theirs = CollectorRegistry(), CollectorRegistry()
    batched = BatchHistogram("fraud_age_seconds", "Of events", BOUNDS, own)
    single = Histogram("fraud_age_seconds", "Of events", buckets=BOUNDS, registry=theirs)
    assert _lines(own) == _lines(theirs)

    values = np.concatenate([np.arange(0.0, 40.0, 0.125), BOUNDS, [0.0, 1e9]])
    batched.observe_all(values[:100])
    batched.observe_all(np.empty(0))
    batched.observe_all(values[100:])
    for value in values.tolist():
        single.observe(value)
    assert _lines(own) == _lines(theirs)
    assert f"fraud_age_seconds_count {len(values):.1f}" in _lines(own)
