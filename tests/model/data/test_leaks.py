"""An input that is the label in another form is found; a good input is not taken for one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from model.data.dataset import Dataset, dataset_from_frame
from model.data.leaks import LabelLeaks, Leak, leaks
from model.profile import Profile
from tests.harness.labelled import PROFILE, labelled_frame

Floats = NDArray[np.float64]


def with_column(make: Callable[[NDArray[np.bool_], np.random.Generator], Floats], rows: int = 3_000) -> Dataset:
    frame = labelled_frame(rows)
    frame["risk"] = make(frame["fraud"].to_numpy() == 1, np.random.default_rng(2))
    return dataset_from_frame(frame, PROFILE, need_labels=True, source="table")


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (lambda fraud, _: fraud.astype(float), "high values"),
        (lambda fraud, source: source.random(len(fraud)) - 2 * fraud, "low values"),
        (lambda fraud, source: np.where(fraud, source.random(len(fraud)), np.nan), "a value in frauds only"),
        (lambda fraud, _: np.where(fraud, np.nan, 5.0), "a value in legitimate rows only"),
        (lambda fraud, source: np.where(source.random(len(fraud)) < 0.5, np.nan, fraud), "high values"),
        (lambda fraud, source: np.where(fraud, 2.0, source.choice([1, 3], len(fraud))), "each of its 3 values"),
        (lambda fraud, source: np.where(fraud, 2.0, source.choice([1, 3, np.nan], len(fraud))), "each of its 4 values"),
    ],
)
def test_a_column_that_tells_the_label_is_found(
    make: Callable[[NDArray[np.bool_], np.random.Generator], Floats], how: str
) -> None:
    (leak,) = leaks(with_column(make), PROFILE)

    assert leak.column == "risk"
    assert leak.roc_auc >= 0.9999
    assert how in leak.how


@pytest.mark.parametrize(
    "make",
    [
        lambda fraud, source: source.normal(0, 1, len(fraud)) + 4 * fraud,
        lambda fraud, source: np.where(fraud, source.choice([1, 2], len(fraud)), source.choice([2, 3], len(fraud))),
        lambda fraud, _: np.full(len(fraud), np.nan),
        lambda fraud, _: np.ones(len(fraud)),
        lambda fraud, _: fraud ^ (np.arange(len(fraud)) % 500 == 0),
    ],
)
def test_a_column_that_tells_much_or_nothing_is_no_leak(
    make: Callable[[NDArray[np.bool_], np.random.Generator], Floats],
) -> None:
    assert leaks(with_column(make), PROFILE) == ()


def test_by_good_luck_a_few_frauds_can_be_told() -> None:
    frame = labelled_frame(200).assign(fraud=0)
    frame.loc[:8, "fraud"] = 1
    frame["risk"] = frame["fraud"].astype(float)

    assert leaks(dataset_from_frame(frame, PROFILE, need_labels=True, source="table"), PROFILE) == ()


def test_as_many_categories_as_a_small_file_has_are_pure_by_chance() -> None:
    frame = labelled_frame(20)
    frame["fraud"], frame["risk"] = np.arange(20) % 2, np.arange(20)

    assert leaks(dataset_from_frame(frame, PROFILE, need_labels=True, source="table"), PROFILE) == ()


def test_a_category_is_judged_by_every_row_of_a_large_file() -> None:
    rows = 260_000
    fraud = np.arange(rows) % 1_000 == 0
    frame = labelled_frame(rows)
    frame["fraud"] = fraud.astype(int)
    frame["risk"] = np.where(fraud, 2.0, 1.0 + 2 * (np.arange(rows) % 2))
    pure = dataset_from_frame(frame, PROFILE, need_labels=True, source="table")
    assert [leak.column for leak in leaks(pure, PROFILE)] == ["risk"]

    assert "values stands in" in leaks(pure, PROFILE)[0].how

    frame.loc[[17, 100_001], "risk"] = 2.0
    (nearly,) = leaks(dataset_from_frame(frame, PROFILE, need_labels=True, source="table"), PROFILE)
    assert "ranges" in nearly.how

    frame.loc[frame.index % 500 == 1, "risk"] = 2.0
    assert leaks(dataset_from_frame(frame, PROFILE, need_labels=True, source="table"), PROFILE) == ()


def test_a_band_and_fractions_that_tell_the_label_are_found() -> None:
    def in_a_band(fraud: NDArray[np.bool_], source: np.random.Generator) -> NDArray[np.float64]:
        beside = source.choice([1.0, 9.0], len(fraud)) + source.normal(0, 0.3, len(fraud))
        return np.where(fraud, source.uniform(4, 5, len(fraud)), beside)

    band = with_column(in_a_band)
    fractions = with_column(lambda fraud, source: np.where(fraud, 0.5, source.choice([0.25, 0.75], len(fraud))))

    assert "ranges" in leaks(band, PROFILE)[0].how
    assert "values stands in" in leaks(fractions, PROFILE)[0].how


def test_the_figure_is_scikit_learns() -> None:
    dataset = with_column(lambda fraud, source: source.normal(0, 1, len(fraud)).round(1) + 9.0 * fraud)

    (leak,) = leaks(dataset, PROFILE)

    assert leak.roc_auc == pytest.approx(roc_auc_score(dataset.labels, dataset.inputs[:, 1]), abs=1e-15)


def test_the_refusal_names_all_and_what_to_do() -> None:
    refusal = LabelLeaks([Leak("a", 1.0, "its high values are the frauds'"), Leak("b", 0.99993, "so")])

    for said in ("'a'", "1.0000", "'b'", "0.9999", "--allow-leaks"):
        assert said in str(refusal)


def test_leaks_are_told_in_the_order_of_the_profile() -> None:
    frame = labelled_frame(1_000)
    frame["noise"], frame["amount"] = frame["fraud"], -frame["fraud"]
    dataset = dataset_from_frame(frame, PROFILE, need_labels=True, source="table")

    assert [leak.column for leak in leaks(dataset, PROFILE)] == ["amount", "noise"]
    turned: Profile = msgspec.structs.replace(PROFILE, inputs=PROFILE.inputs[::-1])
    dataset = dataset_from_frame(frame, turned, need_labels=True, source="table")
    assert [leak.column for leak in leaks(dataset, turned)] == ["noise", "amount"]
