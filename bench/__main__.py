"""`make bench`: a model, a real Kafka, and every benchmark."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import joblib

from bench.scoring import bench_scoring
from bench.stream import bench_stream
from cli.console import configure_logging
from demo.kafka.local import LocalKafka
from model.data.dataset import read_dataset
from model.profile import load_profile
from model.versions.loading import load_scorer
from stream.replay import transactions_of
from stream.settings import LogSettings

_TRANSACTIONS = 40_000


def main() -> None:
    """Prints one JSON line a figure to stdout."""
    configure_logging(LogSettings(level="error"))
    with tempfile.TemporaryDirectory() as folder:
        data, model = Path(folder) / "simulated.parquet", Path(folder) / "model"
        fraud = [sys.executable, "-m", "cli.main"]
        subprocess.run([*fraud, "simulate", "--out", str(data)], check=True)
        train = [*fraud, "train", str(data), "--profile", "simulated", "--out", str(model)]
        subprocess.run(train, check=True, stdout=sys.stderr)
        scorer, profile = load_scorer(model), load_profile("simulated")
        pipeline = joblib.load(model / "model.joblib")
        dataset = read_dataset(data, profile, need_labels=False)
    transactions = list(transactions_of(dataset, profile, topic="", limit=_TRANSACTIONS))
    bench_scoring(scorer, pipeline, dataset.inputs, dataset.times, profile.calendar_features)
    with LocalKafka() as broker:
        bench_stream(scorer, transactions, broker.bootstrap)


if __name__ == "__main__":
    main()
