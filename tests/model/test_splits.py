from __future__ import annotations

import numpy as np
import pytest

from model.splits import OneClassOnly, require_both_classes, split_by_time

SHUFFLED = np.random.default_rng(2).permutation(1_000).astype(np.int64)
MIXED = np.tile(np.array([0, 1], dtype=np.int8), 500)


def test_each_part_lies_later_than_the_one_before_and_none_overlap() -> None:
    parts = split_by_time(SHUFFLED)

    assert [len(rows) for _, rows in parts.named()] == [650, 150, 200]
    np.testing.assert_array_equal(SHUFFLED[np.concatenate([rows for _, rows in parts.named()])], np.arange(1_000))


def test_rows_of_one_moment_stay_together() -> None:
    days = np.sort(SHUFFLED // 100)

    parts = split_by_time(days)

    assert days[parts.training].max() < days[parts.validation].min()
    assert days[parts.validation].max() < days[parts.test].min()
    assert sum(len(rows) for _, rows in parts.named()) == 1_000


@pytest.mark.parametrize(("label", "named"), [(0, "legitimate"), (1, "frauds")])
def test_labels_of_one_class_are_refused(label: int, named: str) -> None:
    with pytest.raises(OneClassOnly, match=f"one class only: {named}"):
        require_both_classes(split_by_time(SHUFFLED), np.full(1_000, label, dtype=np.int8))


@pytest.mark.parametrize("part", ["training", "validation", "test"])
def test_a_part_of_one_class_is_named(part: str) -> None:
    parts = split_by_time(SHUFFLED)
    labels = MIXED.copy()
    labels[dict(parts.named())[part]] = 0

    with pytest.raises(OneClassOnly, match=f"the {part} part .* has 0 frauds"):
        require_both_classes(parts, labels)


def test_rows_of_one_single_moment_cannot_be_split() -> None:
    with pytest.raises(OneClassOnly, match=r"the training part .* has 0 frauds in 0 rows"):
        require_both_classes(split_by_time(np.zeros(1_000, dtype=np.int64)), MIXED)


def test_two_rows_are_too_few() -> None:
    with pytest.raises(OneClassOnly, match="part"):
        require_both_classes(split_by_time(np.array([1, 2])), np.array([0, 1], dtype=np.int8))
