"""The model alone: `python -m bench.scoring [--data FILE --profile ulb]`, beside scikit-learn and the walk by numpy.

One forest of 100 trees, learnt from the first four fifths of the file (of simulated transactions without one), scores
the later rows: through `Scorer.score`, which prepares them first, and bare, on rows that are prepared already. Those
that it scores highest are explained. Nothing uses a second core. All give the same bits, or the run ends.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from bench.figures import show
from model.data.dataset import Dataset, dataset_from_frame, read_dataset
from model.learning.export import forest_of, serving_model
from model.learning.preparation import new_preparation, with_times
from model.learning.windows import labels_of
from model.profile import Profile, load_profile
from model.scoring import forest as walking
from model.scoring.calibration import IDENTITY
from model.scoring.forest import Forest
from model.scoring.kernel import KERNEL, NAME, Kernel
from model.scoring.scorer import Scorer
from model.scoring.serving import ServingModel
from model.simulation import simulate
from model.simulation_plan import SimulationPlan

Given = TypeVar("Given")

_BATCHES = (1, 256, 2000)
_EXPLAINED = (1, 10, 256)
_ROUNDS = 5
_ROUND_S = 0.4
_TREES = 100
_OURS = """
import sys, numpy as np
from model.scoring.serving import ServingModel
from pathlib import Path
model = ServingModel.decode(Path(sys.argv[1]).read_bytes())
model.probabilities(np.zeros((1, len(model.inputs))), np.zeros(1, np.int64))
"""
_PICKLED = """
import sys, pickle, numpy as np
from pathlib import Path
forest = pickle.loads(Path(sys.argv[1]).read_bytes())
forest.predict_proba(np.zeros((1, forest.n_features_in_)))
"""
_SAID = """
import time
# The high-water mark of getrusage is, after a fork, that of the parent.
print(time.monotonic(), *[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def main() -> None:
    """Prints one JSON line a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a file with labels")
    parser.add_argument("--profile", help="what its columns are; ulb unless said, simulated without a file")
    arguments = parser.parse_args()
    profile = load_profile(arguments.profile or ("ulb" if arguments.data else "simulated"))
    dataset = _dataset(arguments.data, profile)
    pipeline, serving = _learnt(dataset, profile)
    later = slice(len(dataset) - max(_BATCHES), len(dataset))
    scorer = Scorer(serving, threshold=0.5, name="bench", version="1")
    bench_scoring(scorer, pipeline, dataset.inputs[later], dataset.times[later], profile.calendar_features)
    bench_explaining(serving, dataset.inputs[later], dataset.times[later])
    _bench_starting(serving, pipeline[-1])


def bench_scoring(
    scorer: Scorer, pipeline: Pipeline, rows: NDArray[np.float64], times: NDArray[np.int64], calendar: Sequence[str]
) -> None:
    """Prints three figures for each batch size: with the preparation, the bare forest, and the latter by numpy.

    Args:
        scorer: Of a model whose classifier is a forest.
        pipeline: The same model, fitted by scikit-learn, with `n_jobs` 1.
        rows: float64[n, d], 2000 at least.
        times: int64[n], epoch milliseconds UTC.
        calendar: The calendar features of the model.
    """
    preparation, fitted = pipeline[:-1], pipeline[-1]
    forest = forest_of(fitted)
    for size in _BATCHES:
        batch, moments = np.ascontiguousarray(rows[:size]), times[:size]
        prepared = preparation.transform(with_times(batch, moments, calendar))
        assert forest.probabilities(prepared).tobytes() == fitted.predict_proba(prepared)[:, 1].tobytes()
        ways: dict[str, Callable[[], object]] = {
            "rows scored": partial(scorer.score, batch, moments),
            "rows through the forest": partial(forest.probabilities, prepared),
            "rows through the forest by numpy": partial(_by_numpy, forest.probabilities, prepared),
        }
        seconds = _seconds([partial(fitted.predict_proba, prepared), *ways.values()])
        for figure, taken in zip(ways, seconds[1:], strict=True):
            show(
                figure,
                size / taken,
                "rows/s",
                baseline="RandomForestClassifier.predict_proba on prepared rows",
                baseline_value=size / seconds[0],
                batch=size,
                microseconds=round(taken * 1e6, 1),
                baseline_microseconds=round(seconds[0] * 1e6, 1),
                kernel=NAME,
                trees=len(fitted.estimators_),
                nodes=len(forest.feature),
                inputs=len(scorer.inputs),
                load=round(os.getloadavg()[0], 1),
            )


def bench_explaining(serving: ServingModel, rows: NDArray[np.float64], times: NDArray[np.int64]) -> None:
    """Prints what each feature adds to a score, by the forest alone and by numpy, for the rows that score highest.

    Args:
        serving: A model whose classifier is a forest.
        rows: float64[n, d], 256 at least.
        times: int64[n], epoch milliseconds UTC.
    """
    forest = serving.classifier
    assert isinstance(forest, Forest)
    prepared = serving.prepare(rows, times)
    suspected = prepared[np.argsort(-forest.probabilities(prepared), kind="stable")]
    for size in _EXPLAINED:
        batch = np.ascontiguousarray(suspected[:size])
        assert forest.contributions(batch)[0].tobytes() == _by_numpy(forest.contributions, batch)[0].tobytes()
        ours, numpys = _seconds([partial(forest.contributions, batch), partial(_by_numpy, forest.contributions, batch)])
        show(
            "explanations",
            size / ours,
            "rows/s",
            baseline="the walk by numpy",
            baseline_value=size / numpys,
            batch=size,
            microseconds=round(ours * 1e6, 1),
            baseline_microseconds=round(numpys * 1e6, 1),
            kernel=NAME,
            trees=len(forest.roots),
            nodes=len(forest.feature),
            inputs=len(serving.inputs),
            load=round(os.getloadavg()[0], 1),
        )


def _bench_starting(serving: ServingModel, fitted: RandomForestClassifier) -> None:
    """What a process takes from its start to the first score, beside scikit-learn with the same forest pickled."""
    if not Path("/proc/self/status").exists():
        print("memory is read from /proc: start and memory are left out", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        ours, pickled = Path(folder, "serving.npz"), Path(folder, "forest.pickle")
        ours.write_bytes(serving.encode())
        pickled.write_bytes(pickle.dumps(fitted))
        (seconds, peak), (usual_seconds, usual_peak) = _started(_OURS, ours), _started(_PICKLED, pickled)
    baseline = "scikit-learn with the same forest, pickled"
    kernel: dict[str, Any] = {"kernel": NAME, "trees": len(fitted.estimators_), "load": round(os.getloadavg()[0], 1)}
    show(
        "start of a process to its first score", seconds, "s", baseline=baseline, baseline_value=usual_seconds, **kernel
    )
    show("peak memory of that process", peak, "MB", baseline=baseline, baseline_value=usual_peak, **kernel)


def _started(program: str, model: Path) -> tuple[float, float]:
    """Seconds from a process's start to its first score, the median of some starts, and its peak memory in MB."""
    seconds, peak = [], 0.0
    for _ in range(_ROUNDS):
        begun = time.monotonic()
        command = [sys.executable, "-c", program + _SAID, str(model)]
        at, kib = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        seconds.append(float(at) - begun)
        peak = max(peak, int(kib) * 1024 / 1e6)
    return statistics.median(seconds), peak


def _dataset(data: Path | None, profile: Profile) -> Dataset:
    if data is not None:
        return read_dataset(data, profile, need_labels=True)
    return dataset_from_frame(simulate(SimulationPlan(), seed=7), profile, need_labels=True, source="simulation")


def _learnt(dataset: Dataset, profile: Profile) -> tuple[Pipeline, ServingModel]:
    """A forest as it comes from scikit-learn, behind our preparation, and the same as it is served."""
    first, calendar = len(dataset) * 4 // 5, profile.calendar_features
    steps = [
        ("prepare", new_preparation(len(profile.inputs), calendar)),
        ("classify", RandomForestClassifier(_TREES, random_state=0, n_jobs=1)),
    ]
    rows = with_times(dataset.inputs[:first], dataset.times[:first], calendar)
    pipeline = Pipeline(steps).fit(rows, labels_of(dataset)[:first])
    return pipeline, serving_model(pipeline, inputs=profile.inputs, calendar=calendar, calibration=IDENTITY)


def _by_numpy(walk: Callable[[NDArray[np.float64]], Given], prepared: NDArray[np.float64]) -> Given:
    with patch.object(walking, "KERNEL", Kernel(reason=KERNEL.reason or "numpy is asked to walk")):
        return walk(prepared)


def _seconds(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Of each call the median duration. They take turns, so that a neighbour's load meets all of them."""
    durations: list[list[float]] = [[] for _ in calls]
    for _ in range(_ROUNDS):
        for call, taken in zip(calls, durations, strict=True):
            call()
            end = time.perf_counter() + _ROUND_S
            while (begun := time.perf_counter()) < end:
                call()
                taken.append(time.perf_counter() - begun)
    return [statistics.median(taken) for taken in durations]


if __name__ == "__main__":
    main()
