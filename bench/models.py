"""A model and transactions for benchmarks of the stream: small data, and a forest of the usual size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from model.data.dataset import read_dataset
from model.profile import load_profile
from stream.replay import transactions_of
from tests.harness.small_model import small_model

_TREES: Final = 200  # as many as `fraud train` grows


def quick_model(folder: Path, *, limit: int = 40_000) -> tuple[Path, list[bytes]]:
    """The directory of a forest, made in `folder`, and transactions that it can score.

    Args:
        folder: To write to.
        limit: Transactions at most.
    """
    data, model = folder / "simulated.parquet", folder / "model"
    fraud = [sys.executable, "-m", "cli.main"]
    subprocess.run([*fraud, "simulate", "--out", str(data)], check=True, stderr=subprocess.DEVNULL)
    profile = load_profile("simulated")
    dataset = read_dataset(data, profile, need_labels=True)
    small_model(dataset, profile=profile, trees=_TREES).save(model)
    return model, [one.value or b"" for one in transactions_of(dataset, profile, topic="", limit=limit)]
