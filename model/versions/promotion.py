"""A candidate and the champion on the same rows of a file: those that are later than what either has learnt from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.profile import Profile
from model.scoring.scorer import Scorer
from model.versions.evaluation import probabilities_of
from model.versions.gate import Comparison, compare, later_than
from model.versions.manifest import Manifest

# Of a larger file all frauds are read, and some of the others: a thousand rounds over more rows take minutes.
MOST_ROWS: Final = 500_000
_SEED: Final = 7  # of the bootstrap: the same data give the same verdict


@dataclass(frozen=True, eq=False)
class Contender:
    """A model, with what it has learnt from."""

    manifest: Manifest
    scorer: Scorer


def profile_for_both(profile: Profile, champion: Contender, candidate: Contender) -> Profile:
    """The profile with all the inputs that either model wants."""
    inputs = dict.fromkeys([*candidate.scorer.inputs, *champion.scorer.inputs])
    return msgspec.structs.replace(profile, inputs=tuple(inputs))


def compare_on(
    dataset: Dataset,
    inputs: Sequence[str],
    *,
    champion: Contender,
    candidate: Contender,
    progress: Callable[[float], None],
) -> Comparison:
    """Scores the rows with both models and compares them.

    Args:
        dataset: With labels.
        inputs: Its columns, all that either model wants.
        champion: The model in place.
        candidate: The one that wants its place.
        progress: Is told the share that is done, from 0 to 1.

    Raises:
        TooFewFrauds: Too few of the rows are later than what both have learnt from.
    """
    ends = [one.manifest.training.learnt_from.last for one in (champion, candidate)]
    later = np.flatnonzero(later_than(dataset.times, ends))
    rows = dataset.take(later)
    assert rows.labels is not None, "read with need_labels=True"

    def probabilities(contender: Contender, share_before: float) -> NDArray[np.float64]:
        columns = [inputs.index(name) for name in contender.scorer.inputs]
        return probabilities_of(
            contender.scorer,
            rows.inputs[:, columns],
            rows.times,
            progress=lambda share: progress(share_before + share / 2),
        )

    return compare(
        rows.labels,
        probabilities(champion, 0),
        probabilities(candidate, 0.5),
        weights=rows.weights,
        seed=_SEED,
        left_out=len(dataset) - len(rows),
    )
