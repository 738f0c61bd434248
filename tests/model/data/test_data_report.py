from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from model.data.cleaning import without_duplicates
from model.data.data_report import data_report
from model.data.dataset import Dataset, dataset_from_frame, read_dataset
from model.data.fingerprint import fingerprint
from model.measuring.assessment import DataReport, Drift, Finding
from tests.harness.labelled import PROFILE, labelled_frame

FINDING = Finding(kind="few_frauds", column=None, text="few")
DRIFT = Drift(feature="risk", psi=0.1)
LIMITS = (np.array([0.0, -2.0, -1e6]), np.array([100.0, 2.0, 1e6]))


def report_of(dataset: Dataset) -> DataReport:
    clean = without_duplicates(dataset, PROFILE)
    return data_report(
        dataset,
        clean,
        PROFILE,
        findings=[FINDING],
        drifts=[DRIFT],
        medians=np.array([30.0, 0.0, 1.0]),
        low=LIMITS[0],
        high=LIMITS[1],
        training_inputs=clean.inputs,
        training_weights=clean.weights,
    )


def test_everything_is_in_its_place() -> None:
    frame = labelled_frame(300).astype({"risk": "object"})
    frame.loc[[1, 2], "risk"] = ["high", None]
    frame.loc[3, "at"] = pd.NaT
    frame = pd.concat([frame, frame.iloc[[10, 11]]], ignore_index=True)
    dataset = dataset_from_frame(frame, PROFILE, need_labels=True, source="table", incomplete="leave out")

    report = report_of(dataset)

    kept = without_duplicates(dataset, PROFILE)
    assert kept.labels is not None
    assert (report.rows, report.frauds) == (302, kept.labels.sum())
    assert report.left_out == {"without time": 1, "duplicates": 2}
    assert (report.missing, report.unparsable) == ({"risk": 2}, {"risk": 1})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert (report.first, report.last) == (start, start + timedelta(minutes=299))
    assert report.limits == {"amount": (0.0, 100.0), "risk": (-2.0, 2.0), "noise": (-1e6, 1e6)}
    assert report.medians == {"amount": 30.0, "risk": 0.0, "noise": 1.0}
    beyond = ((kept.inputs < LIMITS[0]) | (kept.inputs > LIMITS[1])).sum(axis=0)
    assert report.clipped == {name: count for name, count in zip(PROFILE.inputs, beyond, strict=True) if count}
    assert report.fingerprint == fingerprint(dataset)
    assert report.sampling is None
    assert report.drift == (DRIFT,)
    assert [finding.kind for finding in report.findings] == ["few_frauds", "duplicates"]
    assert msgspec.json.decode(msgspec.json.encode(report), type=DataReport) == report


def test_what_there_is_none_of_is_not_listed() -> None:
    dataset = dataset_from_frame(labelled_frame(50), PROFILE, need_labels=True, source="table")

    report = report_of(dataset)

    assert (report.left_out, report.missing, report.unparsable) == ({}, {}, {})
    assert report.findings == (FINDING,)


def test_of_a_sampled_file_the_counts_are_estimates_for_all_of_it(tmp_path: Path) -> None:
    frame = labelled_frame(20_000)
    frame.to_parquet(tmp_path / "data.parquet")
    whole = read_dataset(tmp_path / "data.parquet", PROFILE, need_labels=True)
    sampled = read_dataset(tmp_path / "data.parquet", PROFILE, need_labels=True, most_rows=5_000)

    of_whole, of_sample = report_of(whole), report_of(sampled)

    assert of_sample.sampling == sampled.found.sampling is not None
    assert (of_sample.rows, of_sample.frauds) == (of_whole.rows, of_whole.frauds)
    assert of_sample.clipped == pytest.approx(of_whole.clipped, rel=0.15)
