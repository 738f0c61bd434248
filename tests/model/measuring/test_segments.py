from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from model.measuring.segments import by_segment

ROWS = 2_000
SOURCE = np.random.default_rng(2)
LABELS = (SOURCE.random(ROWS) < 0.2).astype(np.int8)
PROBABILITIES = np.clip(SOURCE.normal(0.3 + 0.3 * LABELS, 0.2), 0, 1)
# "a" has most rows, then "b", and so on.
SEGMENTS = [str(one) for one in SOURCE.choice(list("abcdef"), ROWS, p=[0.35, 0.25, 0.15, 0.12, 0.08, 0.05])]
WEIGHTS = np.where(LABELS == 1, 1.0, 2.0)


def test_a_segment_is_measured_by_its_own_rows() -> None:
    first = by_segment(LABELS, PROBABILITIES, 0.5, SEGMENTS, weights=WEIGHTS)[0]

    own = np.array([one == "a" for one in SEGMENTS])
    labels, alarms, weights = LABELS[own] == 1, PROBABILITIES[own] >= 0.5, WEIGHTS[own]
    assert (first.value, first.rows, first.frauds) == ("a", weights.sum(), labels.sum())
    assert first.alerts == weights[alarms].sum()
    assert first.precision == pytest.approx(weights[alarms & labels].sum() / weights[alarms].sum())
    assert first.recall == pytest.approx((alarms & labels).sum() / labels.sum())
    assert first.average_precision == pytest.approx(
        average_precision_score(labels, PROBABILITIES[own], sample_weight=weights)
    )


def test_the_biggest_come_first_and_the_rest_together() -> None:
    all_of_them = by_segment(LABELS, PROBABILITIES, 0.5, SEGMENTS, weights=WEIGHTS)
    some = by_segment(LABELS, PROBABILITIES, 0.5, SEGMENTS, weights=WEIGHTS, most=4)

    assert [one.value for one in all_of_them] == list("abcdef")
    assert some[:4] == all_of_them[:4]
    assert (some[4].value, len(some)) == ("other", 5)
    assert some[4].rows == all_of_them[4].rows + all_of_them[5].rows
    assert sum(one.frauds for one in some) == LABELS.sum()


def test_a_missing_value_is_a_segment_and_what_it_lacks_is_none() -> None:
    labels = np.array([0, 0, 1], dtype=np.int8)

    found = by_segment(labels, np.array([0.1, 0.2, 0.9]), 0.5, [None, None, "x"], weights=np.ones(3))

    assert [(one.value, one.rows, one.alerts) for one in found] == [("(none)", 2, 0), ("x", 1, 1)]
    assert (found[0].precision, found[0].recall, found[0].average_precision) == (None, None, None)
    assert (found[1].precision, found[1].recall, found[1].average_precision) == (1.0, 1.0, None)
