"""The ULB card data by time: `python -m bench.ulb DATA [--later LATER]`, beside the usual forest.

Trained as `fraud train` does by default. Judged by LATER where it is given, otherwise by the model's own test window,
the last fifth of DATA; a random split would flatter every one of these figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bench.figures import show
from model.data.dataset import Dataset, read_dataset
from model.learning.fitting import Fit, resampled
from model.learning.preparing import prepare
from model.learning.training import TrainingPlan, train
from model.learning.windows import labels_of, plan_steps
from model.measuring.metrics import Metrics, measure
from model.profile import Profile, load_profile
from model.recipes import Recipe

_MEASURES = ("average_precision", "roc_auc", "precision", "recall", "calibration_error")


def main() -> None:
    """Prints one JSON line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="what is learnt from")
    parser.add_argument("--later", type=Path, help="what it is judged by")
    arguments = parser.parse_args()
    profile = load_profile("ulb")
    dataset = read_dataset(arguments.data, profile, need_labels=True)
    trained = train(dataset, profile, plan=TrainingPlan(), progress=lambda _, __: None)
    recipe = trained.assessment.recipe
    if arguments.later is None:
        (ours, *_), test = trained.assessment.metrics.values(), plan_steps(dataset, TrainingPlan().windows)[-1]
        usual = _usual(dataset, profile, test.training, dataset, test.judged)
    else:
        later = read_dataset(arguments.later, profile, need_labels=True)
        probabilities = trained.serving.probabilities(later.inputs, later.times)
        ours = measure(labels_of(later), probabilities, trained.threshold)
        usual = _usual(dataset, profile, np.arange(len(dataset)), later, np.arange(len(later)))
    for name in _MEASURES:
        value, baseline = ours.measures()[name], usual.measures()[name]
        assert value is not None
        assert baseline is not None
        show(
            f"{name}, chosen model at its threshold",
            value,
            "",
            baseline="RandomForestClassifier(100) at 0.5",
            baseline_value=baseline,
            recipe=recipe.label,
            frauds=ours.counts.true_positives + ours.counts.false_negatives,
        )


def _usual(learnt: Dataset, profile: Profile, rows: np.ndarray, judged: Dataset, judged_rows: np.ndarray) -> Metrics:
    prepared, fit = prepare(learnt, rows, profile), Fit(Recipe(kind="random_forest"), seed=7)
    fit.grow(resampled("none", prepared.features(learnt, rows), labels_of(learnt)[rows], seed=7), 100)
    scores = fit.scores(prepared.features(judged, judged_rows))
    return measure(labels_of(judged)[judged_rows], scores, 0.5)


if __name__ == "__main__":
    main()
