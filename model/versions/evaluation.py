"""A saved model on other data: its verdicts against the labels, row by row and in sum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.errors import Mendable
from model.measuring.metrics import Metrics, measure
from model.profile import Profile
from model.scoring.scorer import Scorer

_BATCH: Final = 20_000  # rows between two reports of progress


class InputsDiffer(Mendable):
    """A profile of other inputs than the model's."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the model says of each row, and how good that is.

    Attributes:
        probabilities: float64[n], of fraud, in the order of the dataset.
        alarms: bool[n], where the probability reaches the model's threshold.
        metrics: Against the labels.
    """

    probabilities: NDArray[np.float64]
    alarms: NDArray[np.bool_]
    metrics: Metrics


def evaluate(scorer: Scorer, dataset: Dataset, *, progress: Callable[[float], None]) -> Evaluation:
    """Scores every row and compares.

    Args:
        scorer: The model, with its threshold.
        dataset: With labels; inputs in the model's order.
        progress: Is told the share of rows done, from 0 to 1.
    """
    assert dataset.labels is not None, "read with need_labels=True"
    probabilities = probabilities_of(scorer, dataset.inputs, dataset.times, progress=progress)
    return Evaluation(
        probabilities=probabilities,
        alarms=probabilities >= scorer.threshold,
        metrics=measure(dataset.labels, probabilities, scorer.threshold),
    )


def probabilities_of(
    scorer: Scorer, inputs: NDArray[np.float64], times: NDArray[np.int64], *, progress: Callable[[float], None]
) -> NDArray[np.float64]:
    """The model's probability of each row: float64[n].

    Args:
        scorer: The model.
        inputs: float64[n, d], in the model's order.
        times: int64[n], epoch milliseconds UTC.
        progress: Is told the share of rows done, from 0 to 1.
    """
    probabilities = np.empty(len(times))
    for first in range(0, len(times), _BATCH):
        batch = slice(first, first + _BATCH)
        probabilities[batch] = scorer.score(inputs[batch], times[batch])
        progress(min(first + _BATCH, len(times)) / len(times))
    return probabilities


def profile_for(inputs: Sequence[str], profile: Profile) -> Profile:
    """The profile, with its inputs in a model's order.

    Raises:
        InputsDiffer: Its inputs are not the model's.
    """
    lacking = [repr(name) for name in inputs if name not in profile.inputs]
    beyond = [repr(name) for name in profile.inputs if name not in inputs]
    if lacking or beyond:
        lacks = f"lacks {', '.join(lacking)}" if lacking else "lacks none"
        has = f"has {', '.join(beyond)} beyond them" if beyond else "has no others"
        raise InputsDiffer(
            f"profile {profile.name!r} does not fit the model: of its inputs it {lacks} and {has}",
            remedy="leave out --profile to use the one that the model was trained with, or correct its inputs",
        )
    return msgspec.structs.replace(profile, inputs=tuple(inputs))


def scores_table(dataset: Dataset, evaluation: Evaluation) -> pd.DataFrame:
    """One row for each of the dataset, in its order: id (str), label (int64), fraud_probability, verdict (str)."""
    return pd.DataFrame(
        {
            "id": dataset.ids,
            "label": np.asarray(dataset.labels, dtype=np.int64),
            "fraud_probability": evaluation.probabilities,
            "verdict": np.where(evaluation.alarms, "fraud", "legitimate"),
        }
    )
