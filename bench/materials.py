"""What every contender gets: the same transactions, and the same forest in each one's own form."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import joblib
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from model.data.dataset import Dataset, read_dataset
from model.learning.export import forest_of
from model.learning.windows import labels_of
from model.profile import load_profile
from model.scoring.calibration import IDENTITY
from model.scoring.serving import ServingModel
from model.versions.golden import golden_rows
from stream.records import Outgoing
from stream.replay import transactions_of
from tests.harness.small_model import small_model

TREES: Final = 100
_SEED: Final = 7
_GOLDEN_ROWS: Final = 20_000
_ID: Final = b'"transaction_id":"'


@dataclass(frozen=True, eq=False)
class Materials:
    """What is scored, and by what.

    Attributes:
        folder: Holds `forest.joblib` (scikit-learn's), `inputs.json` (its columns) and `fraud` (a model directory of
            ours, whose preparation changes nothing); `forest.onnx` is made from the first where somebody needs it.
        transactions: In the order of their time.
        probabilities: What scikit-learn says of each, by id.
        inputs: Columns of the forest.
    """

    folder: Path
    transactions: Sequence[Outgoing]
    probabilities: Mapping[str, float]
    inputs: tuple[str, ...]

    @property
    def mean_bytes(self) -> int:
        """Of a transaction's JSON."""
        return sum(len(one.value or b"") for one in self.transactions) // len(self.transactions)


def gather_materials(
    folder: Path, data: Path | None, profile_name: str, *, rows: int, cache: Path, times_over: int = 1
) -> Materials:
    """Fits the forest, and writes what contenders read.

    Args:
        folder: Empty; written to.
        data: A labelled file; None simulates one.
        profile_name: What the file is read with.
        rows: Transactions at most.
        cache: Directory of forests that were fitted before.
        times_over: The forest has its trees so often: it says the same, and costs more.
    """
    if data is None:
        data = folder / "simulated.parquet"
        simulate = [sys.executable, "-m", "cli.main", "simulate", "--out", str(data)]
        subprocess.run(simulate, check=True, stderr=subprocess.DEVNULL)
    profile = load_profile(profile_name)
    dataset = _without_gaps(read_dataset(data, profile, need_labels=True))
    labels, seen = labels_of(dataset), dataset.inputs
    forest = _fitted(seen, labels, cache)
    forest.estimators_ *= times_over
    forest.set_params(n_estimators=len(forest.estimators_))
    joblib.dump(forest, folder / "forest.joblib")
    (folder / "inputs.json").write_text(json.dumps(profile.inputs))
    width = len(profile.inputs)
    serving = ServingModel(
        inputs=tuple(profile.inputs),
        calendar=(),
        medians=np.zeros(width),
        low=seen.min(axis=0),
        high=seen.max(axis=0),
        centre=np.zeros(width),
        scale=np.ones(width),
        classifier=forest_of(forest),
        calibration=IDENTITY,
    )
    few = dataset.take(np.arange(min(len(dataset), _GOLDEN_ROWS)))
    golden = golden_rows(few.inputs, few.times, labels_of(few), seed=_SEED, score=serving.probabilities)
    # What is known of a model besides its arrays is another one's: nobody reads it here.
    replace(small_model(few, profile=profile), serving=serving, golden=golden).save(folder / "fraud", threshold=0.5)
    order = np.argsort(dataset.times, kind="stable")[:rows]
    ids, probabilities = dataset.ids, forest.predict_proba(seen[order])[:, 1].tolist()
    return Materials(
        folder,
        list(transactions_of(dataset, profile, topic="", limit=rows)),
        {ids[row]: probability for row, probability in zip(order.tolist(), probabilities, strict=True)},
        tuple(profile.inputs),
    )


def again(value: bytes, number: int) -> bytes:
    """A transaction with another id: a number, `*`, and the one that it has (pure)."""
    return value.replace(_ID, _ID + b"%d*" % number, 1)


def _fitted(seen: NDArray[np.float64], labels: NDArray[np.int8], cache: Path) -> RandomForestClassifier:
    """The usual forest, which takes minutes: kept for the next run on the same data."""
    content = hashlib.sha256(seen.tobytes() + labels.tobytes() + sklearn.__version__.encode()).hexdigest()[:12]
    kept = cache / f"forest-{content}.joblib"
    if not kept.exists():
        forest = RandomForestClassifier(TREES, random_state=_SEED, n_jobs=-1).fit(seen, labels)
        joblib.dump(forest.set_params(n_jobs=1), kept)
    return joblib.load(kept)


def _without_gaps(dataset: Dataset) -> Dataset:
    """With medians where something is missing: not every contender could bear it."""
    medians = np.nanmedian(dataset.inputs, axis=0)
    return replace(dataset, inputs=np.where(np.isnan(dataset.inputs), medians, dataset.inputs))
