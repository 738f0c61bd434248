"""What is suspicious is told with its figures, and what is not is passed over in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model.data.data_checks import examine
from model.data.dataset import dataset_from_frame
from model.data.leaks import LabelLeaks
from model.measuring.assessment import Finding
from model.profile import load_profile
from tests.harness.labelled import PROFILE, labelled_frame

SOURCE = np.random.default_rng(6)
ROWS = 2_000


def findings(frame: pd.DataFrame) -> dict[str, Finding]:
    dataset = dataset_from_frame(frame, PROFILE, need_labels=True, source="table", incomplete="leave out")
    return {finding.kind: finding for finding in examine(dataset, PROFILE, allow_leaks=True)}


def test_ordinary_data_are_passed_over_in_silence() -> None:
    assert findings(labelled_frame(ROWS)) == {}


def test_a_leak_is_refused_unless_it_is_allowed() -> None:
    frame = labelled_frame(ROWS).assign(risk=lambda frame: frame["fraud"] * 2.0)
    dataset = dataset_from_frame(frame, PROFILE, need_labels=True, source="table")

    with pytest.raises(LabelLeaks, match=r"'risk'.*ROC AUC 1\.0000"):
        examine(dataset, PROFILE, allow_leaks=False)
    (finding,) = examine(dataset, PROFILE, allow_leaks=True)
    assert (finding.kind, finding.column) == ("leak", "risk")
    assert "1.0000" in finding.text


def test_columns_without_a_value_or_with_one_only_are_named() -> None:
    empty = findings(labelled_frame(ROWS).assign(risk=np.nan))
    constant = findings(labelled_frame(ROWS).assign(risk=7.0))
    gaps = findings(labelled_frame(ROWS).assign(risk=np.where(np.arange(ROWS) % 4, 7.0, np.nan)))

    assert [(kind, finding.column) for kind, finding in empty.items()] == [("all_missing", "risk")]
    assert [(kind, finding.column) for kind, finding in constant.items()] == [("constant", "risk")]
    assert list(gaps) == ["constant"]
    assert "is 7 in 1500 rows and is missing in 500" in gaps["constant"].text


@pytest.mark.parametrize(
    "values",
    [
        np.arange(ROWS) * 1_000 + SOURCE.integers(0, 900, ROWS),
        SOURCE.permutation(ROWS) + 5_000_000,
        np.where(np.arange(ROWS) == 3, np.nan, np.arange(ROWS)),
    ],
)
def test_an_identifier_is_named(values: np.ndarray) -> None:
    found = findings(labelled_frame(ROWS).assign(risk=values))

    assert [(kind, finding.column) for kind, finding in found.items()] == [("near_unique", "risk")]
    assert "different whole numbers" in found["near_unique"].text


@pytest.mark.parametrize("name", ["card_id", "ID", "deviceId", "cardNumber", "account-key"])
def test_numbers_that_are_hardly_ever_twice_are_taken_for_names_where_they_are_called_so(name: str) -> None:
    profile = load_profile("ulb")
    frame = pd.DataFrame(SOURCE.normal(0, 1, (ROWS, 30)), columns=list(profile.inputs))
    frame["Time"], frame["Class"] = np.sort(SOURCE.integers(0, 172_800, ROWS)), np.arange(ROWS) % 20 == 0
    frame["V7"] = SOURCE.integers(0, 2**53, ROWS)
    renamed = type(profile)(
        name="own",
        label="Class",
        time=profile.time,
        inputs=tuple(name if one == "V7" else one for one in profile.inputs),
    )

    named = dataset_from_frame(frame.rename(columns={"V7": name}), renamed, need_labels=True, source="table")
    assert [finding.column for finding in examine(named, renamed, allow_leaks=False)] == [name]
    # Neither measurements nor the column of the time, nor numbers of another name.
    assert examine(dataset_from_frame(frame, profile, need_labels=True, source="t"), profile, allow_leaks=False) == ()


@pytest.mark.parametrize("name", ["paid", "valid", "humidity", "monkey"])
def test_words_that_end_like_identifiers_are_none(name: str) -> None:
    profile = type(PROFILE)(name="own", label="fraud", time=PROFILE.time, inputs=("noise", name))
    frame = labelled_frame(ROWS).assign(**{name: SOURCE.integers(0, 2**53, ROWS)})
    dataset = dataset_from_frame(frame, profile, need_labels=True, source="table")

    assert examine(dataset, profile, allow_leaks=False) == ()


def test_few_frauds_are_told_with_what_that_means() -> None:
    found = findings(labelled_frame(300, fraud_share=0.05))

    frauds = int(labelled_frame(300, fraud_share=0.05)["fraud"].sum())
    assert list(found) == ["few_frauds"]
    assert f"{frauds} frauds only" in found["few_frauds"].text
    assert f"{0.98 / np.sqrt(frauds):.0%}"[:-1] + " points" in found["few_frauds"].text


def test_steps_back_in_time_are_counted() -> None:
    frame = labelled_frame(ROWS)
    shuffled = frame.iloc[[1, 0, 2, 4, 3, *range(5, ROWS)]]

    assert "steps back 2 times" in findings(shuffled)["time_does_not_increase"].text


def test_what_reading_met_is_told() -> None:
    frame = labelled_frame(ROWS).astype({"risk": "object", "fraud": "object"})
    frame.loc[:2, "risk"] = "high"
    frame.loc[10:1_200, "risk"] = None
    frame.loc[[3, 4], "at"] = pd.NaT
    frame.loc[[5], "fraud"] = None

    found = findings(frame)

    assert set(found) == {"unparsable", "missing", "left_out"}
    assert "3 cells" in found["unparsable"].text
    assert "missing in 1194 of 1997 rows" in found["missing"].text
    assert "3 of 2000 rows are left out: 2 without a usable time, 1 without a label" in found["left_out"].text
