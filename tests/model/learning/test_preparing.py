from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest

from model.data.dataset import Dataset, dataset_from_frame
from model.learning.preparation import CLIP_QUANTILES, with_times
from model.learning.preparing import prepare
from model.scoring.calendar import CALENDAR
from tests.harness.labelled import PROFILE, labelled_frame

EARLY = np.arange(300)


def read(frame: pd.DataFrame) -> Dataset:
    return dataset_from_frame(frame, PROFILE, need_labels=True, source="table")


def gappy_frame() -> pd.DataFrame:
    frame = labelled_frame()
    frame.loc[frame.index % 5 == 0, "risk"] = np.nan
    return frame


def test_only_the_rows_given_are_learnt_from() -> None:
    frame, other = gappy_frame(), gappy_frame()
    other.loc[other.index >= 300, ["amount", "risk", "noise"]] *= -1e9
    other.loc[other.index >= 300, "at"] += pd.Timedelta(hours=11)

    one, two = (prepare(read(given), EARLY, PROFILE) for given in (frame, other))

    for name in vars(one.learnt):
        np.testing.assert_array_equal(getattr(one.learnt, name), getattr(two.learnt, name))
    assert one.features(read(frame), EARLY).tobytes() == two.features(read(other), EARLY).tobytes()


def test_what_was_learnt_can_be_read() -> None:
    dataset = read(gappy_frame())

    learnt = prepare(dataset, EARLY, PROFILE).learnt

    medians = np.nanmedian(dataset.inputs[EARLY], axis=0)
    np.testing.assert_array_equal(learnt.medians, medians)
    imputed = np.where(np.isnan(dataset.inputs[EARLY]), medians, dataset.inputs[EARLY])
    np.testing.assert_array_equal([learnt.low, learnt.high], np.quantile(imputed, CLIP_QUANTILES, axis=0))


def test_features_are_those_of_the_preparation_in_the_order_asked_for() -> None:
    dataset = read(gappy_frame())
    prepared = prepare(dataset, EARLY, PROFILE)
    # More than are prepared at once.
    rows = np.random.default_rng(2).integers(0, len(dataset), 120_000)

    features = prepared.features(dataset, rows)

    whole = prepared.preparation.transform(with_times(dataset.inputs, dataset.times, prepared.calendar))
    assert features.dtype == np.float32
    assert features.tobytes() == whole[rows].astype(np.float32).tobytes()
    assert prepared.features(dataset, EARLY[:0]).shape == (0, 6)


@pytest.mark.parametrize(("calendar", "expected"), [(None, CALENDAR), ((), ()), (("night",), ("night",))])
def test_calendar_features_stand_behind_the_inputs(calendar: tuple[str, ...] | None, expected: tuple[str, ...]) -> None:
    dataset = read(labelled_frame())

    prepared = prepare(dataset, EARLY, msgspec.structs.replace(PROFILE, calendar=calendar))

    assert prepared.calendar == expected
    assert prepared.names == (*PROFILE.inputs, *expected)
    assert prepared.features(dataset, EARLY).shape == (300, len(prepared.names))
