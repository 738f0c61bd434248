"""What the stream says of a transaction is, bit for bit, what `fraud evaluate` says of the same row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.harness.fraud import FraudProcess, fraud
from tests.harness.topics import CommittedReader, new_stream

ROWS = 3_000


@pytest.mark.kafka
def test_the_stream_and_the_evaluation_give_one_probability(
    kafka: str, simulated: Path, trained_model: Path, tmp_path: Path
) -> None:
    rows = pd.read_parquet(simulated).tail(ROWS).reset_index(drop=True)
    gaps = np.random.default_rng(7)
    for column in ("amount", "account_mean_amount_7d", "terminal_risk_30d"):
        rows[column] = rows[column].mask(gaps.random(ROWS) < 0.1)
    data, scores = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
    rows.to_parquet(data)
    fraud("evaluate", trained_model, data, "--scores", scores)
    stream = new_stream(kafka)

    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "score.log") as scorer:
        fraud("produce", data, "--profile", "simulated", "--rate", "0", env=stream.env)
        reader = CommittedReader(kafka, [stream.verdicts, stream.dead_letters])
        reader.read_until(ROWS)
        assert scorer.terminate() == 0
    verdicts = [json.loads(message.value() or b"") for message in reader.read_to_end()]
    reader.close()

    streamed = {verdict["transaction_id"]: (verdict["fraud_probability"], verdict["verdict"]) for verdict in verdicts}
    evaluated = pd.read_parquet(scores)
    expected = zip(evaluated["fraud_probability"].tolist(), evaluated["verdict"].tolist(), strict=True)
    assert len(verdicts) == ROWS
    assert streamed == dict(zip(evaluated["id"].tolist(), expected, strict=True))
    assert len({probability for probability, _ in streamed.values()}) > 10
