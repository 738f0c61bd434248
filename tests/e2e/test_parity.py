"""What the stream says of a transaction is, bit for bit, what `fraud evaluate` says of the same row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from model.profile import load_profile
from model.report.document import parse_metrics
from model.scoring.calendar import CALENDAR
from model.versions.manifest import read_manifest
from tests.harness.commands import PROFILE, QUICK
from tests.harness.fraud import FraudProcess, fraud
from tests.harness.labelled import labelled_frame
from tests.harness.shipped import file_for
from tests.harness.topics import CommittedReader, new_stream

ROWS = 3_000
PLAN = (*QUICK, "--delay-days", "0")


def verdicts_of(
    kafka: str, model: Path, data: Path, *, profile: str | Path, rows: int, log: Path
) -> list[dict[str, Any]]:
    """What `fraud score` makes of what `fraud produce` sends."""
    stream = new_stream(kafka)
    with FraudProcess("score", "--model", model, env=stream.env, log=log) as scorer:
        fraud("produce", data, "--profile", profile, "--rate", "0", env=stream.env)
        reader = CommittedReader(kafka, [stream.verdicts, stream.dead_letters])
        reader.read_until(rows)
        assert scorer.terminate() == 0
    said = [json.loads(message.value() or b"") for message in reader.read_to_end()]
    reader.close()
    return said


def require_parity(kafka: str, model: Path, data: Path, *, profile: str | Path, rows: int, folder: Path) -> None:
    """Both ways, and a comparison without a tolerance."""
    fraud("evaluate", model, data, "--scores", folder / "scores.parquet")

    verdicts = verdicts_of(kafka, model, data, profile=profile, rows=rows, log=folder / "score.log")

    streamed = {one["transaction_id"]: (one["fraud_probability"], one["verdict"]) for one in verdicts}
    evaluated = pd.read_parquet(folder / "scores.parquet")
    expected = zip(evaluated["fraud_probability"].tolist(), evaluated["verdict"].tolist(), strict=True)
    assert len(verdicts) == rows
    assert streamed == dict(zip(evaluated["id"].tolist(), expected, strict=True))
    assert len({probability for probability, _ in streamed.values()}) > 10
    assert {ruling for _, ruling in streamed.values()} == {"fraud", "legitimate"}
    assert all(one["model"]["version"] == read_manifest(model).version for one in verdicts)


@pytest.mark.kafka
def test_the_stream_and_the_evaluation_give_one_probability(
    kafka: str, simulated: Path, trained_model: Path, tmp_path: Path
) -> None:
    rows = pd.read_parquet(simulated).tail(ROWS).reset_index(drop=True)
    gaps = np.random.default_rng(7)
    for column in ("amount", "account_mean_amount_7d", "terminal_risk_30d"):
        rows[column] = rows[column].mask(gaps.random(ROWS) < 0.1)
    rows.to_parquet(tmp_path / "rows.parquet")

    require_parity(kafka, trained_model, tmp_path / "rows.parquet", profile="simulated", rows=ROWS, folder=tmp_path)


@pytest.mark.kafka
def test_what_the_model_makes_of_the_time_is_the_same_on_the_stream(kafka: str, tmp_path: Path) -> None:
    profile, data = tmp_path / "small.toml", tmp_path / "rows.parquet"
    profile.write_text(PROFILE)
    frame = labelled_frame(1500)
    # Nearly three weeks, at odd milliseconds; frauds come at night.
    frame["at"] = pd.Timestamp("2026-01-01T00:00:00.123Z") + pd.to_timedelta(frame.index * 1_087_357, unit="ms")
    night = (frame["at"].dt.hour < 7) & (np.random.default_rng(3).random(len(frame)) < 0.4)
    frame["fraud"] = (frame["fraud"] | night).astype(np.int64)
    frame.to_parquet(data)
    fraud("train", data, "--profile", profile, "--out", tmp_path / "model", *PLAN)
    manifest = read_manifest(tmp_path / "model")
    assert manifest.calendar == CALENDAR
    assert manifest.calibration_method != "none"
    importances = parse_metrics((tmp_path / "model" / "metrics.json").read_bytes()).importances
    assert importances[0].feature in CALENDAR

    require_parity(kafka, tmp_path / "model", data, profile=profile, rows=len(frame), folder=tmp_path)


@pytest.mark.kafka
@pytest.mark.parametrize("name", ["handbook", "simulated", "ulb"])
def test_every_shipped_profile_keeps_the_bits(name: str, kafka: str, tmp_path: Path) -> None:
    frame, data = file_for(load_profile(name)), tmp_path / "rows.parquet"
    frame.to_parquet(data)
    fraud("train", data, "--profile", name, "--out", tmp_path / "model", *PLAN)

    require_parity(kafka, tmp_path / "model", data, profile=name, rows=len(frame), folder=tmp_path)
