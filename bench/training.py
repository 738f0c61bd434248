"""What a training costs: `python -m bench.training`, beside one plain forest fitted to the same rows.

The rows are made up: as many columns as the ULB card data, and as many frauds. Rows double twice.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from bench.figures import show
from model.data.dataset import Dataset, dataset_from_frame
from model.learning.training import TrainingPlan, train
from model.profile import Profile, TimeColumn

_INPUTS = 30
_FRAUD_SHARE = 0.00173
_PROFILE = Profile(
    name="made-up",
    label="fraud",
    time=TimeColumn(column="at", absolute=False),
    inputs=tuple(f"V{number}" for number in range(_INPUTS)),
    amount="V0",
)


def main() -> None:
    """Prints one JSON line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[71_202, 142_404, 284_807])
    for rows in parser.parse_args().rows:
        dataset = made_up(rows)
        plain = _seconds(partial(_plain, dataset))
        whole = _seconds(partial(_trained, dataset))
        show(
            "training, candidates and search included",
            whole,
            "s",
            baseline="RandomForestClassifier(100).fit on one core",
            baseline_value=plain,
            rows=rows,
            inputs=_INPUTS,
            peak_mb=round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)
            ),
        )


def made_up(rows: int, *, seed: int = 5) -> Dataset:
    """Labelled rows in the order of time: frauds are shifted in a third of the columns, each fraud in its own way."""
    source = np.random.default_rng(seed)
    fraud = source.random(rows) < _FRAUD_SHARE
    inputs = source.normal(size=(rows, _INPUTS))
    inputs[fraud, :10] += source.gamma(2, 1, (int(fraud.sum()), 10)) * source.integers(0, 2, (int(fraud.sum()), 10))
    frame = pd.DataFrame(inputs, columns=list(_PROFILE.inputs))
    frame["at"] = pd.date_range("2026-01-01", periods=rows, freq="s", tz="UTC")
    frame["fraud"] = fraud.astype(np.int64)
    return dataset_from_frame(frame, _PROFILE, need_labels=True, source="made-up rows")


def _plain(dataset: Dataset) -> None:
    RandomForestClassifier(100, random_state=7).fit(dataset.inputs, dataset.labels)


def _trained(dataset: Dataset) -> None:
    train(dataset, _PROFILE, plan=TrainingPlan(), progress=lambda _, __: None)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
